"""Holds at the same moment: one slot has one holder, one holder has three slots."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from booking_system.booking.adapters.attempt_statements import ATTEMPT_OWN
from tests.api import Api, code_of
from tests.booking.holding import Keeping

ROUNDS = 25
RIVALS = 12


async def test_of_many_who_hold_one_slot_exactly_one_does(api: Api) -> None:
    here = await Keeping.of(api, ROUNDS, max_open_bookings_per_patient=1000)
    rivals = [await api.patient() for _ in range(RIVALS)]

    for slot in here.slots:
        answers = await asyncio.gather(*(here.hold(slot, one) for one in rivals))
        told = Counter(code_of(answer) for answer in answers)
        assert told == {(201, None): 1, (409, "slot_held"): RIVALS - 1}
        winner = next(who for who, it in zip(rivals, answers, strict=True) if it.is_success)
        assert code_of(await here.book(slot, winner)) == (201, None)


async def test_one_patient_who_races_for_twenty_slots_holds_three(api: Api) -> None:
    here = await Keeping.of(api, 20)

    answers = await asyncio.gather(*(here.hold(slot, here.patient) for slot in here.slots))

    told = Counter(code_of(answer) for answer in answers)
    assert told == {(201, None): 3, (409, "too_many_holds"): 17}


async def test_visitors_of_one_address_who_race_hold_ten(api: Api) -> None:
    here = await Keeping.of(api, 16)

    answers = await asyncio.gather(*(here.hold(slot, None) for slot in here.slots))

    assert Counter(code_of(one) for one in answers) == {
        (201, None): 10,
        (409, "too_many_holds"): 6,
    }


async def test_without_the_lock_the_constraint_still_keeps_holds_off_booked_slots(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last wall by itself: a hold that judged old facts does not get onto a booked slot."""
    here = await Keeping.of(api)
    slot = here.slots[0]
    taken = UUID((await here.book(slot, here.other)).json()["id"])
    blind = ATTEMPT_OWN.text.replace("s.appointment_id,", "NULL::uuid AS appointment_id,")
    assert blind != ATTEMPT_OWN.text
    monkeypatch.setattr(ATTEMPT_OWN, "text", blind.replace(" FOR UPDATE OF s", ""))

    assert code_of(await here.hold(slot, here.patient)) == (409, "slot_already_booked")
    (row,) = await here.sql("SELECT appointment_id FROM time_slots WHERE id = $1", UUID(slot["id"]))
    assert row[0] == taken
