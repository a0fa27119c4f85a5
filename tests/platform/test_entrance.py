"""A bounded number of requests is inside, a burst waits, the others are refused, and none leaks."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from time import perf_counter

import pytest
from starlette.types import Receive

from booking_system.platform.http import entrance as module
from booking_system.platform.postgres.faults import Overloaded
from booking_system.platform.ticket import waiting_elsewhere
from tests.patience import PATIENCE, at_once, soon, turns
from tests.platform.doors import ALWAYS, House, arriving
from tests.platform.logged import lines_of


@pytest.fixture(autouse=True)
def _short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALM_SECONDS", 0.2)


async def calmed(house: House) -> None:
    """Wait until the last refusals are reported: another test would find them in its log."""
    await soon(lambda: not house.entrance.is_pressed)
    assert house.is_empty


class Gate:
    """Work that lasts until it is told to end; knows how many were at it at a time."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.most = 0
        self._now = 0

    async def work(self, _: Receive) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        await self.end.wait()
        self._now -= 1


async def test_a_burst_waits_and_everybody_is_served() -> None:
    gate = Gate()
    house = House(gate.work, places=2)
    asked = house.asked(10)
    await turns()
    assert house.entrance.inside == 2
    gate.end.set()
    assert [told.status for told in await asyncio.gather(*asked)] == [200] * 10
    assert gate.most == 2
    assert house.is_empty
    assert not house.entrance.is_pressed


async def test_more_than_can_wait_are_refused_at_once_with_a_documented_problem() -> None:
    gate = Gate()
    house = House(gate.work, places=1)
    asked = house.asked(1 + module.MOST_WAITING_PER_PLACE)
    await turns()
    refused = await at_once(house.ask())
    assert (refused.status, refused.code) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.headers["x-request-id"], refused.headers["x-instance"]) == ("made", "here")
    alive = house.ask(path=ALWAYS)
    gate.end.set()
    assert {told.status for told in await asyncio.gather(alive, *asked)} == {200}
    await calmed(house)


async def test_what_is_always_answered_needs_no_place() -> None:
    gate = Gate()
    house = House(gate.work, places=1)
    asked = house.asked(4, lambda: house.ask(path=ALWAYS))
    await turns()
    assert gate.most == 4
    assert house.entrance.inside == 0
    gate.end.set()
    await asyncio.gather(*asked)
    assert house.is_empty


async def test_nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    gate = Gate()
    house = House(gate.work)
    first, second = house.asked(2)
    assert (await asyncio.wait_for(second, PATIENCE)).code == "overloaded"
    gate.end.set()
    assert (await first).status == 200
    await calmed(house)


async def test_under_pressure_nobody_waits_until_a_second_was_calm(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(module, "CALM_SECONDS", 3600.0)
    gate = Gate()
    house = House(gate.work, places=6)
    asked = house.asked(6)
    await turns()
    with monkeypatch.context() as full:
        full.setattr(module, "MOST_WAITING_PER_PLACE", 0)
        assert (await house.ask()).status == 503
    # There is room to wait again, and still nobody may.
    for _ in range(49):
        assert (await at_once(house.ask(method="GET"))).status == 503
    assert house.entrance.turns_away
    gate.end.set()
    await asyncio.gather(*asked)
    gate.end.clear()
    # A part of the places is left while the pressure lasts.
    asked = house.asked(3)
    await turns()
    assert sorted(told.done() for told in asked) == [False, False, True]
    monkeypatch.setattr(module, "CALM_SECONDS", 0.01)
    # The first second is over.
    house.entrance._report()
    assert house.entrance.is_pressed
    await soon(lambda: not house.entrance.is_pressed)
    asked += house.asked(5)
    await turns()
    assert house.entrance.inside == 6
    gate.end.set()
    await asyncio.gather(*asked)
    assert house.is_empty
    # All of them, in one line for each second, and nothing else of them.
    assert sum(told.get("GET", 0) for told in house.told_of) == 49
    assert sum(told.get("POST", 0) for told in house.told_of) == 2
    events = [line for line in lines_of(stream) if line["event"] == "overloaded"]
    assert [line["refused"] for line in events] == [sum(told.values()) for told in house.told_of]
    served = [line for line in lines_of(stream) if line["event"] == "request"]
    assert [line["status"] for line in served] == [200] * 13


async def fails(_: Receive) -> None:
    raise LookupError


async def is_cancelled(_: Receive) -> None:
    await asyncio.sleep(60)


async def refuses(_: Receive) -> None:
    raise Overloaded


async def reads_all(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


WAYS: dict[str, tuple[Callable[[Receive], Awaitable[None]], int]] = {
    "an error": (fails, 500),
    "a refusal that nobody caught": (refuses, 500),
    "a request that was cancelled": (is_cancelled, 0),
    "a client that hung up": (reads_all, 200),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_place_is_given_back_after(way: str) -> None:
    work, status = WAYS[way]
    house = House(work)
    for _ in range(5):
        asked = asyncio.ensure_future(house.ask(receive=arriving()))
        await turns()
        if work is is_cancelled:
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
        else:
            assert (await asked).status == status
        assert house.is_empty


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_place_handed_to_somebody_who_left_is_not_lost(when: str) -> None:
    house = House(reads_all)
    entrance = house.entrance
    first = entrance.begin(perf_counter())
    assert entrance.enter_at_once(first)
    (second,) = house.asked(1)
    await turns()
    if when == "before":
        second.cancel()
        entrance.end(first)
    else:
        # It is handed over, and the other is cancelled before it can take it.
        entrance.end(first)
        second.cancel()
    await asyncio.wait([second])
    assert second.cancelled()
    assert house.is_empty


async def test_who_waits_when_the_pressure_comes_gets_a_place_that_is_left() -> None:
    gate = Gate()
    house = House(gate.work, places=6)
    entrance = house.entrance
    inside = [entrance.begin(perf_counter()) for _ in range(6)]
    assert all(map(entrance.enter_at_once, inside))
    asked = house.asked(4)
    await turns()
    entrance.refused("GET")
    for ticket in inside:
        entrance.end(ticket)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert gate.most == entrance.inside == 6 // module.PRESSED_PART
    gate.end.set()
    assert {told.status for told in await asyncio.gather(*asked)} == {200}
    await calmed(house)


async def test_clients_that_are_slow_to_send_keep_nobody_out() -> None:
    house = House(reads_all, places=2)
    arrived = asyncio.Event()
    slow = house.asked(50, lambda: house.ask(receive=arriving(b"a", b"b", after=arrived)))
    await turns()
    assert house.entrance.inside == 0
    assert (await at_once(house.ask())).status == 200
    arrived.set()
    answers = await asyncio.gather(*slow)
    assert {told.status for told in answers} == {200}
    assert house.is_empty


async def test_a_body_that_comes_late_needs_a_place_anew() -> None:
    gate = Gate()

    async def read_then_work(receive: Receive) -> None:
        await reads_all(receive)
        await gate.work(receive)

    house = House(read_then_work)
    arrived = asyncio.Event()
    late = house.asked(12, lambda: house.ask(receive=arriving(b"a", after=arrived)))
    await turns()
    (first,) = house.asked(1)
    await turns()
    arrived.set()
    await turns()
    assert gate.most == 1
    # What the application makes of the refusal is its own affair: here, nothing.
    assert sum(told.done() for told in late) == 12 - module.MOST_WAITING_PER_PLACE
    gate.end.set()
    await asyncio.gather(first, *late)
    assert gate.most == 1
    await calmed(house)


async def test_clients_that_are_slow_to_read_keep_nobody_out() -> None:
    house = House(reads_all)
    read = asyncio.Event()
    slow = house.asked(10, lambda: house.ask(read=read))
    await turns()
    assert (await at_once(house.ask())).status == 200
    read.set()
    await asyncio.gather(*slow)
    assert house.is_empty


async def test_who_waits_elsewhere_keeps_nobody_out() -> None:
    gate = Gate()

    async def hash_and_work(receive: Receive) -> None:
        with waiting_elsewhere():
            await gate.work(receive)
        assert house.entrance.inside == 1

    house = House(hash_and_work)
    asked = house.asked(1)
    await turns()
    assert house.entrance.inside == 0
    gate.end.set()
    assert [told.status for told in await asyncio.gather(*asked)] == [200]
    assert house.is_empty
    with waiting_elsewhere():
        assert house.is_empty


async def test_who_was_let_in_and_never_came_is_forgotten() -> None:
    house = House(reads_all)
    house.entrance.refused("GET")
    house.entrance.coming = 1
    assert house.entrance.turns_away
    await calmed(house)
    assert house.entrance.coming == 0
