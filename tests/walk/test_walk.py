"""A random walk over every feature, alone and in a crowd, and what holds when it is over."""

import asyncio

import pytest

from tests.api import Api
from tests.walk import settled
from tests.walk.place import Place
from tests.walk.steps import walk, walk_on

KINDS = 16
"""So many operations a walk has done at least once."""


@pytest.mark.parametrize(
    ("clients", "steps", "seed"),
    [
        pytest.param(1, 30, 1, id="alone"),
        pytest.param(6, 5, 2, id="six at a time"),
        pytest.param(1, 2000, 3, id="alone, long", marks=pytest.mark.proof),
        pytest.param(6, 334, 4, id="six at a time, long", marks=pytest.mark.proof),
    ],
)
async def test_after_a_walk_every_question_has_one_answer(
    api: Api, clients: int, steps: int, seed: int
) -> None:
    place = await Place.of(api, seed)

    await asyncio.gather(*(walk(place, steps) for _ in range(clients)))
    await walk_on(place, KINDS, most=300)

    await settled.calendars_are_planned(place)
    await settled.nothing_is_sold_twice(place)
    await settled.nothing_is_left_behind(place)
    await settled.one_question_has_one_answer(place, await api.patient())
    held = await settled.what_is_open_can_be_held(place)
    assert await settled.every_hold_in_force_converts(place) >= held
    await settled.give_everything_back(place)
    await settled.calendars_are_planned(place)
    await settled.the_hours_are_whole(place)
    assert len(place.done) >= KINDS, place.told
