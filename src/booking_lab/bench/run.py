"""One whole run of the bench, on a database server of its own that is gone afterwards."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from booking_lab.bench import machine, seed
from booking_lab.bench.neighbours import Neighbours
from booking_lab.bench.pgbench import Pgbench
from booking_lab.bench.plan import BenchProblem, Plan
from booking_lab.bench.report import Report
from booking_lab.bench.rounds import BY_TURNS, Round, Samples
from booking_system.bootstrap import migrations
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_binaries import ServerUser, binaries_for

BESIDES = 2
"""Steps of a round that measure nothing: the copy, the start of the API."""

Progress = Callable[[int, int, str], None]
"""How many steps of how many are done, and what comes next."""


def measure(plan: Plan, *, postgres_bin: Path | None, progress: Progress) -> Report:
    """Do all rounds, and as many again where a bar was missed: that may have been chance.

    Raises `BenchProblem`, `LocalStackError`, `DatabaseProblemError`.
    """
    in_rounds = plan.rounds * (BESIDES + plan.turns * len(BY_TURNS) + 1)
    steps = Steps(progress, 1 + in_rounds)
    with own_place(postgres_bin) as (folder, server):
        neighbours = Neighbours(server.server_pid, plan.look)
        neighbours.rest("before the first round")
        pgbench = Pgbench(server, binaries_for(ServerUser.for_data_in(server.root), postgres_bin))
        steps.next("seeding")
        version = asyncio.run(seeded(server.url, plan))
        about = machine.described(version, server.root)
        samples = list[Samples]()

        def rounds() -> Report:
            for number in range(len(samples) + 1, len(samples) + plan.rounds + 1):
                one = Round(plan=plan, server=server, pgbench=pgbench, folder=folder, number=number)
                with neighbours.working(f"round {number}"):
                    samples.append(one.run(steps.next))
            return Report.of(samples, about, plan, neighbours.looks)

        report = rounds()
        if report.has_missed_a_bar:
            steps.total += in_rounds
            report = rounds()
        return report


@dataclass(slots=True)
class Steps:
    """Counts the steps."""

    progress: Progress
    total: int
    begun: int = 0

    def next(self, what: str) -> None:
        """Tell what comes now."""
        self.progress(self.begun, self.total, what)
        self.begun += 1


@contextmanager
def own_place(postgres_bin: Path | None) -> Iterator[tuple[Path, EmbeddedPostgres]]:
    """Give a new folder and a server that runs in it. Raises `BenchProblem`."""
    with own_folder() as folder, own_server(folder, postgres_bin) as server:
        yield folder, server


@contextmanager
def own_folder() -> Iterator[Path]:
    """A new folder that the server's user may enter, on a disk: memory would make fsync free.

    Raises `BenchProblem` where nothing can be measured.
    """
    if not Path("/proc/self/stat").exists():
        raise BenchProblem("The bench reads processor times from /proc: it needs Linux.")
    disk = Path(os.environ.get("TMPDIR") or "/var/tmp")  # noqa: S108  (a new folder in it)
    with tempfile.TemporaryDirectory(prefix="booking-bench-", dir=disk) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def own_server(folder: Path, postgres_bin: Path | None) -> Iterator[EmbeddedPostgres]:
    """Run a server with its data in `folder`; nothing of it is left afterwards."""
    server = EmbeddedPostgres(folder, binaries=postgres_bin)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        # They are outside of `folder` where the server's user cannot enter that.
        for left in (server.root, server.sockets):
            shutil.rmtree(left, ignore_errors=True)


async def seeded(url: str, plan: Plan) -> str:
    """Make tables and rows; return the server's version."""
    await migrations.upgrade(url)
    connection = await asyncpg.connect(url)
    try:
        if connection.get_server_version().major < seed.OLDEST:
            raise BenchProblem(f"The bench needs PostgreSQL {seed.OLDEST} or newer.")
        await seed.seed(connection, plan, datetime.now(UTC))
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()
