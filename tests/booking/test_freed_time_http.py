"""Time that somebody lets go of follows the hours in force, in the same transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api import Api, Person

Made = dict[str, Any]
DAY = (datetime.now(UTC) + timedelta(days=3)).date()
HOURS = {
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "start_time": "09:00",
    "end_time": "12:00",
    "slot_minutes": 60,
    "valid_from": DAY.isoformat(),
    "valid_until": DAY.isoformat(),
}


async def offered(api: Api, doctor: Made) -> list[str]:
    found = await api.get("/v1/slots", doctor_id=doctor["id"])
    items = found.json()["items"]
    return [slot["starts_at"][11:16] + "-" + slot["ends_at"][11:16] for slot in items]


async def scene(api: Api) -> tuple[Made, Made, list[Made], Person]:
    clinic = await api.clinic(time_zone="UTC")
    doctor = await api.doctor(clinic)
    rule = await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS)
    slots = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"]
    assert len(slots) == 3
    return doctor, rule, slots, await api.patient()


async def halve(api: Api, rule: Made) -> None:
    path = f"/v1/availability/{rule['id']}"
    answer = await api.send("PATCH", path, api.admin, json={"slot_minutes": 30})
    assert answer.status_code == 200, answer.text


HALVES = ["09:00-09:30", "09:30-10:00"]


@pytest.mark.parametrize("how", ["cancel", "move", "hold", "patient"])
async def test_what_is_let_go_of_is_offered_by_the_hours_of_today(api: Api, how: str) -> None:
    doctor, rule, slots, patient = await scene(api)
    body = {"time_slot_id": slots[0]["id"]}
    if how == "hold":
        made = await api.made("/v1/holds", body, patient)
    else:
        made = (await api.book(slots[0], patient)).json()
    await halve(api, rule)
    assert not set(HALVES) & set(await offered(api, doctor))

    if how == "cancel":
        answer = await api.post(f"/v1/bookings/{made['id']}/cancel", by=patient)
    elif how == "move":
        later = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"][-2]
        answer = await api.post(
            f"/v1/bookings/{made['id']}/reschedule", {"time_slot_id": later["id"]}, patient
        )
    elif how == "hold":
        answer = await api.send("DELETE", f"/v1/holds/{made['id']}", patient)
    else:
        path = f"/v1/patients/{patient.patient_id}?on_conflict=cancel"
        answer = await api.send("DELETE", path, patient)
        await api.container.scheduling.calendar_worker().once()
    assert answer.is_success, answer.text

    assert (await offered(api, doctor))[:2] == HALVES
