"""Time that is given back is free again, and only what is shared on purpose is exempt."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.api import Api, code_of
from tests.booking.holding import Keeping, Made
from tests.booking.spans import booked, schedule, service, statuses
from tests.booking.test_overrides_http import a_patient_of, override

TAKEN_SLOT = (409, "slot_already_booked")
MINUTE = timedelta(minutes=1)


async def over(at: Keeping, place: int, service_id: str | None = None) -> Made:
    about: dict[str, Any] = {} if service_id is None else {"service_id": service_id}
    someone = await a_patient_of(at)
    codes = override("slot_already_booked")
    answer = await at.book(at.slots[place], at.desk, patient_id=someone, **about, **codes)
    assert answer.status_code == 201, answer.text
    made: Made = answer.json()
    assert made["overbooked"]
    return made


async def read(at: Keeping, booking: Made) -> Made:
    shown: Made = (await at.api.get(f"/v1/bookings/{booking['id']}", at.desk)).json()
    return shown


async def do(at: Keeping, booking: Made, what: str) -> tuple[int, str | None]:
    return code_of(await at.api.post(f"/v1/bookings/{booking['id']}/{what}", by=at.desk))


async def offer(at: Keeping, since: str, minutes: int) -> Made:
    start = datetime.fromisoformat(since)
    return (await at.api.slots(at.doctor, 1, start=start, minutes=minutes))[0]


async def test_a_mark_ends_when_the_one_whose_buffer_it_met_leaves(api: Api) -> None:
    at = await schedule(api, 4)
    buffered, plain = await service(at, 30, after=30), await service(at, 30)
    first = await booked(at, 0, buffered)
    second = await over(at, 1, plain)

    assert await do(at, first, "cancel") == (200, None)

    assert not (await read(at, second))["overbooked"]


async def test_the_rest_of_an_overbooked_appointment_is_protected(api: Api) -> None:
    """It shares the buffer of the first; what it has alone nobody else may have."""
    at = await schedule(api, 4)
    buffered, long = await service(at, 30, after=30), await service(at, 60)
    await booked(at, 0, buffered)
    await over(at, 1, long)
    own = at.slots[2]
    await at.sql("UPDATE time_slots SET appointment_id = NULL WHERE id = $1", UUID(own["id"]))

    refused = await at.book(own, at.other, service_id=await service(at, 30))

    assert code_of(refused) == TAKEN_SLOT


async def test_a_slot_made_inside_the_own_time_of_an_overbooked_one_is_not_for_sale(
    api: Api,
) -> None:
    at = await schedule(api, 3)
    plain, wide = await service(at, 30), await service(at, 30, after=45)
    await booked(at, 2, plain)
    await over(at, 2, wide)
    behind = at.slots[2]["ends_at"]

    made = await offer(at, behind, 30)

    assert await at.status(made) == "booked"
    assert code_of(await at.book(made, at.other, service_id=plain)) == TAKEN_SLOT


async def test_a_patient_who_was_doubled_once_is_not_doubled_again(api: Api) -> None:
    at = await schedule(api, 2)
    doctor = await api.doctor(at.clinic)
    (same,) = await api.slots(doctor, 1, start=datetime.fromisoformat(at.slots[0]["starts_at"]))
    someone = await a_patient_of(at)
    first = (await at.book(at.slots[0], at.desk, patient_id=someone)).json()
    doubled = await at.book(same, at.desk, patient_id=someone, **override("patient_overlap"))
    assert doubled.status_code == 201

    assert await do(at, first, "cancel") == (200, None)

    (row,) = await at.sql(
        "SELECT patient_doubled, isempty(patient_time) FROM appointments WHERE id = $1",
        UUID(doubled.json()["id"]),
    )
    assert tuple(row) == (False, False)


async def test_who_moves_onto_an_own_appointment_shares_no_time_of_other_patients(
    api: Api,
) -> None:
    """What the patient has alone stays theirs, whoever else is seen at that time."""
    at = await schedule(api, 4)
    doctor, someone = await api.doctor(at.clinic), await a_patient_of(at)
    start = datetime.fromisoformat(at.slots[0]["starts_at"])
    theirs = await api.slots(doctor, 4, start=start)
    long = await api.service(at.clinic, duration_minutes=60, doctor_ids=[doctor["id"]])
    short = await service(at, 30)
    about = {"patient_id": someone}
    first = await at.book(at.slots[0], at.desk, service_id=short, **about)
    assert first.status_code == 201
    assert (await at.book(at.slots[1], at.other, service_id=short)).status_code == 201
    moving = (await at.book(theirs[2], at.desk, service_id=long["id"], **about)).json()
    body = {"time_slot_id": theirs[0]["id"], **override("patient_overlap")}

    moved = await api.post(f"/v1/bookings/{moving['id']}/reschedule", body, at.desk)

    assert moved.status_code == 200, moved.text
    (row,) = await at.sql("SELECT patient_time FROM appointments WHERE id = $1", UUID(moving["id"]))
    (alone,) = row["patient_time"]
    assert (alone.lower, alone.upper) == (start + 30 * MINUTE, start + 60 * MINUTE)


EARLIER_SLOTS = """UPDATE time_slots SET starts_at = starts_at - $2::interval,
 ends_at = ends_at - $2::interval, wall_starts_at = wall_starts_at - $2::interval
 WHERE doctor_id = $1"""
EARLIER_BOOKINGS = """UPDATE appointments SET starts_at = starts_at - $2::interval,
 ends_at = ends_at - $2::interval, blocked_from = blocked_from - $2::interval,
 blocked_until = blocked_until - $2::interval WHERE doctor_id = $1"""


async def running(at: Keeping, place: int) -> None:
    """Let all of the doctor's time be earlier, so that the slot began ten minutes ago."""
    starts = datetime.fromisoformat(at.slots[place]["starts_at"])
    shift = starts - (datetime.now(UTC) - 10 * MINUTE)
    await at.sql(EARLIER_SLOTS, UUID(at.doctor["id"]), shift)
    await at.sql(EARLIER_BOOKINGS, UUID(at.doctor["id"]), shift)


async def test_a_no_show_gives_the_rest_of_its_time_back(api: Api) -> None:
    at = await schedule(api, 5)
    long, short = await service(at, 90, after=30), await service(at, 30)
    booking = await booked(at, 0, long)
    await running(at, 0)

    assert await do(at, booking, "no-show") == (200, None)

    assert await statuses(at) == ["open"] * 5
    assert code_of(await at.book(at.slots[1], at.patient, service_id=short)) == (201, None)
    assert code_of(await at.book(at.slots[3], at.other, service_id=short)) == (201, None)
    assert await do(at, booking, "undo") == TAKEN_SLOT


async def test_what_was_given_back_is_taken_back_when_the_mark_is_undone(api: Api) -> None:
    at = await schedule(api, 5)
    long, short = await service(at, 90, after=30), await service(at, 30)
    booking = await booked(at, 0, long)
    await running(at, 0)
    assert await do(at, booking, "complete") == (200, None)
    assert await statuses(at) == ["open"] * 5

    assert await do(at, booking, "undo") == (200, None)

    assert await statuses(at) == ["booked"] * 4 + ["open"]
    assert code_of(await at.book(at.slots[3], at.other, service_id=short)) == TAKEN_SLOT
    assert await do(at, booking, "no-show") == (200, None)
    held = await at.held(at.slots[1], at.other, service_id=short)
    assert await do(at, booking, "undo") == (409, "slot_held")
    assert code_of(await at.ask("DELETE", held, at.other)) == (204, None)
    gone = await api.send("DELETE", f"/v1/slots/{at.slots[2]['id']}", api.admin)
    assert gone.status_code == 204
    assert await do(at, booking, "undo") == (409, "slot_unavailable")


async def test_a_hold_that_has_run_out_does_not_stand_in_the_way_of_undoing(api: Api) -> None:
    at = await schedule(api, 3)
    booking = await booked(at, 0, await service(at, 30))
    await running(at, 0)
    assert await do(at, booking, "complete") == (200, None)
    ended = "UPDATE time_slots SET held_until = now(), {} WHERE id = $1"
    columns = "hold_id = gen_random_uuid(), hold_minutes = 10, held_by = gen_random_uuid()"
    await at.sql(ended.format(columns), UUID(at.slots[0]["id"]))

    assert await do(at, booking, "undo") == (200, None)

    assert await statuses(at) == ["booked", "open", "open"]


async def test_who_came_early_and_was_seen_leaves_all_of_it(api: Api) -> None:
    at = await Keeping.of(api, max_open_bookings_per_patient=1)
    await at.sql(
        "UPDATE time_slots SET starts_at = now() + interval '18 hours',"
        " ends_at = now() + interval '18 hours 30 minutes' WHERE id = $1",
        UUID(at.slots[0]["id"]),
    )
    booking = (await at.book(at.slots[0], at.patient)).json()
    assert await do(at, booking, "check-in") == (200, None)
    assert await do(at, booking, "complete") == (200, None)

    assert await at.status(at.slots[0]) == "open"
    assert code_of(await at.book(at.slots[1], at.patient)) == (201, None)


async def test_undo_is_refused_where_the_patient_is_elsewhere_by_now(api: Api) -> None:
    at = await schedule(api, 3)
    booking = (await at.book(at.slots[0], at.patient)).json()
    await running(at, 0)
    assert await do(at, booking, "no-show") == (200, None)
    doctor = await api.doctor(at.clinic)
    soon = (datetime.now(UTC) + 5 * MINUTE).replace(microsecond=0)
    (other,) = await api.slots(doctor, 1, start=soon)
    assert code_of(await at.book(other, at.patient)) == (201, None)

    assert await do(at, booking, "undo") == (409, "patient_overlap")
