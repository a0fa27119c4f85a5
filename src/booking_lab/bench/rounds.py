"""One round: every way measured once, one after the other, on a fresh copy of the rows."""

import asyncio
import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg

from booking_lab.bench import seed, servers
from booking_lab.bench.api import serving, tokens_for
from booking_lab.bench.driver import Target, again_and_again, once, races
from booking_lab.bench.figures import Sample
from booking_lab.bench.pgbench import BARE, GUARDED, Pgbench, own_script
from booking_lab.bench.plan import BenchProblem, Plan
from booking_lab.bench.processes import announced_port, running
from booking_lab.bench.requests import Wishes
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_cluster import DATABASE

MOST_BOOKINGS_PER_SECOND = 8_000


class Way(StrEnum):
    """What is measured, in the order in which a round does it."""

    UNGUARDED = "unguarded"
    TRANSACTION = "transaction"
    STATEMENTS = "statements"
    RAW = "raw"
    FASTAPI = "fastapi"
    SLOTS = "slots"
    BOOKING = "booking"
    RACE = "race"


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
        with self._copy() as database:
            samples = {}
            for way, script in SCRIPTS.items():
                tell(way)
                asyncio.run(self._execute("CHECKPOINT"))
                samples[way] = self.pgbench.run(
                    script,
                    database=database,
                    seconds=self.plan.seconds,
                    transactions=self.plan.transactions,
                )
            tell("the API")
            url = self.server.url_for(database)
            with serving(url, self.folder, self.server.server_pid) as api:
                return samples | self._over_http(api, url, tell)

    def _over_http(self, api: Target, url: str, tell: Tell) -> dict[Way, Sample]:
        prepared = asyncio.run(self._prepare(url))
        body, samples = _body_of(api, prepared.read[0]), {}
        for way, kind in ((Way.RAW, "raw"), (Way.FASTAPI, "fastapi")):
            tell(way)
            with running(servers.__name__, kind, folder=self.folder, given=body) as server:
                target = Target(port=announced_port(server), pid=server.pid)
                samples[way] = self._reading(target, prepared.read)
        tell(Way.SLOTS)
        samples[Way.SLOTS] = self._reading(api, prepared.read)
        tell(Way.BOOKING)
        samples[Way.BOOKING] = self._booking(api, prepared)
        tell(Way.RACE)
        samples[Way.RACE] = self._race(api, prepared, url)
        return samples

    def _reading(self, target: Target, requests: list[bytes]) -> Sample:
        again_and_again(target, requests, seconds=self.plan.warm_up)
        return again_and_again(target, requests, seconds=self.plan.seconds)

    def _booking(self, api: Target, prepared: Prepared) -> Sample:
        once(api, prepared.warm_up)
        first = self.plan.warm_up_bookings
        once(api, prepared.book[:first], hoped=201)
        asyncio.run(self._execute("CHECKPOINT"))
        rest = prepared.book[first:]
        return once(api, rest, hoped=201, seconds=self.plan.seconds)

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
