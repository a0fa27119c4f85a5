"""Attempts at one account take turns, seconds apart; who waits holds nothing that others need."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from booking_system.identity.adapters.turns import MOST_REMEMBERED, PACE_SECONDS, PacedTurns
from booking_system.identity.domain.refusals import RateLimited
from booking_system.platform.http.entrance import DEADLINE_SECONDS, Entrance
from booking_system.platform.ticket import TICKET
from tests.identity.hours import Hours
from tests.patience import at_once, turns

MINE, OTHER = "crowd:mine", "crowd:other"


@pytest.fixture
async def hours() -> AsyncIterator[Hours]:
    hours = Hours()
    yield hours
    await hours.pass_by(1000)


def paced(hours: Hours, **about: int) -> PacedTurns:
    return PacedTurns(monotonic=hours, sleep=hours.sleep, **about)


async def test_one_goes_at_once_the_next_waits_and_the_others_are_told_to_go(hours: Hours) -> None:
    turn = paced(hours)
    await turn.take(MINE, tries=5)
    hours.now += 1
    second = asyncio.create_task(turn.take(MINE, tries=5))
    await turns()
    for tries in (5, 6):
        with pytest.raises(RateLimited) as refused:
            await at_once(turn.take(MINE, tries=tries))
    assert refused.value.extras == {"retry_after": 3}
    await turn.take(OTHER, tries=5)

    await hours.pass_by(PACE_SECONDS - 1.1)
    assert not second.done()
    await hours.pass_by(0.1)
    assert second.done()
    third = asyncio.create_task(turn.take(MINE, tries=5))
    await hours.pass_by(PACE_SECONDS - 0.1)
    assert not third.done()
    await hours.pass_by(0.1)
    assert third.done()


async def test_who_has_tried_less_often_goes_first(hours: Hours) -> None:
    turn = paced(hours)
    await turn.take(MINE, tries=1)
    guesser = asyncio.create_task(turn.take(MINE, tries=2))
    await turns()
    owner = asyncio.create_task(turn.take(MINE, tries=1))
    await hours.pass_by(PACE_SECONDS)

    assert owner.done()
    assert owner.exception() is None
    assert isinstance(guesser.exception(), RateLimited)
    # The turn of the one who went first counts like any other.
    late = asyncio.create_task(turn.take(MINE, tries=1))
    await turns()
    assert not late.done()
    await hours.pass_by(PACE_SECONDS)
    assert late.done()


async def test_a_turn_that_nobody_took_is_over(hours: Hours) -> None:
    turn = paced(hours)
    for _ in range(3):
        await turn.take(MINE, tries=9)
        await hours.pass_by(PACE_SECONDS)


async def test_so_many_wait_and_no_more(hours: Hours) -> None:
    turn = paced(hours, most_waiting=2)
    for name in "abc":
        await turn.take(name, tries=1)
    waiting = [asyncio.create_task(turn.take(name, tries=2)) for name in "ab"]
    await turns()
    for name in "ac":
        with pytest.raises(RateLimited):
            await at_once(turn.take(name, tries=1))

    await hours.pass_by(PACE_SECONDS)
    assert all(one.done() and one.exception() is None for one in waiting)
    await turn.take("c", tries=1)


async def test_who_gives_up_leaves_the_turn_to_others(hours: Hours) -> None:
    turn = paced(hours, most_waiting=1)
    await turn.take(MINE, tries=1)
    gone = asyncio.create_task(turn.take(MINE, tries=1))
    await turns()
    gone.cancel()
    await turns()
    next_one = asyncio.create_task(turn.take(MINE, tries=1))
    await hours.pass_by(PACE_SECONDS)
    assert next_one.done()
    assert next_one.exception() is None


async def test_a_wait_keeps_nobody_out_at_the_entrance(hours: Hours) -> None:
    turn, entrance = paced(hours), Entrance(most_inside=1, always=frozenset(), tell=lambda _: None)
    await turn.take(MINE, tries=1)

    async def asks() -> None:
        ticket = entrance.begin(0.0)
        assert entrance.enter_at_once(ticket)
        TICKET.set(ticket)
        await turn.take(MINE, tries=1)
        assert ticket.has_place
        entrance.end(ticket)

    asking = asyncio.create_task(asks())
    await turns()
    assert (asking.done(), entrance.inside) == (False, 0)
    await hours.pass_by(PACE_SECONDS)
    await asking
    assert entrance.inside == 0


async def test_accounts_whose_turns_are_over_are_forgotten(hours: Hours) -> None:
    turn = paced(hours)
    for number in range(3 * MOST_REMEMBERED):
        await turn.take(str(number), tries=1)
        hours.now += PACE_SECONDS / 10
    assert len(turn._next) <= MOST_REMEMBERED


def test_a_wait_leaves_a_request_time_for_its_work() -> None:
    assert PACE_SECONDS + 1.5 < DEADLINE_SECONDS
