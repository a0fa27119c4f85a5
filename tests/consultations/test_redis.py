"""The bus over Redis: what Redis does not take PostgreSQL carries, and nothing comes twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_system.consultations.adapters.live import redis_bus
from booking_system.consultations.adapters.live.bus import BusMessage, Heard, Resumed
from booking_system.consultations.adapters.live.redis_bus import CHANNEL, RedisBus
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.consultations.surgery import ANSWER, OFFER, Page, page, surgery
from tests.patience import PATIENCE
from tests.platform.instances import instance
from tests.platform.real_server import real_server, until
from tests.platform.redis.valkey import Valkey, valkey
from tests.stage import Stage

BOTH = [CHANNEL.encode(), 2]
ROOM = AppointmentId(UUID(int=7))


@dataclass
class Spare:
    """What PostgreSQL would carry, to the other process at once."""

    told: list[BusMessage] = field(default_factory=list)
    ears: list[Heard] = field(default_factory=list)
    other: "Spare | None" = None

    def tell(self, message: BusMessage) -> None:
        self.told.append(message)
        for heard in [] if self.other is None else self.other.ears:
            heard(message)

    @asynccontextmanager
    async def running(self, heard: Heard, _: Resumed) -> AsyncIterator[None]:
        self.ears.append(heard)
        yield


@dataclass
class Process:
    """A process as far as its bus goes."""

    bus: RedisBus
    spare: Spare
    heard: list[BusMessage] = field(default_factory=list)
    resumed: int = 0

    def resume(self) -> None:
        self.resumed += 1

    def frames(self) -> list[int]:
        return [one.frame["n"] for one in self.heard if one.frame is not None]

    async def hears(self, n: int) -> None:
        await until(lambda: n in self.frames())


@pytest.fixture
def server() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


@pytest.fixture
async def two(server: Valkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Process]]:
    """Two processes that hear each other."""
    # Redis has all the time that a busy machine takes, except where it stands still.
    monkeypatch.setattr(redis_bus, "TELL_SECONDS", 1.0)
    monkeypatch.setattr(redis_bus, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(redis_bus, "PAUSE_SECONDS", 0.1)
    await server.start()
    spares = [Spare(), Spare()]
    spares[0].other, spares[1].other = spares[1], spares[0]
    both = [Process(RedisBus(server.url, uuid4(), spare=one), one) for one in spares]
    async with AsyncExitStack() as stack:
        for one in both:
            await stack.enter_async_context(one.bus.running(one.heard.append, one.resume))
        for one in both:
            await until(one.bus.is_listening.is_set)
        yield both


def frame(n: int) -> BusMessage:
    return BusMessage(room_id=ROOM, to=3, frame={"type": "ice", "n": n})


async def test_it_carries_frames_in_order_and_wakes_and_not_its_own(two: list[Process]) -> None:
    one, other = two
    for n in range(1, 50):
        one.bus.tell(frame(n))
        one.bus.tell(BusMessage(room_id=ROOM))
    one.bus.tell(BusMessage(room_id=ROOM, sender=5, frame={"n": 50, "large": "x" * 30_000}))
    await other.hears(50)
    assert other.frames() == [*range(1, 51)]
    last = other.heard[-1]
    assert (last.room_id, last.to, last.sender) == (ROOM, None, 5)
    assert any(message.frame is None for message in other.heard)
    assert one.heard == []
    assert one.spare.told == [], "PostgreSQL has no work with it"


async def test_what_nobody_understands_is_passed_over(two: list[Process], server: Valkey) -> None:
    for said in ("no JSON", "[]", "{}", "null", '{"r":"x","t":1,"s":1,"f":1,"p":"a","n":1}'):
        await server.ask("PUBLISH", CHANNEL, said)
    two[0].bus.tell(frame(1))
    await two[1].hears(1)
    assert len(two[1].heard) == 1


async def test_a_process_that_was_deaf_for_a_moment_looks_at_all_rooms(
    two: list[Process], server: Valkey
) -> None:
    before = [one.resumed for one in two]
    await server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    await until(lambda: all(one.resumed > n for one, n in zip(two, before, strict=True)))
    await server.ask("FLUSHALL")
    two[0].bus.tell(frame(1))
    await two[1].hears(1)


async def test_a_server_that_is_gone_is_done_without_and_used_again(
    two: list[Process], server: Valkey
) -> None:
    one, other = two
    before = other.resumed
    server.stop()
    one.bus.tell(frame(1))
    await other.hears(1)
    assert [message.frame for message in one.spare.told] == [frame(1).frame]
    await server.start()
    await until(lambda: other.resumed > before and one.bus.is_listening.is_set())
    by_spare = len(one.spare.told)
    n = 1
    async with asyncio.timeout(PATIENCE):
        # It is left alone for a moment; then it is tried again.
        while len(one.spare.told) > by_spare or n == 1:
            by_spare, n = len(one.spare.told), n + 1
            one.bus.tell(frame(n))
            await other.hears(n)
            await asyncio.sleep(0.05)
    assert other.frames() == [*range(1, n + 1)]


async def test_a_server_that_stands_still_delays_little_and_says_nothing_twice(
    two: list[Process], server: Valkey
) -> None:
    one, other = two
    server.freeze()
    one.bus.tell(frame(1))
    await other.hears(1)
    one.bus.tell(frame(2))
    await other.hears(2)
    assert len(one.spare.told) == 2
    # Nobody says that it stands still: it is asked.
    await until(lambda: not one.bus.is_listening.is_set() and not other.bus.is_listening.is_set())
    server.go_on()
    # Now it takes what was written to it before.
    await until(lambda: one.bus.is_listening.is_set() and other.bus.is_listening.is_set())
    other.bus.tell(frame(9))
    await one.hears(9)
    assert other.frames() == [1, 2]


async def test_it_ends_at_any_moment_when_it_is_told_to(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library swallows, at some moments, that a task is cancelled."""
    monkeypatch.setattr(redis_bus, "ANSWER_SECONDS", 0.01)
    await server.start()
    for n in range(60):
        bus = RedisBus(server.url, uuid4(), spare=Spare())
        async with asyncio.timeout(PATIENCE):
            async with bus.running(lambda _: None, lambda: None):
                await asyncio.sleep(0.01 + n / 1000)


async def test_a_late_frame_is_not_believed_and_a_late_wake_is_harmless(
    two: list[Process], server: Valkey
) -> None:
    one, other = two
    late = BusMessage(room_id=ROOM, to=3, frame={"n": 1}, process="p", number=1)
    new = BusMessage(room_id=ROOM, to=3, frame={"n": 2}, process="p", number=2)
    wake = BusMessage(room_id=ROOM, process="p", number=1)
    for message in (new, late, new, wake):
        await server.ask("PUBLISH", CHANNEL, message.text())
    one.bus.tell(frame(3))
    await other.hears(3)
    assert other.frames() == [2, 3]
    assert sum(message.frame is None for message in other.heard) == 1


async def test_two_processes_with_redis_are_one_room_when_it_stands_still_and_when_it_dies(
    stage: Stage, database_url: str, tmp_path: Path
) -> None:
    with valkey() as redis:
        await redis.start()
        async with real_server(stage, redis_url=redis.url) as server:
            room = await surgery(server.api)
            about = {"public_url": "http://test", "redis_url": redis.url}
            with instance(database_url, tmp_path, **about) as other:
                elsewhere = other.address.replace("http", "ws", 1)
                async with (
                    page(server.ws, await room.way_in(room.doctor)) as (doctor, mine),
                    page(elsewhere, await room.way_in(room.patient)) as (patient, theirs),
                ):
                    await doctor.say("admit")
                    await patient.hear("admitted")
                    async with asyncio.timeout(PATIENCE):
                        while await redis.ask("PUBSUB", "NUMSUB", CHANNEL) != BOTH:  # noqa: ASYNC110
                            await asyncio.sleep(0.01)
                    for deed in (None, redis.freeze, redis.go_on, redis.stop):
                        if deed is not None:
                            deed()
                        offer = {"id": str(uuid4()), "description": OFFER}
                        answer = {"re": offer["id"], "description": ANSWER}
                        offer["to"], answer["to"] = theirs["you"]["epoch"], mine["you"]["epoch"]
                        await signalled(doctor, patient, "offer", offer, id=offer["id"])
                        await signalled(patient, doctor, "answer", answer, re=offer["id"])
                        said = await doctor.chat(f"{deed}")
                        assert (await patient.hear("chat", id=said["id"]))["seq"] == said["seq"]
        live = server.api.container.consultations.live()
        await until(lambda: not live._open)


async def signalled(by: Page, to: Page, kind: str, fields: dict[str, Any], **about: Any) -> None:
    """Sent again each second until it came, as pages do: nobody stores it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await by.say(kind, **fields)
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await to.hear(kind, **about)
                    return
