"""A consumer's place and its effect are one transaction, and one event never stops it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import pytest

from booking_system.platform.postgres.consumers import (
    LOOK,
    MOST,
    OLD_EVENTS,
    TRIES,
    Consumer,
    Effect,
    StoredEvent,
)
from booking_system.platform.postgres.dead_events import DEAD, WANT_AGAIN
from booking_system.platform.postgres.tidying import Tidying
from booking_system.platform.postgres.transaction import Database

FEED = """INSERT INTO event_feed (seq, id, name, payload, occurred_at, relayed_at)
 SELECT n, gen_random_uuid(), 'event ' || n, '{}', now(), now()
 FROM generate_series($1::int, $2::int) n"""
# Any table serves as the effect: what is in it is undone with the consumer's place.
EFFECT = """INSERT INTO message_reports (provider, event_id, reported, at, stored_at)
 SELECT 'test', $1, 'accepted', now(), now()"""
NAME = "messages"
PLACE = "SELECT seq, tries FROM feed_consumers WHERE name = $1"
GRAVES = "SELECT consumer, seq, name, error FROM dead_events ORDER BY seq"


class PoisonError(Exception):
    """The effect of an event fails."""


async def feed(database: Database, first: int, last: int) -> None:
    async with database.driver_transaction() as connection:
        await connection.execute(FEED, first, last)


async def effects(database: Database) -> list[int]:
    async with database.reading() as connection:
        rows = await connection.fetch("SELECT event_id FROM message_reports")
    return sorted(int(row[0]) for row in rows)


async def place(database: Database) -> tuple[int, int]:
    async with database.reading() as connection:
        row = await connection.fetchrow(PLACE, NAME)
    assert row is not None
    return row["seq"], row["tries"]


def failing_at(*poison: int) -> Effect:
    async def take(connection: asyncpg.Connection, events: Sequence[StoredEvent]) -> None:
        for event in events:
            await connection.execute(EFFECT, str(event.seq))
            if event.seq in poison:
                raise PoisonError

    return take


def consumer(database: Database, *poison: int) -> Consumer:
    return Consumer(database=database, name=NAME, effect=failing_at(*poison))


async def test_all_events_have_their_effect_once_and_in_batches(database: Database) -> None:
    last = 2 * MOST + 3
    await feed(database, 1, last)
    assert await consumer(database).once()
    assert await consumer(database).once()
    assert await effects(database) == [*range(1, last + 1)]
    assert await place(database) == (last, 0)


async def test_an_effect_is_undone_with_its_place(database: Database) -> None:
    async def broken_off(connection: asyncpg.Connection, events: Sequence[StoredEvent]) -> None:
        await failing_at()(connection, events)
        raise asyncio.CancelledError

    await feed(database, 1, 3)
    dying = Consumer(database=database, name=NAME, effect=broken_off)
    with suppress(asyncio.CancelledError):
        await dying.once()
    assert (await effects(database), await place(database)) == ([], (0, 0))
    await consumer(database).once()
    assert await effects(database) == [1, 2, 3]


async def test_an_event_that_fails_is_buried_after_some_tries(database: Database) -> None:
    await feed(database, 1, 6)
    poisoned = consumer(database, 3, 5)
    for tries in range(1, TRIES):
        assert not await poisoned.once()
        assert await place(database) == (2, tries)
        assert await effects(database) == [1, 2]
    assert not await poisoned.once()
    assert await place(database) == (3, 0)
    for _ in range(TRIES):
        assert not await poisoned.once()
    assert await poisoned.once()
    assert await effects(database) == [1, 2, 4, 6]
    async with database.reading() as connection:
        graves = [tuple(row) for row in await connection.fetch(GRAVES)]
    assert graves == [(NAME, n, f"event {n}", "PoisonError") for n in (3, 5)]


async def test_an_event_that_fails_for_a_while_is_not_buried(database: Database) -> None:
    await feed(database, 1, 4)
    for _ in range(TRIES - 1):
        await consumer(database, 2).once()
    assert await consumer(database).once()
    assert await effects(database) == [1, 2, 3, 4]
    assert await place(database) == (4, 0)


async def test_a_dead_event_is_tried_again_when_somebody_wants_it(database: Database) -> None:
    await feed(database, 1, 3)
    for _ in range(TRIES + 1):
        await consumer(database, 2).once()
    assert await effects(database) == [1, 3]

    async def want() -> list[tuple[int, bool]]:
        async with database.driver_transaction() as connection:
            assert await WANT_AGAIN.fetchval(connection, consumer=NAME, seq=2) == 2
        return await graves()

    async def graves() -> list[tuple[int, bool]]:
        async with database.reading() as connection:
            rows = await DEAD.fetch(connection, after=0, most=10)
        return [(row["seq"], row["wanted_again"]) for row in rows]

    assert await want() == [(2, True)]
    assert await consumer(database, 2).once()
    assert (await graves(), await effects(database)) == ([(2, False)], [1, 3])
    await want()
    assert await consumer(database).once()
    assert (await graves(), await effects(database)) == ([], [1, 2, 3])


async def test_how_far_behind_a_consumer_is_can_be_seen(database: Database) -> None:
    async def seen() -> tuple[int, bool, int]:
        async with database.reading() as connection:
            rows = {row["queue"]: row for row in await LOOK.fetch(connection)}
        row = rows["feed of messages"]
        return row["waiting"], row["seconds"] > 0, row["dead"]

    assert await seen() == (0, False, 0)
    await feed(database, 1, 3)
    assert await seen() == (3, True, 0)
    for _ in range(TRIES):
        await consumer(database, 1).once()
    assert await seen() == (2, True, 1)
    await consumer(database).once()
    assert await seen() == (0, False, 1)


async def test_one_process_works_at_a_time(database: Database) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slowly(connection: asyncpg.Connection, events: Sequence[StoredEvent]) -> None:
        entered.set()
        await leave.wait()
        await failing_at()(connection, events)

    await feed(database, 1, 2)
    slow = asyncio.create_task(Consumer(database=database, name=NAME, effect=slowly).once())
    await entered.wait()
    assert await consumer(database).once()
    assert await effects(database) == []
    leave.set()
    assert await slow
    assert await effects(database) == [1, 2]


@pytest.mark.parametrize(("read", "left"), [(0, [1, 2, 3, 4]), (1, [2, 3, 4]), (4, [3, 4])])
async def test_old_events_go_when_all_have_read_them_but_for_the_newest(
    database: Database, read: int, left: list[int]
) -> None:
    await feed(database, 1, 4)
    async with database.driver_transaction() as connection:
        old = "UPDATE event_feed SET relayed_at = now() - interval '31 days' WHERE seq <> 3"
        await connection.execute(old)
        await connection.execute("UPDATE feed_consumers SET seq = $1", read)
    await Tidying(database=database, chores=[OLD_EVENTS]).once()
    async with database.reading() as connection:
        rows = await connection.fetch("SELECT seq FROM event_feed ORDER BY seq")
    assert [row["seq"] for row in rows] == left
