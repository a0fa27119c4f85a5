"""Holds at the same moment: one slot has one holder, one holder has three slots."""

import asyncio
import random
from collections import Counter
from uuid import UUID

import pytest

from booking_system.booking.adapters.attempt_statements import ATTEMPT
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


async def test_either_the_hold_or_the_booking_wins(api: Api) -> None:
    here = await Keeping.of(api, ROUNDS)
    dice, won = random.Random(7), Counter[str]()

    for slot in here.slots:
        asks = [here.hold(slot, here.patient), here.book(slot, here.other)]
        if dice.random() < 0.5:
            asks.reverse()
        answers = await asyncio.gather(*asks)
        told = sorted(str(code_of(answer)[1]) for answer in answers)
        status = await here.status(slot)
        assert told == ["None", "slot_held" if status == "held" else "slot_already_booked"]
        won[status] += 1
        await here.sql(
            "UPDATE time_slots SET held_until = now() WHERE id = $1 AND hold_id IS NOT NULL",
            UUID(slot["id"]),
        )
        for one in answers:
            if one.is_success and "reference" in one.json():
                await api.post(f"/v1/bookings/{one.json()['id']}/cancel", None, here.other)

    assert set(won) <= {"held", "booked"}


async def test_a_conversion_and_a_release_at_the_same_moment_leave_one_state(api: Api) -> None:
    here = await Keeping.of(api, ROUNDS)

    for slot in here.slots:
        hold = await here.held(slot, here.patient)
        booked, released = await asyncio.gather(
            here.book(slot, here.patient, hold_id=hold["id"]),
            here.ask("DELETE", hold, here.patient),
        )
        assert code_of(booked) == (201, None)
        assert released.status_code in {204, 404}
        assert await here.status(slot) == "booked"
        await api.post(f"/v1/bookings/{booked.json()['id']}/cancel", None, here.patient)
        assert await here.status(slot) == "open"


async def test_without_the_lock_the_constraint_still_keeps_holds_off_booked_slots(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last wall by itself: a hold that judged old facts does not get onto a booked slot."""
    here = await Keeping.of(api)
    slot = here.slots[0]
    taken = UUID((await here.book(slot, here.other)).json()["id"])
    blind = ATTEMPT.text.replace("s.appointment_id,", "NULL::uuid AS appointment_id,")
    assert blind != ATTEMPT.text
    monkeypatch.setattr(ATTEMPT, "text", blind.replace(" FOR UPDATE OF s", ""))

    assert code_of(await here.hold(slot, here.patient)) == (409, "slot_already_booked")
    (row,) = await here.sql("SELECT appointment_id FROM time_slots WHERE id = $1", UUID(slot["id"]))
    assert row[0] == taken


async def test_whoever_waits_for_the_slot_sees_the_hold_that_was_made_meanwhile(api: Api) -> None:
    """The row lock by itself: the facts of a hold are read after the wait, never before it."""
    here = await Keeping.of(api)
    slot = here.slots[0]

    async with api.container.database().driver_transaction() as rival:
        await rival.execute("SELECT FROM time_slots WHERE id = $1 FOR UPDATE", UUID(slot["id"]))
        waiting = [
            asyncio.create_task(here.hold(slot, here.patient)),
            asyncio.create_task(here.book(slot, here.other)),
        ]
        await asyncio.sleep(0.2)
        assert not any(one.done() for one in waiting)
        await rival.execute(
            "UPDATE time_slots SET hold_id = gen_random_uuid(), hold_minutes = 10,"
            " held_until = now() + interval '10 minutes', held_by = gen_random_uuid()"
            " WHERE id = $1",
            UUID(slot["id"]),
        )

    told = [code_of(answer) for answer in await asyncio.gather(*waiting)]
    assert told == [(409, "slot_held")] * 2
