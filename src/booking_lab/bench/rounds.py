"""One round: every way measured, by turns, on a fresh copy of the rows."""

import asyncio
import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg

from booking_lab.bench import seed, servers
from booking_lab.bench.api import serving, tokens_for
from booking_lab.bench.driver import Target, races
from booking_lab.bench.figures import Sample
from booking_lab.bench.measured import (
    MOST_BOOKINGS_PER_SECOND,
    Bookings,
    Measured,
    Readings,
)
from booking_lab.bench.pgbench import Pgbench
from booking_lab.bench.plan import BenchProblem, Plan
from booking_lab.bench.processes import announced_port, running
from booking_lab.bench.requests import Wishes
from booking_lab.bench.scripts import BARE, GUARDED, own_script
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_cluster import DATABASE


class Way(StrEnum):
    """What is measured; all but the last by turns in this order, each beside its baseline."""

    UNGUARDED = "unguarded"
    STATEMENTS = "statements"
    TRANSACTION = "transaction"
    BOOKING = "booking"
    SLOTS = "slots"
    FASTAPI = "fastapi"
    RAW = "raw"
    RACE = "race"


BY_TURNS = [way for way in Way if way is not Way.RACE]


SCRIPTS = {
    Way.UNGUARDED: BARE,
    Way.TRANSACTION: GUARDED,
    Way.STATEMENTS: own_script(),
}
Samples = Mapping[Way, Sample]
Tell = Callable[[str], None]
"""Hears what is measured next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The requests of a round, and the slots that are raced for."""

    read: list[bytes]
    book: list[bytes]
    warm_up: list[bytes]
    race: list[bytes]
    raced_for: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Measures on `server`, whose database has been seeded; `folder` is the API's."""

    plan: Plan
    server: EmbeddedPostgres
    pgbench: Pgbench
    folder: Path
    number: int

    def run(self, tell: Tell) -> Samples:
        """Return a sample of every way. Raises `BenchProblem`."""
        tell("a copy of the rows")
        with self._copy() as database, ExitStack() as stack:
            tell("the API")
            url = self.server.url_for(database)
            api = stack.enter_context(serving(url, self.folder, self.server.server_pid))
            prepared = asyncio.run(self._prepare(url))
            ways = self._ways(stack, api, prepared, database)
            for way in BY_TURNS:
                ways[way].warm_up()
            asyncio.run(self._execute("CHECKPOINT"))
            for turn in range(self.plan.turns):
                # There and back: a drift meets each way and its baseline alike.
                for way in reversed(BY_TURNS) if turn % 2 else BY_TURNS:
                    tell(way)
                    ways[way].turn(self.plan.seconds / self.plan.turns)
            samples = {way: ways[way].end() for way in BY_TURNS}
            tell(Way.RACE)
            return samples | {Way.RACE: self._race(api, prepared, url)}

    def _ways(
        self, stack: ExitStack, api: Target, prepared: Prepared, database: str
    ) -> dict[Way, Measured]:
        warm_up = self.plan.warm_up
        ways: dict[Way, Measured] = {
            Way.SLOTS: Readings(api, prepared.read, warm_up),
            Way.BOOKING: Bookings(api, prepared.book, prepared.warm_up, self.plan.warm_up_bookings),
        }
        for way, script in SCRIPTS.items():
            ways[way] = self.pgbench.clients(
                script,
                database=database,
                warm_up=warm_up / self.plan.turns,
                transactions=self.plan.transactions,
            )
        body = _body_of(api, prepared.read[0])
        for way, kind in ((Way.RAW, "raw"), (Way.FASTAPI, "fastapi")):
            running_server = running(servers.__name__, kind, folder=self.folder, given=body)
            server = stack.enter_context(running_server)
            target = Target(port=announced_port(server), pid=server.pid)
            ways[way] = Readings(target, prepared.read, warm_up)
        return ways

    def _race(self, api: Target, prepared: Prepared, url: str) -> Sample:
        sample, groups = races(api, prepared.race)
        for group in groups:
            if group[201] != 1:
                raise BenchProblem(f"A race for one slot ended with {dict(group)}.")
        sold = asyncio.run(_value(url, seed.WON, prepared.raced_for))
        if sold != len(prepared.raced_for):
            raise BenchProblem("A slot that was raced for has not just one appointment.")
        return sample

    async def _prepare(self, url: str) -> Prepared:
        connection = await asyncpg.connect(url)
        try:
            wishes = Wishes(connection, tokens_for(self.folder))
            most = int(self.plan.seconds * MOST_BOOKINGS_PER_SECOND) + self.plan.warm_up_bookings
            race, raced_for = await wishes.to_race(self.plan.races)
            return Prepared(
                read=await wishes.to_read(),
                book=await wishes.to_book(most),
                warm_up=await wishes.to_warm_up(),
                race=race,
                raced_for=raced_for,
            )
        finally:
            await connection.close()

    @contextmanager
    def _copy(self) -> Iterator[str]:
        name = f"round_{self.number}"
        asyncio.run(self._execute(f"CREATE DATABASE {name} TEMPLATE {DATABASE} STRATEGY FILE_COPY"))
        try:
            yield name
        finally:
            asyncio.run(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.url_for("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def _value(url: str, query: str, *values: object) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query, *values)
    finally:
        await connection.close()


def _body_of(api: Target, request: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=10)
    try:
        connection.request("GET", request.split(b" ", 2)[1].decode())
        return connection.getresponse().read()
    finally:
        connection.close()
