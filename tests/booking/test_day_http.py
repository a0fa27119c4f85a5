"""A day of the calendar: everything the desk needs on one screen, and nothing for anybody else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from booking_system.shared_kernel.period import Period
from tests.api import START, ZONE, Api, code_of
from tests.booking.calendar import Calendar

Made = dict[str, Any]
BERLIN = ZoneInfo(ZONE)
DAY = START.astimezone(BERLIN).date()


def _paths(calendar: Calendar) -> tuple[str, str]:
    return f"/v1/doctors/{calendar.doctor['id']}/day", f"/v1/clinics/{calendar.clinic['id']}/day"


async def _day(api: Api, path: str, by: Any, day: date | None = None) -> Made:
    params = {} if day is None else {"date": day.isoformat()}
    answer = await api.get(path, by, **params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    shown: Made = answer.json()
    return shown


def _last_sunday(month: int) -> date:
    day = date(datetime.now(UTC).year + 1, month, 31)
    return day - timedelta(days=day.isoweekday() % 7)


async def _at(api: Api, doctor: Made, wanted: str) -> Made:
    """A slot of half an hour at this wall-clock time, which says its offset."""
    (slot,) = await api.slots(doctor, start=datetime.fromisoformat(wanted))
    return slot


async def _calendar_of_the_morning(api: Api, count: int) -> Calendar:
    """Slots from eight o'clock on, so that none of them leaves the day."""
    calendar = await Calendar.of(api, count)
    eight = datetime.combine(DAY, datetime.min.time(), BERLIN) + timedelta(hours=8)
    shift = eight - START
    # Past all of them first: on the way no slot may meet another.
    for way in (timedelta(days=30), shift - timedelta(days=30)):
        for table, more in (
            ("time_slots", ""),
            ("appointments", ", blocked_from = starts_at + $1, blocked_until = ends_at + $1"),
        ):
            await calendar.sql(
                f"UPDATE {table} SET starts_at = starts_at + $1, ends_at = ends_at + $1{more}", way
            )
    return calendar


async def test_a_day_shows_slots_bookings_and_absences(api: Api) -> None:
    calendar = await _calendar_of_the_morning(api, 5)
    desk, slots = calendar.desk, calendar.slots
    other = await api.patient()
    held = (await api.post("/v1/holds", {"time_slot_id": slots[1]["id"]}, other)).json()
    await api.post(f"/v1/slots/{slots[2]['id']}/close", by=desk)
    gone = (await api.book(slots[3], other)).json()
    await calendar.do("cancel", other, gone)
    fifth = "SELECT starts_at FROM time_slots WHERE id = $1"
    ((starts_at,),) = await calendar.sql(fifth, UUID(slots[4]["id"]))
    away = await api.made(
        f"/v1/doctors/{calendar.doctor['id']}/time-off",
        {
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(days=9)).isoformat(),
            "reason": "Holiday",
        },
    )
    himself = await api.doctor_account(calendar.doctor)
    of_doctor, of_clinic = _paths(calendar)

    shown = await _day(api, of_doctor, himself, DAY)

    assert (shown["date"], shown["time_zone"]) == (DAY.isoformat(), ZONE)
    assert shown["clinic_id"] == calendar.clinic["id"]
    assert [one["id"] for one in shown["slots"]] == [slot["id"] for slot in slots]
    assert [(s["status"], s["closed_because"], s["held_until"], s["booking_id"]) for s in
            shown["slots"]] == [
        ("booked", None, None, calendar.booking["id"]),
        ("held", None, held["expires_at"], None),
        ("closed", "by_hand", None, None),
        ("open", None, None, None),
        ("closed", "time_off", None, None),
    ]  # fmt: skip
    assert shown["slots"][0]["local_starts_at"][11:16] == "08:00"
    (booking,) = shown["bookings"]
    assert booking["patient"] == {
        "id": str(calendar.patient.patient_id),
        "full_name": "Example Patient",
        "known_as": None,
    }
    whole = await calendar.read(desk)
    for field in ("id", "reference", "status", "time_slot_id", "doctor_id", "starts_at", "ends_at",
                  "local_starts_at", "mode", "allowed_actions", "version", "service"):  # fmt: skip
        assert booking[field] == whole[field], field
    assert (booking["overbooked"], booking["outside_availability"]) == (False, False)
    # It has the start and the end that it has, not those of the day.
    assert shown["time_off"] == [away]
    assert shown["closures"] == []
    assert [(one["id"], one["removed"]) for one in shown["doctors"]] == [
        (calendar.doctor["id"], False)
    ]
    assert await _day(api, of_clinic, desk, DAY) == shown


async def test_who_is_overbooked_is_shown_beside_the_owner(api: Api) -> None:
    calendar = await _calendar_of_the_morning(api, 1)
    guest = await api.made(
        "/v1/patients",
        {"clinic_id": calendar.clinic["id"], "full_name": "Example Guest"},
        calendar.desk,
    )
    override = {"reason": "Emergency", "codes": ["slot_already_booked"]}
    answer = await api.book(
        calendar.slots[0], calendar.desk, patient_id=guest["id"], override=override
    )
    assert answer.status_code == 201, answer.text

    shown = await _day(api, _paths(calendar)[1], calendar.desk, DAY)

    assert [(one["patient"]["full_name"], one["overbooked"]) for one in shown["bookings"]] == [
        ("Example Patient", False),
        ("Example Guest", True),
    ]
    assert [one["booking_id"] for one in shown["slots"]] == [calendar.booking["id"]]


@pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)])
async def test_a_day_has_the_hours_that_the_clock_gives_it(
    api: Api, month: int, hours: int
) -> None:
    clinic = await api.clinic(policy={"horizon_days": 730})
    doctor, desk = await api.doctor(clinic), await api.receptionist(clinic["id"])
    day = _last_sunday(month)
    midnight = datetime.combine(day, datetime.min.time(), BERLIN).astimezone(UTC)
    slots = await api.slots(doctor, 27, start=midnight - timedelta(hours=1), minutes=60)

    shown = await _day(api, f"/v1/doctors/{doctor['id']}/day", desk, day)

    assert [one["id"] for one in shown["slots"]] == [slot["id"] for slot in slots[1 : hours + 1]]
    assert {one["local_starts_at"][:10] for one in shown["slots"]} == {day.isoformat()}
    length = datetime.fromisoformat(shown["ends_at"]) - datetime.fromisoformat(shown["starts_at"])
    assert length == timedelta(hours=hours)


async def test_what_runs_into_the_day_or_out_of_it_is_of_both_days(api: Api) -> None:
    clinic = await api.clinic(time_zone="UTC")
    doctor, desk = await api.doctor(clinic), await api.receptionist(clinic["id"])
    patient, days = await api.patient(), [DAY + timedelta(days=n) for n in range(3)]
    slot = await _at(api, doctor, f"{days[0]}T23:45:00+00:00")
    booking = (await api.book(slot, patient)).json()
    other = await _at(api, doctor, f"{days[1]}T23:30:00+00:00")
    path = f"/v1/doctors/{doctor['id']}/day"

    seen = [await _day(api, path, desk, day) for day in days]

    assert [[one["id"] for one in day["slots"]] for day in seen] == [
        [slot["id"]],
        [slot["id"], other["id"]],
        [],
    ]
    assert [[one["id"] for one in day["bookings"]] for day in seen] == [
        [booking["id"]],
        [booking["id"]],
        [],
    ]


async def test_a_removed_doctor_is_there_while_somebody_has_an_appointment(api: Api) -> None:
    calendar = await _calendar_of_the_morning(api, 2)
    idle = await api.doctor(calendar.clinic)
    stays = await api.doctor(calendar.clinic, full_name="An Example Doctor")
    for doctor in (idle, calendar.doctor):
        gone = await api.send(
            "DELETE", f"/v1/doctors/{doctor['id']}", api.admin, params={"on_conflict": "keep"}
        )
        assert gone.status_code == 204
    of_doctor, of_clinic = _paths(calendar)

    shown = await _day(api, of_clinic, calendar.desk, DAY)

    assert [(one["id"], one["removed"]) for one in shown["doctors"]] == [
        (stays["id"], False),
        (calendar.doctor["id"], True),
    ]
    assert [one["id"] for one in shown["bookings"]] == [calendar.booking["id"]]
    # Its other slot is nobody's concern any more.
    assert [(one["id"], one["status"], one["closed_because"]) for one in shown["slots"]] == [
        (calendar.slots[0]["id"], "booked", "doctor_removed")
    ]
    absent = await api.get(of_doctor, calendar.desk)
    assert code_of(absent) == (404, "not_found")


async def test_the_day_of_a_clinic_is_that_of_all_its_doctors_and_of_no_other_clinic(
    api: Api,
) -> None:
    clinic = await api.clinic(time_zone="Pacific/Auckland")
    elsewhere = await api.clinic(time_zone="Pacific/Auckland")
    doctors = [await api.doctor(clinic), await api.doctor(clinic), await api.doctor(elsewhere)]
    day = DAY + timedelta(days=3)
    zone = ZoneInfo("Pacific/Auckland")
    nine = datetime.combine(day, datetime.min.time(), zone) + timedelta(hours=9)
    slots = [(await api.slots(doctor, start=nine))[0] for doctor in doctors]
    for whose in (clinic, elsewhere):
        path = f"/v1/clinics/{whose['id']}/closures"
        days = [(day + timedelta(days=n)).isoformat() for n in (-1, 0, 1)]
        await api.made(path, {"dates": days})
    for doctor in doctors:
        away = {
            "starts_at": (nine - timedelta(days=3)).isoformat(),
            "ends_at": (nine - timedelta(hours=9)).isoformat(),
        }
        await api.made(f"/v1/doctors/{doctor['id']}/time-off", away)
        away = {"starts_at": nine.isoformat(), "ends_at": (nine + timedelta(days=1)).isoformat()}
        await api.made(f"/v1/doctors/{doctor['id']}/time-off", away)
    desk = await api.receptionist(clinic["id"])

    shown = await _day(api, f"/v1/clinics/{clinic['id']}/day", desk, day)

    ours = {doctor["id"] for doctor in doctors[:2]}
    assert {one["id"] for one in shown["slots"]} == {slot["id"] for slot in slots[:2]}
    assert {one["id"] for one in shown["doctors"]} == ours
    assert [one["date"] for one in shown["closures"]] == [day.isoformat()]
    # One ends when the day begins, so it is not of this day.
    assert len(shown["time_off"]) == 2
    assert {one["doctor_id"] for one in shown["time_off"]} == ours
    assert {one["starts_at"][:10] for one in shown["time_off"]} == {
        nine.astimezone(UTC).date().isoformat()
    }
    one = await _day(api, f"/v1/doctors/{doctors[0]['id']}/day", desk, day)
    assert {slot["doctor_id"] for slot in one["slots"]} == {doctors[0]["id"]}
    assert {away["doctor_id"] for away in one["time_off"]} == {doctors[0]["id"]}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_without_a_date_it_is_today_by_the_clinics_clock(api: Api, zone: str) -> None:
    clinic = await api.clinic(time_zone=zone)
    desk = await api.receptionist(clinic["id"])

    shown = await _day(api, f"/v1/clinics/{clinic['id']}/day", desk)

    now = datetime.now(UTC)
    assert shown["date"] == now.astimezone(ZoneInfo(zone)).date().isoformat()
    assert datetime.fromisoformat(shown["starts_at"]) <= now
    assert now < datetime.fromisoformat(shown["ends_at"])


async def test_a_day_that_cannot_be_is_refused(api: Api) -> None:
    clinic = await api.clinic(time_zone="Pacific/Apia")
    doctor, desk = await api.doctor(clinic), await api.receptionist(clinic["id"])
    for path in (f"/v1/clinics/{clinic['id']}/day", f"/v1/doctors/{doctor['id']}/day"):
        skipped = await api.get(path, desk, date="2011-12-30")
        assert code_of(skipped) == (422, "nonexistent_local_time")
        for wrong in ("1999-12-31", "2099-12-31", "2027-02-29", "9999-12-31", "today", "0"):
            answer = await api.get(path, desk, date=wrong)
            assert code_of(answer) == (422, "validation_error"), wrong
            assert answer.json()["errors"][0]["pointer"] == "/date"
        for right in ("2000-01-01", "2099-12-30"):
            assert (await _day(api, path, desk, date.fromisoformat(right)))["slots"] == []


async def test_names_of_patients_are_for_the_clinic_only(api: Api) -> None:
    calendar = await Calendar.of(api)
    colleague = await api.doctor_account(await api.doctor(calendar.clinic))
    himself = await api.doctor_account(calendar.doctor)
    admin = await api.clinic_admin(calendar.clinic["id"])
    stranger = await api.receptionist((await api.clinic())["id"])
    of_doctor, of_clinic = _paths(calendar)
    for path, by, status in (
        (of_doctor, himself, 200),
        (of_doctor, admin, 200),
        (of_clinic, admin, 200),
        (of_clinic, himself, 403),
        *((path, by, 403)
          for path in (of_doctor, of_clinic)
          for by in (colleague, stranger, calendar.patient, api.admin)),
    ):  # fmt: skip
        answer = await api.get(path, by, date=DAY.isoformat())
        assert answer.status_code == status
        assert ("Example Patient" in answer.text) == (status == 200)


async def test_a_day_is_of_one_moment(api: Api) -> None:
    """What is booked between two of its statements is not half there."""
    calendar = await Calendar.of(api, 2)
    whole = Period(START - timedelta(days=1), START + timedelta(days=1))
    async with api.container.desk.calendars().snapshot() as seen:
        place = await seen.doctor(UUID(calendar.doctor["id"]))
        before = await seen.page(place, whole)
        assert (await api.book(calendar.slots[1], await api.patient())).status_code == 201
        after = await seen.page(place, whole)
    assert after.slots == before.slots
    assert len(after.bookings) == len(before.bookings) == 1
