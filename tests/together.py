"""Which tests share a worker of pytest-xdist, because they share what takes long to make.

By file, and not by the mark `xdist_group`: pytest-xdist 3.8 writes the mark's name where pytest 9.2
does not look any more, so every test was a group of its own and each worker made everything.
"""

from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

GROUPS = {
    "tests/architecture/test_expanding.py": "expanding",
    "tests/architecture/test_migrations.py": "migrations",
    "tests/access/": "access",
    "tests/hostile/": "hostile",
    "tests/booking/test_crashes.py": "crashes",
    "tests/booking/test_cut_commits.py": "cut commits",
    "tests/booking/test_double_booking.py": "races",
    "tests/booking/test_hold_races.py": "races",
    "tests/booking/test_span_races.py": "races",
    "tests/booking/test_idempotent_booking.py": "idempotency",
    "tests/platform/test_idempotency.py": "idempotency",
    "tests/bootstrap/test_backups.py": "backups",
    "tests/bootstrap/test_bench.py": "bench",
    "tests/bootstrap/test_embedded_postgres.py": "embedded",
    "tests/bootstrap/test_up.py": "embedded",
    "tests/bootstrap/test_race.py": "race",
    "tests/bootstrap/test_database_roles.py": "roles",
    "tests/files/": "files",
    "tests/identity/test_key_rotation.py": "rotation",
    "tests/notifications/carriers/test_amazon.py": "amazon",
    "tests/notifications/own/": "own channels",
    "tests/notifications/reports/": "reports",
    "tests/payments/own/": "own accounts",
    "tests/scheduling/test_plans_of_searches.py": "plans",
    "tests/weave/": "weave",
    "tests/platform/test_bodies.py": "bodies",
    "tests/platform/test_claiming.py": "claiming",
    "tests/platform/test_searches.py": "searches",
    "tests/platform/test_sockets.py": "sockets",
    "tests/platform/test_streams.py": "streams",
    "tests/platform/test_readable_by_programs.py": "traced",
    "tests/platform/test_tracing.py": "traced",
}

DEAREST = (
    "tests/hostile/",
    "tests/schema/test_schema.py",
    "tests/bootstrap/test_up.py",
    "tests/consultations/test_two_processes.py",
    "tests/bootstrap/test_embedded_postgres.py",
    "tests/consultations/test_hostile_rooms.py",
    "tests/booking/test_crashes.py",
    "tests/notifications/test_storm.py",
    "tests/bootstrap/test_bench.py",
    "tests/platform/test_metrics.py",
    "tests/booking/test_double_booking.py",
    "tests/booking/test_span_races.py",
    "tests/bootstrap/test_database_roles.py",
    "tests/platform/test_tracing.py",
    "tests/bootstrap/test_bench_scale.py",
    "tests/bootstrap/test_bench_overload.py",
    "tests/bootstrap/test_bench_journey.py",
    "tests/booking/test_cut_commits.py",
    "tests/scheduling/test_plans_of_searches.py",
    "tests/weave/",
    "tests/cost/",
    "tests/walk/",
)
"""They come first: what takes long, and comes last, is waited for by all other workers. Some wait
most of their time, and the processors are idle where nothing else has to be done meanwhile."""


def rank(nodeid: str) -> int:
    """Return the place of a test's file in the order in which files are begun."""
    return next((n for n, start in enumerate(DEAREST) if nodeid.startswith(start)), len(DEAREST))


class Together(LoadGroupScheduling):
    """Gives each group to one worker, and of all other tests one after the other to any."""

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        """Forget the test: what is kept is counted with each test of the worker that ends."""
        nodeid = self.registered_collections[node][item_index]
        scope = self._split_scope(nodeid)
        group = self.assigned_work[node][scope]
        del group[nodeid]
        if not group:
            del self.assigned_work[node][scope]
        self._reschedule(node)

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return next((group for start, group in GROUPS.items() if path.startswith(start)), nodeid)
