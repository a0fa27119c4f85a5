"""Connections are lent to one task after the other, and none is lost or lent when it is broken."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from booking_system.platform.postgres import leases as module
from booking_system.platform.postgres.faults import Overloaded
from booking_system.platform.postgres.leases import Lease, Leases
from booking_system.platform.postgres.transaction import engine_for
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.patience import PATIENCE, at_once

SIZE = 3


@pytest.fixture
async def leases(database_url: str) -> AsyncIterator[Leases]:
    some = Leases(engine_for(sqlalchemy_url(database_url), pool_size=SIZE), size=SIZE)
    yield some
    assert some.in_use == 0
    await some.close()


async def all_of(leases: Leases) -> list[Lease]:
    return [await leases.take() for _ in range(SIZE)]


async def give_back(leases: Leases, taken: list[Lease]) -> None:
    for lease in taken:
        await leases.give(lease)


async def test_the_last_one_back_goes_out_first(leases: Leases) -> None:
    taken = await all_of(leases)
    await give_back(leases, taken)
    again = await leases.take()
    assert again is taken[-1]
    await leases.give(again)


async def test_whoever_waits_gets_the_first_that_comes_back_in_turn(leases: Leases) -> None:
    taken = await all_of(leases)
    waiting = [asyncio.create_task(leases.take()) for _ in range(2)]
    await asyncio.sleep(0)
    await leases.give(taken[0])
    await leases.give(taken[1])
    assert [await task for task in waiting] == taken[:2]
    await give_back(leases, taken)


async def test_nobody_waits_long_or_in_a_long_queue(
    leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    taken = await all_of(leases)
    with pytest.raises(Overloaded):
        await asyncio.wait_for(leases.take(), PATIENCE)
    monkeypatch.setattr(module, "WAIT_SECONDS", 3600.0)
    monkeypatch.setattr(module, "MOST_WAITING_PER_CONNECTION", 0)
    with pytest.raises(Overloaded):
        await at_once(leases.take())
    await give_back(leases, taken)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_connection_handed_to_somebody_who_left_is_not_lost(
    leases: Leases, when: str
) -> None:
    taken = await all_of(leases)
    waiting = asyncio.create_task(leases.take())
    await asyncio.sleep(0)
    if when == "before":
        waiting.cancel()
        await leases.give(taken[0])
    else:
        await leases.give(taken[0])
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.wait_for(leases.take(), PATIENCE) is taken[0]
    await give_back(leases, taken)


@pytest.mark.parametrize("fault", ["closed", "in a transaction"])
async def test_a_broken_connection_is_replaced(leases: Leases, fault: str) -> None:
    taken = await all_of(leases)
    waiting = asyncio.create_task(leases.take())
    await asyncio.sleep(0)
    if fault == "closed":
        taken[0].driver.terminate()
    else:
        await taken[0].driver.execute("BEGIN")
    await leases.give(taken[0])
    fresh = await asyncio.wait_for(waiting, PATIENCE)
    assert fresh is not taken[0]
    assert await fresh.driver.fetchval("SELECT 1") == 1
    await give_back(leases, [fresh, *taken[1:]])


async def test_one_that_closed_while_nobody_had_it_is_not_lent(leases: Leases) -> None:
    lease = await leases.take()
    await leases.give(lease)
    lease.driver.terminate()
    fresh = await leases.take()
    assert await fresh.driver.fetchval("SELECT 1") == 1
    await leases.give(fresh)


async def test_how_many_are_out_is_known(leases: Leases) -> None:
    async with leases.leased(), leases.leased():
        assert leases.in_use == 2
    assert leases.in_use == 0
