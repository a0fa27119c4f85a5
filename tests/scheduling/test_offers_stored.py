"""Slots that are offered by hand: as long as they may be, and shown as they were stored."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.api import START, Api, code_of, some_slots
from tests.scheduling.hours import Made, slots_of


def of(doctor: Made) -> str:
    return f"/v1/doctors/{doctor['id']}/slots"


async def test_slots_inside_time_off_or_a_closure_come_closed_by_it(api: Api) -> None:
    clinic = await api.clinic(time_zone="UTC")
    doctor, other = await api.doctor(clinic), await api.doctor(clinic)
    away = {
        "starts_at": START.isoformat(),
        "ends_at": (START + timedelta(minutes=45)).isoformat(),
    }
    absence = await api.made(f"/v1/doctors/{doctor['id']}/time-off", away)
    day = (START + timedelta(days=2)).date()
    await api.made(f"/v1/clinics/{clinic['id']}/closures", {"dates": [day.isoformat()]})

    made = await api.slots(doctor, 3)
    others = await api.slots(other, 1)
    closed = await api.slots(other, 1, start=START + timedelta(days=2))

    assert [slot["status"] for slot in made] == ["closed", "closed", "open"]
    assert [slot["status"] for slot in others + closed] == ["open", "closed"]
    for slot in made + others + closed:
        assert (await api.get(f"/v1/slots/{slot['id']}")).json()["status"] == slot["status"]
    shown = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"]
    assert [slot["id"] for slot in shown] == [made[2]["id"]]
    patient = await api.patient()
    assert code_of(await api.book(made[0], patient)) == (409, "slot_unavailable")
    # It opens what it has closed.
    await api.send("DELETE", f"/v1/time-off/{absence['id']}", api.admin)
    assert [slot["closed_because"] for slot in await slots_of(api, doctor)] == [None] * 3


async def test_a_slot_in_the_time_that_is_kept_free_is_not_told_to_be_open(api: Api) -> None:
    clinic = await api.clinic(time_zone="UTC")
    doctor, patient = await api.doctor(clinic), await api.patient()
    service = await api.service(
        clinic, duration_minutes=30, buffer_after_minutes=15, doctor_ids=[doctor["id"]]
    )
    (slot,) = await api.slots(doctor)
    booked = await api.book(slot, patient, service_id=service["id"])
    assert booked.status_code == 201, booked.text

    made = await api.slots(doctor, 2, start=START + timedelta(minutes=30))

    assert [one["status"] for one in made] == ["booked", "open"]
    assert (await api.get(f"/v1/slots/{made[0]['id']}")).json()["status"] == "booked"


async def test_an_offer_made_twice_with_one_key_shows_what_was_stored(api: Api) -> None:
    doctor = await api.doctor(await api.clinic(time_zone="UTC"))
    away = {
        "starts_at": START.isoformat(),
        "ends_at": (START + timedelta(minutes=30)).isoformat(),
    }
    await api.made(f"/v1/doctors/{doctor['id']}/time-off", away)
    first, again = [
        await api.post(
            of(doctor), {"slots": some_slots(2)}, api.admin, headers={"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]

    assert first.json() == again.json()
    assert [one["status"] for one in again.json()["items"]] == ["closed", "open"]


LENGTHS: list[tuple[timedelta, str | None]] = [
    (timedelta(seconds=59), "too_short"),
    (timedelta(microseconds=1), "too_short"),
    (timedelta(0), "ends_too_early"),
    (timedelta(minutes=1), None),
    (timedelta(hours=24), None),
    (timedelta(hours=24, seconds=1), "too_long"),
]


@pytest.mark.parametrize(("length", "code"), LENGTHS)
async def test_a_slot_lasts_a_minute_to_a_day(
    api: Api, length: timedelta, code: str | None
) -> None:
    doctor = await api.doctor(await api.clinic())
    good: dict[str, Any] = some_slots(1)[0]
    begins = datetime.fromisoformat(good["ends_at"])
    other = {"starts_at": begins.isoformat(), "ends_at": (begins + length).isoformat()}

    answer = await api.post(of(doctor), {"slots": [good, other]}, api.admin)

    if code is None:
        assert answer.status_code == 201
    else:
        assert code_of(answer) == (422, "validation_error")
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/slots/1/ends_at", code)
