"""Staff set rules aside on purpose, with a reason; nobody else does, and nothing else passes."""

import asyncio
from contextvars import Context
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.api import Api, code_of
from tests.booking.holding import Keeping, Made
from tests.waits import until_waiting

TAKEN = (409, "slot_already_booked")
REASON = "Emergency"


def override(*codes: str) -> dict[str, Any]:
    return {"override": {"reason": REASON, "codes": list(codes)}}


async def a_patient_of(here: Keeping) -> str:
    body = {"clinic_id": here.clinic["id"], "full_name": "Example Patient"}
    made = await here.api.made("/v1/patients", body, here.desk)
    return str(made["id"])


async def overbooked(here: Keeping, slot: Made, *codes: str) -> Made:
    answer = await here.book(
        slot,
        here.desk,
        patient_id=await a_patient_of(here),
        **override(*(codes or ("slot_already_booked",))),
    )
    assert answer.status_code == 201, answer.text
    made: Made = answer.json()
    return made


async def owner_of(here: Keeping, slot: Made) -> str | None:
    (row,) = await here.sql("SELECT appointment_id FROM time_slots WHERE id = $1", UUID(slot["id"]))
    return None if row[0] is None else str(row[0])


async def test_a_slot_is_overbooked_only_on_purpose(api: Api) -> None:
    here = await Keeping.of(api)
    slot = here.slots[0]
    first = (await here.book(slot, here.patient)).json()
    someone = await a_patient_of(here)

    assert code_of(await here.book(slot, here.desk, patient_id=someone)) == TAKEN
    other = override("slot_held")
    assert code_of(await here.book(slot, here.desk, patient_id=someone, **other)) == TAKEN
    second = await overbooked(here, slot)

    assert (first["overbooked"], first["override"]) == (False, None)
    assert second["overbooked"]
    assert second["override"] == {"codes": ["slot_already_booked"], "reason": REASON}
    assert await owner_of(here, slot) == first["id"]
    third = await overbooked(here, slot)
    assert third["overbooked"]
    assert code_of(await here.book(slot, here.other)) == TAKEN


async def test_what_needs_no_override_carries_no_mark(api: Api) -> None:
    here = await Keeping.of(api)

    booked = await overbooked(here, here.slots[0], "slot_already_booked", "slot_held")

    assert (booked["overbooked"], booked["override"]) == (False, None)


async def test_patients_and_doctors_set_nothing_aside(api: Api) -> None:
    here = await Keeping.of(api)
    slot, body = here.slots[0], override("slot_already_booked")
    await here.book(slot, here.patient)

    assert code_of(await here.book(slot, here.other, **body)) == (403, "forbidden")
    assert code_of(await here.book(here.slots[1], here.other, **body)) == (403, "forbidden")
    doctor = await api.doctor_account(here.doctor)
    someone = await a_patient_of(here)
    answer = await here.book(slot, doctor, patient_id=someone, **body)
    assert code_of(answer) == (404, "not_found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": REASON, "codes": []},
        {"reason": "", "codes": ["slot_held"]},
        {"codes": ["slot_held"]},
        {"reason": REASON, "codes": ["slot_not_found"]},
        {"reason": REASON, "codes": ["forbidden"]},
        {"reason": REASON, "codes": ["service_required"]},
        {"reason": REASON},
        "please",
    ],
)
async def test_an_override_says_what_and_why(api: Api, wrong: object) -> None:
    here = await Keeping.of(api)

    answer = await here.book(here.slots[0], here.desk, override=wrong)

    assert code_of(answer) == (422, "validation_error")


async def test_the_first_who_was_overbooked_inherits_the_slot(api: Api) -> None:
    here = await Keeping.of(api)
    slot = here.slots[0]
    first = (await here.book(slot, here.patient)).json()
    second, third = [await overbooked(here, slot) for _ in range(2)]

    cancelled = await api.post(f"/v1/bookings/{first['id']}/cancel", None, here.patient)

    assert code_of(cancelled) == (200, None)
    assert await owner_of(here, slot) == second["id"]
    heir = (await api.get(f"/v1/bookings/{second['id']}", here.desk)).json()
    assert (heir["overbooked"], heir["version"]) == (False, 2)
    history = (await api.get(f"/v1/bookings/{second['id']}/history", here.desk)).json()["items"]
    assert [(one["action"], one["by"]) for one in history] == [
        ("booked", "clinic"),
        ("slot_inherited", "patient"),
    ]
    assert code_of(await here.book(slot, here.other)) == TAKEN
    await api.post(f"/v1/bookings/{third['id']}/cancel", None, here.desk)
    assert await owner_of(here, slot) == second["id"]
    await api.post(f"/v1/bookings/{second['id']}/cancel", None, here.desk)
    assert await owner_of(here, slot) is None
    names = [row[0] for row in await here.sql("SELECT name FROM outbox ORDER BY n")]
    assert names.count("booking.slot_inherited") == 1
    assert code_of(await here.book(slot, here.other)) == (201, None)


async def test_whoever_moves_away_leaves_the_slot_to_the_heir(api: Api) -> None:
    here = await Keeping.of(api)
    first = (await here.book(here.slots[0], here.patient)).json()
    second = await overbooked(here, here.slots[0])

    moved = await api.post(
        f"/v1/bookings/{first['id']}/reschedule",
        {"time_slot_id": here.slots[1]["id"]},
        here.patient,
    )

    assert code_of(moved) == (200, None)
    assert await owner_of(here, here.slots[0]) == second["id"]
    assert await owner_of(here, here.slots[1]) == first["id"]


async def test_staff_move_a_booking_into_a_slot_that_is_taken(api: Api) -> None:
    here = await Keeping.of(api)
    first, second = [
        (await here.book(slot, who)).json()
        for slot, who in zip(here.slots, (here.patient, here.other), strict=False)
    ]
    body = {"time_slot_id": here.slots[0]["id"]}
    path = f"/v1/bookings/{second['id']}/reschedule"

    assert code_of(await api.post(path, body, here.desk)) == TAKEN
    refused = await api.post(path, body | override("slot_already_booked"), here.other)
    assert code_of(refused) == (403, "forbidden")
    moved = await api.post(path, body | override("slot_already_booked"), here.desk)

    assert code_of(moved) == (200, None)
    assert moved.json()["overbooked"]
    assert await owner_of(here, here.slots[0]) == first["id"]
    assert await here.status(here.slots[1]) == "open"
    back = await api.post(path, {"time_slot_id": here.slots[1]["id"]}, here.desk)
    assert (back.json()["overbooked"], back.json()["override"]) == (False, None)
    assert await owner_of(here, here.slots[0]) == first["id"]


async def test_the_patient_does_not_read_why(api: Api) -> None:
    here = await Keeping.of(api)
    await here.book(here.slots[0], here.other)
    await here.held(here.slots[1], here.patient)
    patient = await here.knows(here.patient)

    made = await here.book(
        here.slots[0],
        here.desk,
        **patient,
        **override("slot_already_booked"),
    )

    path = f"/v1/bookings/{made.json()['id']}"
    assert (await api.get(path, here.desk)).json()["override"]["reason"] == REASON
    seen = await api.get(path, here.patient)
    assert (seen.json()["overbooked"], seen.json()["override"]) == (True, None)
    assert REASON not in seen.text


async def test_staff_take_a_held_slot_on_purpose(api: Api) -> None:
    here = await Keeping.of(api)
    hold = await here.held(here.slots[0], here.patient)

    booked = await overbooked(here, here.slots[0], "slot_held")

    assert (booked["overbooked"], booked["override"]["codes"]) == (False, ["slot_held"])
    late = await here.book(here.slots[0], here.patient, hold_id=hold["id"])
    assert code_of(late) == (409, "hold_expired")


async def test_a_patient_is_in_two_places_only_on_purpose(api: Api) -> None:
    here = await Keeping.of(api)
    colleague = await api.doctor(here.clinic)
    (same_time,) = await api.slots(colleague)
    someone = await a_patient_of(here)
    assert (await here.book(here.slots[0], here.desk, patient_id=someone)).status_code == 201

    refused = await here.book(same_time, here.desk, patient_id=someone)
    made = await here.book(same_time, here.desk, patient_id=someone, **override("patient_overlap"))

    assert code_of(refused) == (409, "patient_overlap")
    assert code_of(made) == (201, None)
    assert not made.json()["overbooked"]


async def test_a_closed_slot_the_notice_and_the_horizon_yield_to_staff(api: Api) -> None:
    here = await Keeping.of(api, min_notice_minutes=60 * 24 * 30, horizon_days=1)
    await api.post(f"/v1/slots/{here.slots[0]['id']}/close", by=here.desk)
    codes = ["slot_unavailable", "notice_too_short", "beyond_horizon"]

    booked = await overbooked(here, here.slots[0], *codes)

    assert booked["override"]["codes"] == sorted(codes)


async def begun(here: Keeping, slot: Made, since: timedelta) -> None:
    """Move the slot so that it began so long ago; it lasts half an hour."""
    await here.sql(
        "UPDATE time_slots SET starts_at = now() - $2::interval,"
        " ends_at = now() - $2::interval + interval '30 minutes' WHERE id = $1",
        UUID(slot["id"]),
        since,
    )


async def test_staff_book_a_slot_that_runs_and_one_that_is_over_on_purpose(api: Api) -> None:
    here = await Keeping.of(api)
    await begun(here, here.slots[0], timedelta(minutes=10))
    await begun(here, here.slots[1], timedelta(minutes=50))
    in_past = (422, "slot_in_past")

    assert code_of(await here.book(here.slots[0], here.patient)) == in_past
    someone = await a_patient_of(here)
    assert code_of(await here.book(here.slots[0], here.desk, patient_id=someone)) == (201, None)
    assert code_of(await here.book(here.slots[1], here.desk, patient_id=someone)) == in_past
    late = await overbooked(here, here.slots[1], "slot_in_past")
    assert late["override"]["codes"] == ["slot_in_past"]


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ("overbooked = true", "ck_appointments_override"),
        ("patient_doubled = true", "ck_appointments_override"),
        ("override_codes = '{slot_held}'", "ck_appointments_override"),
        (
            "overbooked = true, override_codes = '{slot_held}', override_reason = 'x'",
            "ck_appointments_override",
        ),
    ],
)
async def test_the_database_knows_no_mark_without_a_reason(
    api: Api, wrong: str, constraint: str
) -> None:
    here = await Keeping.of(api)
    booked = (await here.book(here.slots[0], here.patient)).json()

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await raw(api, f"UPDATE appointments SET {wrong} WHERE id = $1", UUID(booked["id"]))

    assert caught.value.constraint_name == constraint


async def test_the_database_refuses_a_second_booking_that_nobody_meant(api: Api) -> None:
    here = await Keeping.of(api)
    await here.book(here.slots[0], here.patient)
    second = await overbooked(here, here.slots[0])

    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        await raw(
            api,
            "UPDATE appointments SET overbooked = false, doctor_shared = NULL WHERE id = $1",
            UUID(second["id"]),
        )

    assert caught.value.constraint_name in {
        "uq_appointments_active_slot",
        "ex_appointments_doctor_never_twice",
    }


async def raw(api: Api, statement: str, *values: Any) -> None:
    connection = await asyncpg.connect(api.container.settings().database_url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def test_no_override_books_a_doctor_who_goes_at_that_moment(api: Api) -> None:
    here = await Keeping.of(api)
    slot, someone = here.slots[0], await a_patient_of(here)
    # Closed by hand, so that the removal of the doctor leaves no trace in the slot itself.
    await api.post(f"/v1/slots/{slot['id']}/close", by=here.desk)
    async with api.container.database().driver_transaction() as going:
        await going.execute(
            "UPDATE doctors SET deleted_at = now() WHERE id = $1", UUID(here.doctor["id"])
        )
        await going.execute("SELECT FROM time_slots WHERE id = $1 FOR UPDATE", UUID(slot["id"]))
        booking = here.book(slot, here.desk, patient_id=someone, **override("slot_unavailable"))
        asked = asyncio.create_task(booking, context=Context())
        await until_waiting(api.container.database())

    assert code_of(await asked) == (404, "slot_not_found")
    assert await owner_of(here, slot) is None
