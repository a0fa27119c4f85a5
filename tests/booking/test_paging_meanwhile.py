"""Pages of a search, turned while others book and cancel: nothing is skipped, nothing repeated."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from tests.api import START, Api, Person, code_of

Made = dict[str, Any]
SLOTS = 60
DOCTORS = 3
ROUNDS = 3


async def _furnish(api: Api) -> tuple[str, list[Made]]:
    """Slots of several doctors, of which each three begin at one instant."""
    policy = {"max_open_bookings_per_patient": 1000}
    clinic = await api.clinic(policy=policy)
    slots: list[Made] = []
    for _ in range(DOCTORS):
        slots += await api.slots(await api.doctor(clinic), SLOTS // DOCTORS)
    return clinic["id"], slots


async def _book_and_cancel(
    api: Api, slots: list[Made], by: Person, chance: random.Random, stop: asyncio.Event
) -> int:
    """Until told to stop; returns how many bookings came and went."""
    count = 0
    while not stop.is_set():
        booked = await api.book(chance.choice(slots), by)
        if booked.status_code == 201:
            path = f"/v1/bookings/{booked.json()['id']}/cancel"
            assert (await api.post(path, by=by)).status_code == 200
            count += 1
        else:
            assert code_of(booked)[1] in {"slot_already_booked", "patient_overlap"}
    return count


async def _all_pages(api: Api, clinic_id: str, limit: int) -> list[str]:
    found: list[str] = []
    params: Made = {"to": (START + timedelta(days=3)).isoformat()}
    while True:
        page = (await api.get("/v1/slots", clinic_id=clinic_id, limit=limit, **params)).json()
        found += [slot["id"] for slot in page["items"]]
        if page["next_cursor"] is None:
            return found
        assert len(found) <= SLOTS, "a slot was repeated"
        params["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("limit", [1, 7])
async def test_no_page_skips_or_repeats_a_slot_while_others_are_booked_and_freed(
    api: Api, limit: int
) -> None:
    clinic_id, slots = await _furnish(api)
    chance = random.Random(limit)
    busy = chance.sample(slots, SLOTS // 2)
    # Nobody else touches these, so they are open all the time.
    quiet = {slot["id"] for slot in slots} - {slot["id"] for slot in busy}
    stop = asyncio.Event()
    crowd = [
        asyncio.create_task(
            _book_and_cancel(api, busy, await api.patient(), random.Random(n), stop)
        )
        for n in range(4)
    ]

    for _ in range(ROUNDS):
        found = await _all_pages(api, clinic_id, limit)
        assert len(set(found)) == len(found), "a slot was repeated"
        assert quiet <= set(found), "a slot that was open all the time was skipped"
        assert set(found) <= {slot["id"] for slot in slots}

    stop.set()
    assert min(await asyncio.gather(*crowd)) > 0, "nobody booked meanwhile"
