"""The feed has each committed event once, without a gap, in the order of the commits."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest

from booking_system.platform.postgres import feed as module
from booking_system.platform.postgres.feed import (
    CHANNEL,
    LOCK,
    READ,
    READ_OF_CLINIC,
    Relay,
)
from booking_system.platform.postgres.periodic import take_turn
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.platform.uuid7 import uuid7
from tests.patience import PATIENCE

RECORD = "INSERT INTO outbox (id, name, payload, occurred_at) VALUES ($1, $2, $3, now())"
LEFT = "SELECT count(*) FROM outbox"


@pytest.fixture
def relay(database: Database) -> Relay:
    return Relay(database=database)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        connection.terminate()


async def record(connection: asyncpg.Connection, name: str, payload: str = "{}") -> UUID:
    event_id = uuid7()
    await connection.execute(RECORD, event_id, name, payload)
    return event_id


async def told(database: Database) -> list[tuple[int, str]]:
    async with database.reading() as connection:
        rows = await READ.fetch(connection, after=0, most=10_000)
    return [(row["seq"], row["name"]) for row in rows if row["seq"] is not None]


async def test_events_go_over_with_all_that_they_say(database: Database, relay: Relay) -> None:
    clinic_id = uuid7()
    async with database.driver_transaction() as connection:
        first = await record(connection, "slot.held", f'{{"clinic_id": "{clinic_id}"}}')
        await record(connection, "patients.merged")
    assert await relay.batch() == 2
    assert await relay.batch() == 0
    async with database.reading() as connection:
        assert await connection.fetchval(LEFT) == 0
        one, other = await READ.fetch(connection, after=0, most=10)
        (of_clinic,) = await READ_OF_CLINIC.fetch(connection, after=0, most=10, clinic_id=clinic_id)
    assert (one["seq"], one["id"], one["clinic_id"]) == (1, first, clinic_id)
    assert (other["seq"], other["name"], other["clinic_id"]) == (2, "patients.merged", None)
    assert of_clinic == one
    assert (one["oldest"], one["head"]) == (1, 2)


async def test_a_late_commit_is_in_a_later_batch(
    database: Database, database_url: str, relay: Relay
) -> None:
    async with connected(database_url) as slow, slow.transaction():
        await record(slow, "slow")
        async with database.driver_transaction() as connection:
            await record(connection, "quick")
        assert await relay.batch() == 1
    assert await relay.batch() == 1
    assert await told(database) == [(1, "quick"), (2, "slow")]


async def test_commits_decide_within_a_batch(
    database: Database, database_url: str, relay: Relay
) -> None:
    async with connected(database_url) as slow, slow.transaction():
        await record(slow, "slow")
        async with database.driver_transaction() as connection:
            await record(connection, "quick")
    assert await relay.batch() == 2
    assert await told(database) == [(1, "quick"), (2, "slow")]


async def test_an_event_in_a_savepoint_counts_with_its_whole(
    database: Database, database_url: str, relay: Relay
) -> None:
    async with connected(database_url) as slow, slow.transaction():
        async with slow.transaction():
            await record(slow, "slow")
        async with database.driver_transaction() as connection:
            await record(connection, "quick")
    await relay.batch()
    assert await told(database) == [(1, "quick"), (2, "slow")]


async def test_what_is_rolled_back_leaves_no_gap(
    database: Database, database_url: str, relay: Relay
) -> None:
    async with connected(database_url) as connection:
        with suppress(ZeroDivisionError):
            async with connection.transaction():
                await record(connection, "never")
                raise ZeroDivisionError
        await record(connection, "first")
        with suppress(ZeroDivisionError):
            async with connection.transaction():
                await module.TAKE.fetchrow(connection, low=0, most=10)
                raise ZeroDivisionError
        await relay.batch()
        await record(connection, "second")
    await relay.batch()
    assert await told(database) == [(1, "first"), (2, "second")]


async def test_one_relay_leaves_its_turn_to_the_other(
    database: Database, database_url: str, relay: Relay
) -> None:
    async with connected(database_url) as other, other.transaction():
        await record(other, "told")
        assert await take_turn(other, LOCK)
        async with asyncio.timeout(PATIENCE):
            assert await relay.batch() == 0
    assert await relay.batch() == 1


async def test_all_is_taken_batch_by_batch(
    database: Database, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    async with database.driver_transaction() as connection:
        for number in range(5):
            await record(connection, str(number))
    await relay.once()
    assert await told(database) == [(number + 1, str(number)) for number in range(5)]


async def test_a_number_far_behind_is_found_in_the_next_look_at_all(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEHIND", 1)
    now = 100.0
    relay = Relay(database=database, monotonic=lambda: now)
    async with connected(database_url) as slow:
        async with slow.transaction():
            await record(slow, "slow")
            async with database.driver_transaction() as connection:
                for number in range(4):
                    await record(connection, str(number))
            await relay.batch()
            async with database.driver_transaction() as connection:
                await record(connection, "another")
            await relay.batch()
        assert await relay.batch() == 0
        now += module.WHOLE_LOOK_SECONDS
        assert await relay.batch() == 1
    assert (await told(database))[-1] == (6, "slow")


async def test_listeners_hear_the_new_head(
    database: Database, database_url: str, relay: Relay
) -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()
    async with connected(database_url) as listener:
        await listener.add_listener(CHANNEL, lambda *about: heard.put_nowait(about[3]))
        await relay.batch()
        async with database.driver_transaction() as connection:
            await record(connection, "one")
            await record(connection, "two")
        await relay.batch()
        async with asyncio.timeout(PATIENCE):
            assert await heard.get() == "2"
    assert heard.empty()


@dataclass(slots=True)
class Acknowledged:
    """An event whose commit was acknowledged, and when that was, between begin and answer."""

    began: float
    ended: float


@dataclass(slots=True)
class Storm:
    """Writers, some slow; relays that are broken off; a reader who looks all the time."""

    url: str
    seed: int
    seconds: float
    written: dict[UUID, Acknowledged] = field(default_factory=dict)
    seen: list[tuple[int, UUID]] = field(default_factory=list)
    broken_off: int = 0

    async def run(self, *, writers: int) -> None:
        until = time.monotonic() + self.seconds
        async with asyncio.TaskGroup() as group:
            for number in range(writers):
                group.create_task(self._write(random.Random(self.seed + number), until))
            for number in range(2):
                group.create_task(self._relay(random.Random(self.seed - number - 1), until))
            group.create_task(self._read(until))

    async def _write(self, chance: random.Random, until: float) -> None:
        async with connected(self.url) as connection:
            while time.monotonic() < until:
                began = time.monotonic()
                with suppress(ZeroDivisionError):
                    async with connection.transaction():
                        event_id = await record(connection, "told")
                        if chance.random() < 0.1:
                            await asyncio.sleep(chance.uniform(0.0, 0.05))
                        if chance.random() < 0.05:
                            raise ZeroDivisionError
                    self.written[event_id] = Acknowledged(began, time.monotonic())
                await asyncio.sleep(chance.uniform(0.0, 0.005))

    async def _relay(self, chance: random.Random, until: float) -> None:
        while time.monotonic() < until:
            database = Database.at(sqlalchemy_url(self.url), pool_size=1)
            task = asyncio.create_task(self._again_and_again(Relay(database=database)))
            await asyncio.sleep(chance.uniform(0.0, 0.1))
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.broken_off += 1
            await database.close()

    @staticmethod
    async def _again_and_again(relay: Relay) -> None:
        while True:
            await relay.once()
            await asyncio.sleep(0.001)

    async def _read(self, until: float) -> None:
        async with connected(self.url) as connection:
            while time.monotonic() < until:
                await self.read_on(connection)
                await asyncio.sleep(0.003)

    async def read_on(self, connection: asyncpg.Connection) -> None:
        after = self.seen[-1][0] if self.seen else 0
        rows = await READ.fetch(connection, after=after, most=50)
        self.seen += [(row["seq"], row["id"]) for row in rows if row["seq"] is not None]

    def inversions(self, order: Sequence[UUID]) -> int:
        """How often an event stands behind one that began after it was acknowledged."""
        latest, wrong = float("-inf"), 0
        for one in order:
            wrong += self.written[one].ended < latest
            latest = max(latest, self.written[one].began)
        return wrong


@pytest.mark.parametrize(
    ("seconds", "writers"),
    [pytest.param(1.0, 6, id="short"), pytest.param(60.0, 16, id="long", marks=pytest.mark.proof)],
)
async def test_no_event_is_missed_whatever_breaks_off(
    database: Database, database_url: str, seconds: float, writers: int
) -> None:
    storm = Storm(database_url, 7, seconds)
    await storm.run(writers=writers)
    await Relay(database=database).once()
    async with connected(database_url) as connection:
        before = -1
        while before != len(storm.seen):
            before = len(storm.seen)
            await storm.read_on(connection)
    order = [event_id for _, event_id in storm.seen]
    assert storm.broken_off > 5
    assert [seq for seq, _ in storm.seen] == list(range(1, len(storm.seen) + 1))
    assert sorted(order) == sorted(storm.written)
    assert storm.inversions(order) == 0
