"""What a rule left behind for a hold goes with the hold, whatever it is that ends the hold."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api import Api, code_of
from tests.booking.week import Week

Made = dict[str, Any]
LEFT_BEHIND = """SELECT starts_at FROM time_slots WHERE doctor_id = $1 AND deleted_at IS NULL
 AND outside_availability AND appointment_id IS NULL AND coalesce(held_until <= now(), true)"""


async def _books_what_is_held(week: Week, held: Made) -> None:
    body = {key: held[key] for key in ("time_slot_id", "service_id")} | {"hold_id": held["id"]}
    answer = await week.api.post("/v1/bookings", body, week.patient)
    assert answer.status_code == 201, answer.text


async def _lets_go(week: Week, held: Made) -> None:
    answer = await week.api.send("DELETE", f"/v1/holds/{held['id']}", week.patient)
    assert answer.status_code == 204


async def _holds_the_next(week: Week, held: Made) -> None:
    """The buffers of both meet, so the second hold ends the first."""
    body = {"time_slot_id": week.slots[1]["id"], "service_id": held["service_id"]}
    answer = await week.api.post("/v1/holds", body, week.patient)
    assert answer.status_code == 201, answer.text


async def _is_overruled(week: Week, held: Made) -> None:
    about = {"clinic_id": week.doctor["clinic_id"], "full_name": "Example Guest"}
    guest = await week.api.made("/v1/patients", about, week.desk)
    body = {
        "time_slot_id": held["time_slot_id"],
        "service_id": held["service_id"],
        "patient_id": guest["id"],
        "override": {"codes": ["slot_held", "slot_unavailable"], "reason": "Example reason"},
    }
    answer = await week.api.post("/v1/bookings", body, week.desk)
    assert answer.status_code == 201, answer.text


async def _goes_away(week: Week, held: Made) -> None:
    """Time off covers only a part of what the hold keeps."""
    since = datetime.fromisoformat(held["starts_at"])
    body = {
        "starts_at": since.isoformat(),
        "ends_at": (since + timedelta(minutes=30)).isoformat(),
    }
    path = f"/v1/doctors/{week.doctor['id']}/time-off"
    assert (await week.api.post(path, body, week.desk)).status_code == 201


@pytest.mark.parametrize(
    "end", [_books_what_is_held, _lets_go, _holds_the_next, _is_overruled, _goes_away]
)
async def test_what_was_left_behind_for_a_hold_goes_with_it(
    api: Api, end: Callable[[Week, Made], Awaitable[None]]
) -> None:
    week = await Week.of(api)
    service = await api.service(
        {"id": week.doctor["clinic_id"]},
        buffer_after_minutes=30,
        doctor_ids=[week.doctor["id"]],
    )
    body = {"time_slot_id": week.slots[0]["id"], "service_id": service["id"]}
    held = body | await api.made("/v1/holds", body, week.patient)
    assert len(held["time_slot_ids"]) == 1
    if end is _holds_the_next:
        # Slots that the new hold keeps have to be there.
        await _change(week, start_time="09:30")
    else:
        await week.drop_rule()
    assert await week.state(0) == "held"

    await end(week, held)

    worker = api.container.scheduling.calendar_worker()
    while await worker.once():
        pass
    async with api.container.database().reading() as connection:
        assert await connection.fetch(LEFT_BEHIND, UUID(week.doctor["id"])) == []


async def test_the_removal_of_the_doctor_ends_a_hold_in_slots_that_were_closed_before(
    api: Api,
) -> None:
    week = await Week.of(api)
    service = await api.service(
        {"id": week.doctor["clinic_id"]}, buffer_after_minutes=30, doctor_ids=[week.doctor["id"]]
    )
    closed = await api.post(f"/v1/slots/{week.slots[1]['id']}/close", by=week.desk)
    assert closed.status_code == 200
    body = {"time_slot_id": week.slots[0]["id"], "service_id": service["id"]}
    await api.made("/v1/holds", body, week.patient)

    gone = await api.send("DELETE", f"/v1/doctors/{week.doctor['id']}", api.admin)

    assert gone.status_code == 204
    async with api.container.database().reading() as connection:
        assert await connection.fetch("SELECT FROM time_slots WHERE hold_id IS NOT NULL") == []
    assert await week.row(1) == ("by_hand", False)


async def _change(week: Week, **hours: str) -> None:
    path = f"/v1/availability/{week.rule['id']}"
    answer = await week.api.send("PATCH", path, week.desk, json=hours)
    assert code_of(answer) == (200, None)
