"""A clinic's staff follow what happens in it, through the real server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from booking_system.integrations.adapters import tail as module
from booking_system.integrations.adapters.feed import PostgresFeed
from booking_system.integrations.adapters.tail import Tail
from booking_system.integrations.domain.feed import FeedEvent, FeedState
from booking_system.platform.http import event_stream
from booking_system.platform.http.mailbox import TooSlowError
from booking_system.platform.postgres.feed import Relay
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import ClinicId
from tests.api import Api, Person
from tests.integrations.reading import Reader
from tests.patience import PATIENCE
from tests.platform.real_server import RealServer, real_server
from tests.stage import Stage

CLINIC = ClinicId(uuid7())
RECORD = """INSERT INTO outbox (id, name, payload, occurred_at)
 SELECT gen_random_uuid(), 'told', jsonb_build_object('clinic_id', $1::text, 'n', n), now()
 FROM generate_series($2::int, $3::int) n"""
SET_BACK = "DELETE FROM event_feed WHERE seq > 2"
TOO_OLD = "DELETE FROM event_feed WHERE seq < 4"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(event_stream, "FIRST_SECONDS", 0.05)


@pytest.fixture
async def server(database_url: str, stage: Stage) -> AsyncIterator[RealServer]:
    async with real_server(stage) as server:
        yield server


async def relayed(api: Api) -> None:
    await Relay(database=api.container.database()).once()


def opened(server: RealServer, clinic_id: str, by: Person, **about: Any) -> Any:
    headers = by.headers | about.pop("headers", {})
    return server.api.client.stream(
        "GET", f"/v1/clinics/{clinic_id}/stream", headers=headers, **about
    )


async def test_what_happens_is_told_and_nothing_is_missed_in_between(server: RealServer) -> None:
    api = server.api
    slot, elsewhere = await api.slot(), await api.slot()
    desk, patient = await api.receptionist(slot["clinic_id"]), await api.patient()
    await relayed(api)
    async with opened(server, slot["clinic_id"], desk) as answer:
        assert answer.status_code == 200
        reader = Reader(answer)
        await api.book(elsewhere, await api.patient())
        booked = (await api.book(slot, patient)).json()
        await relayed(api)
        first = await reader.next()
    assert (first.name, first.data["data"]["appointment_id"]) == ("booking.created", booked["id"])
    await api.post(f"/v1/bookings/{booked['id']}/cancel", {}, patient)
    await relayed(api)
    for about in (
        {"headers": {"Last-Event-ID": first.id}},
        {"params": {"last_event_id": first.id}},
    ):
        async with opened(server, slot["clinic_id"], desk, **about) as answer:
            second = await Reader(answer).next()
        assert (second.name, second.data["data"]["version"]) == ("booking.cancelled", 2)
        assert int(second.id) > int(first.id)


class Followed:
    """What one stream has been given."""

    def __init__(self, tail: Tail, after: int) -> None:
        self.seen: list[int | FeedState] = []
        self._from = tail.follow(CLINIC, after)
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for one in self._from:
            self.seen.append(one.data["n"] if isinstance(one, FeedEvent) else one)

    async def has(self, *numbers: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.seen != list(numbers):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self._from.aclose()


@pytest.fixture
def tail(database: Database) -> Tail:
    return Tail(PostgresFeed(database))


async def told(database: Database, first: int, last: int, clinic_id: ClinicId = CLINIC) -> None:
    async with database.driver_transaction() as connection:
        await connection.execute(RECORD, str(clinic_id), first, last)
    await Relay(database=database).once()


async def test_streams_go_over_from_what_they_missed_to_what_comes(
    database: Database, tail: Tail
) -> None:
    await told(database, 1, 5)
    async with tail.running():
        early = Followed(tail, after=5)
        await until_following(tail)
        late = Followed(tail, after=2)
        await told(database, 6, 8)
        await told(database, 100, 101, ClinicId(uuid7()))
        await told(database, 9, 9)
        await early.has(6, 7, 8, 9)
        await late.has(*range(3, 10))
        await early.end()
        await told(database, 10, 10)
        await late.has(*range(3, 11))
        await late.end()
        again = Followed(tail, after=0)
        await again.has(*range(1, 11))
        await again.end()
    assert tail._head is None
    assert not tail._boxes


async def until_following(tail: Tail, streams: int = 1) -> None:
    async with asyncio.timeout(PATIENCE):
        while sum(map(len, tail._boxes.values())) < streams:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_stream_that_reads_slowly_joins_behind_what_the_others_have(
    database: Database, tail: Tail
) -> None:
    await told(database, 1, 2)
    other = Followed(tail, after=2)
    await until_following(tail)
    slow = tail.follow(CLINIC, 0)
    numbers = [one.data["n"] for one in [await anext(slow)] if isinstance(one, FeedEvent)]
    await told(database, 3, 3)
    await tail.once()
    await other.has(3)
    async with tail.running(), asyncio.timeout(PATIENCE):
        while len(numbers) < 3:
            one = await anext(slow)
            assert isinstance(one, FeedEvent)
            numbers.append(one.data["n"])
    assert numbers == [1, 2, 3]
    await other.end()
    await slow.aclose()


async def test_a_long_absence_is_read_page_by_page(
    database: Database, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    await told(database, 1, 5)
    async with tail.running():
        one = Followed(tail, after=0)
        await one.has(1, 2, 3, 4, 5)
        await told(database, 6, 10)
        await one.has(*range(1, 11))
        await one.end()


async def test_a_reader_whose_events_are_gone_is_told_to_read_anew(
    database: Database, tail: Tail
) -> None:
    await told(database, 1, 5)
    async with database.driver_transaction() as connection:
        await connection.execute(TOO_OLD)
    async with tail.running():
        one = Followed(tail, after=1)
        other = Followed(tail, after=70)
        await until_following(tail, 2)
        await told(database, 6, 6)
        for followed in (one, other):
            async with asyncio.timeout(PATIENCE):
                while len(followed.seen) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            state, number = followed.seen
            assert isinstance(state, FeedState)
            assert (state.head, number) == (5, 6)
            await followed.end()


async def test_streams_end_where_the_database_was_set_back(database: Database, tail: Tail) -> None:
    await told(database, 1, 5)
    async with tail.running():
        one = Followed(tail, after=5)
        await until_following(tail)
        async with database.driver_transaction() as connection:
            await connection.execute(SET_BACK)
        async with asyncio.timeout(PATIENCE):
            await one.task
    assert one.seen == []


async def test_a_slow_reader_is_let_go(database: Database, tail: Tail) -> None:
    following = tail.follow(CLINIC, 0)
    first = asyncio.create_task(anext(following))
    await until_following(tail)
    await told(database, 1, 100)
    await tail.once()
    with pytest.raises(TooSlowError):
        await first
    assert tail._head is None


async def test_nobody_looks_without_a_stream(tail: Tail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "_feed", None)
    assert await tail.once()
