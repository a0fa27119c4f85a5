"""Pages that follow show what the search answers, after anything that happens in a clinic."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from booking_system.integrations.adapters import live_slots as live_module
from booking_system.integrations.adapters import tail as tail_module
from booking_system.integrations.adapters.live_slots import LiveSlots
from booking_system.platform.postgres import feed as feed_module
from booking_system.platform.postgres.feed import Relay
from tests.api import Api
from tests.integrations.following import Page, following
from tests.walk import settled
from tests.walk.place import Place
from tests.walk.steps import (
    OFTEN,
    change_a_slot,
    see_a_patient,
    walk,
)

OVER_SOON = """UPDATE time_slots SET held_until = now() + interval '50 ms'
 WHERE hold_id = $1 AND held_until > now()"""


@pytest.fixture
async def live(api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveSlots]:
    """Beside the application, whose own does nothing in tests without a server."""
    for module in (live_module, tail_module, feed_module):
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(feed_module, "FAILED_SECONDS", 0.02)
    integrations = api.container.integrations
    tail, live = integrations.tail(), integrations.live_slots()
    relay = Relay(database=api.container.database())
    async with relay.running(), tail.running(), live.running():
        yield live


@pytest.mark.parametrize(
    ("clients", "steps", "seed"),
    [
        pytest.param(3, 8, 12, id="three at a time"),
        pytest.param(4, 400, 13, id="four at a time, long", marks=pytest.mark.proof),
    ],
)
async def test_pages_show_what_the_search_answers(
    api: Api, live: LiveSlots, clients: int, steps: int, seed: int
) -> None:
    place = await Place.of(api, seed)
    here, (doctor, *_) = place.clinic["id"], place.doctors
    of_clinic = {"in": here, "clinic_id": here} | place.period
    of_doctor = {"in": here, "doctor_id": doctor["id"]} | place.period
    service = {"service_id": place.services[0]}
    pages = [
        Page(api, live, params, most)
        for params in (of_clinic, of_clinic | service, of_doctor, of_doctor | service)
        for most in (7, 100_000)
    ]

    async with following(*pages):
        await asyncio.gather(*(walk(place, steps) for _ in range(clients)))
        await settled.calendars_are_planned(place)
        for page in pages:
            await page.agrees()

    assert all(page.heard + page.resets for page in pages)
    assert sum(page.came_again for page in pages) > 4


async def let_one_run_out(place: Place) -> None:
    """Its time comes sooner than it was to come."""
    if place.holds:
        hold_id = place.dice.choice(sorted(place.holds))
        del place.holds[hold_id]
        await place.sql(OVER_SOON, UUID(hold_id))


async def stroll(place: Place, steps: int) -> None:
    """What changes single slots, so that no page is told to read anew."""
    each = [*OFTEN, change_a_slot, change_a_slot, see_a_patient, let_one_run_out, let_one_run_out]
    for _ in range(steps):
        await place.dice.choice(each)(place)


@pytest.mark.parametrize(
    ("steps", "seed"), [(10, 21), pytest.param(300, 22, id="long", marks=pytest.mark.proof)]
)
async def test_single_slots_are_told_one_by_one(
    api: Api, live: LiveSlots, steps: int, seed: int
) -> None:
    place = await Place.of(api, seed)
    here, doctors = place.clinic["id"], place.doctors
    filters: list[dict[str, str]] = [
        {"clinic_id": here},
        {"clinic_id": here, "service_id": place.services[0]},
        {"doctor_id": doctors[0]["id"], "service_id": place.services[1]},
    ]
    pages = [
        Page(api, live, {"in": here} | place.period | one, most, anew)
        for one in filters
        for most, anew in ((7, 3), (100_000, 100_000))
    ]
    # What made the place is no news.
    await Relay(database=api.container.database()).once()

    async with following(*pages):
        await asyncio.gather(*(stroll(place, steps) for _ in range(3)))
        await settled.calendars_are_planned(place)
        while place.holds:
            await let_one_run_out(place)
        for page in pages:
            await page.agrees()

    assert not any(page.resets for page in pages)
    assert all(page.heard for page in pages)
