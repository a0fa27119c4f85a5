"""Counts every operation once, on a database that is empty but for its tables."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import asyncpg

from booking_lab.bench import seed
from booking_lab.bench.plan import BenchProblem
from booking_lab.cost.counting import Python, SystemCalls
from booking_lab.cost.operations import ROWS, WRITES, Requests
from booking_lab.cost.served import STOPPED, Served, serving
from booking_system.bootstrap import migrations
from booking_system.bootstrap.settings import Settings
from booking_system.identity.adapters.tokens import SignedAccessTokens

WARM, TRACED, TIMED, ASKED, LOGGED = 15, 4, 9, 3, 11
assert WARM + TRACED + TIMED + ASKED + LOGGED <= WRITES
Figures = dict[str, int]
WRITTEN = """SELECT sum((pg_stat_get_backend_wal(p)).wal_records)::bigint AS records,
 sum((pg_stat_get_backend_wal(p)).wal_bytes)::bigint AS bytes FROM unnest($1::int[]) p"""
TABLES = """SELECT c.relname,
 count(*) FILTER (WHERE k.contype = 'c') AS checks,
 count(*) FILTER (WHERE k.contype = 'f') AS foreign_keys,
 count(*) FILTER (WHERE k.contype = 'x') AS exclusions,
 (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
 (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) AS triggers
 FROM pg_class c LEFT JOIN pg_constraint k ON k.conrelid = c.oid
 WHERE c.relname = ANY($1) AND c.relnamespace = 'public'::regnamespace
 GROUP BY c.oid, c.relname ORDER BY 1"""
WRITTEN_BY_A_BOOKING = ["appointments", "clinic_patients", "idempotency_keys", "outbox",
                        "time_slots"]  # fmt: skip


@dataclass(slots=True)
class Counted:
    """By operation what one request costs, by table what stands on it."""

    operations: dict[str, Figures] = field(default_factory=dict)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    by_file: dict[str, Counter[str]] = field(default_factory=dict)
    """Bytecodes of one request, by the file that they are in."""


async def seeded(url: str) -> None:
    """Make tables and rows in a database that has none, the same ones each time."""
    await migrations.upgrade(url)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT setseed(0.5)")
        await seed.seed(connection, ROWS, STOPPED.now())
    finally:
        await connection.close()


def counted(settings: Settings, log: Path) -> Counted:
    """Count all operations. Raises `BenchProblem` where one is not answered as it should be."""
    asyncio.run(seeded(settings.database_url or ""))
    tokens = SignedAccessTokens(settings.keyring(), issuer=settings.public_url)
    with serving(settings, log) as served, asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(settings.database_url))
        try:
            return _Counting(served, runner, connection, Requests(connection, tokens)).all()
        finally:
            runner.run(connection.close())


@dataclass(slots=True)
class _Counting:
    served: Served
    runner: asyncio.Runner
    connection: asyncpg.Connection
    requests: Requests
    found: Counted = field(default_factory=Counted)

    def all(self) -> Counted:
        by_operation = self.runner.run(self.requests.by_operation())
        for request in by_operation.pop("me"):
            self.served.ask(request)
        for name, requests in by_operation.items():
            made = self._count(name, requests, writes=requests[0].startswith(b"POST"))
            if name == "booking":
                orders = self.runner.run(self.requests.orders())[: len(made)]
                ids = [json.loads(body)["id"] for body in made]
                moves = self.runner.run(self.requests.to_move(orders, ids))
                self._count("move", moves, writes=True)
        self._count("cancel", self.requests.to_cancel(orders, ids), writes=True)
        self.found.tables = {
            row["relname"]: {name: n for name, n in row.items() if name != "relname"}
            for row in self.runner.run(self.connection.fetch(TABLES, WRITTEN_BY_A_BOOKING))
        }
        return self.found

    def _count(self, name: str, requests: Sequence[bytes], *, writes: bool) -> list[bytes]:
        """Return the answers."""
        coming, made, served = itertools.cycle(requests), list[bytes](), self.served

        def ask() -> None:
            status, body = served.ask(next(coming))
            if status not in {200, 201}:
                raise BenchProblem(f"{name}: {status} {body.decode()}")
            made.append(body)

        for _ in range(WARM):
            ask()
        nothing = _least([served.python_of(_nothing) for _ in range(TRACED)])
        python = _least([served.python_of(ask) for _ in range(TRACED)])
        idle = [served.system_calls_of(_nothing) for _ in range(TIMED)]
        system = [served.system_calls_of(ask) for _ in range(TIMED)]
        figures: Figures = {
            "calls": python.calls.total() - nothing.calls.total(),
            "bytecodes": python.bytecodes.total() - nothing.bytecodes.total(),
            "reads": _fewest(system, "reads") - _fewest(idle, "reads"),
            "writes": _fewest(system, "writes") - _fewest(idle, "writes"),
            "statements": min(served.statements_of(ask) for _ in range(ASKED)),
        }
        if writes:
            figures |= self._logged(ask)
        self.found.operations[name] = figures
        self.found.by_file[name] = python.bytecodes - nothing.bytecodes
        return made

    def _logged(self, ask: Callable[[], None]) -> Figures:
        """What a request adds to the write-ahead log, but for whole pages after a checkpoint.

        The least of several: a changed row is logged whole where its page has no room for it, which
        hangs on how many slots of the page were booked before.
        """
        seen = [self._written()]
        for _ in range(LOGGED):
            ask()
            seen.append(self._written())
        return {
            f"wal_{part}": min(new[part] - old[part] for old, new in pairwise(seen))
            for part in seen[0]
        }

    def _written(self) -> dict[str, int]:
        backends = self.served.backends()
        row = self.runner.run(self.connection.fetchrow(WRITTEN, backends))
        return dict(row)


def _nothing() -> None:
    """What counting itself costs."""


def _least(several: Sequence[Python]) -> Python:
    """Return the cheapest: the others met a change of the second, or the collector of weak sets."""
    return min(several, key=lambda one: one.bytecodes.total())


def _fewest(several: Sequence[SystemCalls], part: str) -> int:
    seen: list[int] = [getattr(one, part) for one in several]
    return min(seen)
