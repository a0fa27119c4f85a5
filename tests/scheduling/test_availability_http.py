"""Weekly hours over HTTP: what they generate, and what becomes of it when they change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api import Api, Person, code_of

Made = dict[str, Any]
TODAY = datetime.now(UTC).date()
TOMORROW = (TODAY + timedelta(days=1)).isoformat()
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
HOURS = {
    "weekdays": EVERY_DAY,
    "start_time": "09:00",
    "end_time": "11:00",
    "slot_minutes": 30,
    "valid_from": (TODAY + timedelta(days=2)).isoformat(),
    "valid_until": (TODAY + timedelta(days=4)).isoformat(),
}


async def _doctor(api: Api, **about: Any) -> Made:
    return await api.doctor(await api.clinic(**about))


async def _rule(api: Api, doctor: Made, **hours: Any) -> Made:
    return await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS | hours)


async def _slots(api: Api, doctor: Made) -> list[Made]:
    """All that are there, whatever their state."""
    async with api.container.database().reading() as connection:
        rows = await connection.fetch(
            "SELECT id::text, starts_at, ends_at, closed_because, appointment_id FROM time_slots"
            " WHERE doctor_id = $1 AND deleted_at IS NULL ORDER BY starts_at",
            UUID(doctor["id"]),
        )
    return [dict(row) for row in rows]


async def _times(api: Api, doctor: Made) -> list[datetime]:
    return [slot["starts_at"] for slot in await _slots(api, doctor)]


async def test_a_rule_makes_slots_by_the_clock_of_the_clinic(api: Api) -> None:
    doctor = await _doctor(api, time_zone="Asia/Kathmandu")

    rule = await _rule(api, doctor, gap_minutes=15)

    assert rule["generated_slots"] == 9
    times = await _times(api, doctor)
    first = datetime.fromisoformat(f"{HOURS['valid_from']}T09:00:00+05:45")
    assert times[:4] == [
        first,
        first + timedelta(minutes=45),
        first + timedelta(minutes=90),
        first + timedelta(days=1),
    ]
    read = await api.get(f"/v1/availability/{rule['id']}", api.admin)
    assert read.headers["etag"] == '"1"'
    assert read.json() == rule | {"generated_slots": None}
    listed = await api.get(f"/v1/doctors/{doctor['id']}/availability", api.admin)
    assert listed.json()["items"] == [rule | {"generated_slots": None}]
    found = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"]
    assert len(found) == 9


async def test_slots_reach_as_far_as_the_horizon_and_no_further(api: Api) -> None:
    doctor = await _doctor(api, policy={"horizon_days": 10})
    rule = await _rule(
        api, doctor, valid_from="2020-01-01", valid_until=None, start_time="00:00", end_time="24:00"
    )

    times = await _times(api, doctor)

    now = datetime.now(UTC)
    assert rule["generated_slots"] == len(times) == 480
    assert now - timedelta(minutes=1) < times[0] <= now + timedelta(minutes=30)
    assert now + timedelta(days=10, minutes=-31) < times[-1] < now + timedelta(days=10)
    assert rule["end_time"] == "24:00"


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(api: Api) -> None:
    doctor, patient = await _doctor(api), await api.patient()
    path = f"/v1/doctors/{doctor['id']}/availability"
    key = {"Idempotency-Key": "tried"}

    tried = await api.post(path, HOURS, api.admin, params={"dry_run": "true"}, headers=key)

    assert tried.status_code == 200
    assert tried.json() == {"opened_slots": 12, "closed_slots": 0, "kept_bookings": []}
    assert await _slots(api, doctor) == []
    rule = await _rule(api, doctor)
    slots = await _slots(api, doctor)
    booked = (await api.book(slots[0], patient)).json()
    kept = [
        {
            "id": booked["id"],
            "time_slot_id": booked["time_slot_id"],
            "starts_at": booked["starts_at"],
            "ends_at": booked["ends_at"],
        }
    ]
    before = await _slots(api, doctor)
    one = f"/v1/availability/{rule['id']}"
    later = {"start_time": "09:30", "end_time": "11:30"}
    dry = {"dry_run": "true"}
    changed = await api.send("PATCH", one, api.admin, json=later, params=dry)
    assert changed.json() == {"opened_slots": 3, "closed_slots": 2, "kept_bookings": kept}
    deleted = await api.send("DELETE", one, api.admin, params=dry)
    assert deleted.status_code == 200
    assert deleted.json() == {"opened_slots": 0, "closed_slots": 11, "kept_bookings": kept}
    assert await _slots(api, doctor) == before
    assert (await api.get(one, api.admin)).json()["version"] == 1


async def test_a_change_moves_open_slots_and_no_other(api: Api) -> None:
    doctor, patient = await _doctor(api), await api.patient()
    rule = await _rule(api, doctor, valid_until=HOURS["valid_from"])
    nine, half_past, ten, last = await _slots(api, doctor)
    booked = (await api.book(nine, patient)).json()
    held = await api.post("/v1/holds", {"time_slot_id": half_past["id"]}, patient)
    assert held.status_code == 201
    assert (await api.post(f"/v1/slots/{ten['id']}/close", by=api.admin)).status_code == 200
    one = f"/v1/availability/{rule['id']}"

    changed = await api.send(
        "PATCH", one, api.admin, json={"start_time": "09:15"}, headers={"If-Match": '"1"'}
    )

    assert changed.status_code == 200
    assert (changed.json()["start_time"], changed.json()["version"]) == ("09:15", 2)
    # 09:15, 09:45 and 10:15 overlap what stays.
    assert {slot["id"] for slot in await _slots(api, doctor)} == {
        nine["id"],
        half_past["id"],
        ten["id"],
    }
    assert last["id"] not in {slot["id"] for slot in await _slots(api, doctor)}
    read = await api.get(f"/v1/bookings/{booked['id']}", patient)
    assert (read.json()["status"], read.json()["starts_at"]) == ("confirmed", booked["starts_at"])
    stale = await api.send(
        "PATCH", one, api.admin, json={"start_time": "09:00"}, headers={"If-Match": '"1"'}
    )
    assert code_of(stale) == (412, "precondition_failed")
    stale = await api.send("DELETE", one, api.admin, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")

    assert (await api.send("DELETE", one, api.admin)).status_code == 204
    assert [slot["id"] for slot in await _slots(api, doctor)] == [
        nine["id"],
        half_past["id"],
        ten["id"],
    ]
    assert code_of(await api.get(one, api.admin)) == (404, "not_found")
    assert code_of(await api.send("DELETE", one, api.admin)) == (404, "not_found")
    gone = await api.send("PATCH", one, api.admin, json={})
    assert code_of(gone) == (404, "not_found")


async def test_what_nobody_holds_any_more_goes(api: Api) -> None:
    doctor, patient = await _doctor(api), await api.patient()
    rule = await _rule(api, doctor, valid_until=HOURS["valid_from"])
    slots = await _slots(api, doctor)
    await api.post("/v1/holds", {"time_slot_id": slots[0]["id"]}, patient)
    async with api.container.database().reading() as connection:
        await connection.execute("UPDATE time_slots SET held_until = now() WHERE held_for = $1",
                                 patient.patient_id)  # fmt: skip

    assert (await api.send("DELETE", f"/v1/availability/{rule['id']}", api.admin)).is_success

    assert await _slots(api, doctor) == []


async def test_hand_made_slots_stay_and_what_overlaps_them_is_left_out(api: Api) -> None:
    doctor = await _doctor(api, time_zone="UTC")
    start = datetime.fromisoformat(f"{HOURS['valid_from']}T09:45:00+00:00")
    (own,) = await api.slots(doctor, start=start)

    rule = await _rule(api, doctor, valid_until=HOURS["valid_from"])

    assert rule["generated_slots"] == 2
    assert [f"{at:%H:%M}" for at in await _times(api, doctor)] == ["09:00", "09:45", "10:30"]
    await api.send("DELETE", f"/v1/availability/{rule['id']}", api.admin)
    assert [slot["id"] for slot in await _slots(api, doctor)] == [own["id"]]


async def test_a_slot_deleted_by_hand_does_not_come_back(api: Api) -> None:
    doctor = await _doctor(api)
    rule = await _rule(api, doctor, valid_until=HOURS["valid_from"])
    slots = await _slots(api, doctor)
    assert (await api.send("DELETE", f"/v1/slots/{slots[1]['id']}", api.admin)).is_success

    done = await api.container.scheduling.extend_horizon()()
    changed = await api.send(
        "PATCH", f"/v1/availability/{rule['id']}", api.admin, json={"end_time": "11:30"}
    )

    assert done.opened == 0
    assert changed.json()["generated_slots"] == 1
    assert slots[1]["starts_at"] not in await _times(api, doctor)


async def test_two_rules_of_a_doctor_never_hold_at_one_hour(api: Api) -> None:
    doctor = await _doctor(api)
    other = await api.doctor({"id": doctor["clinic_id"]})
    first = await _rule(api, doctor)
    second = await _rule(api, doctor, start_time="11:00", end_time="12:00")
    await _rule(api, other)
    path = f"/v1/doctors/{doctor['id']}/availability"

    refused = await api.post(path, HOURS | {"start_time": "10:30", "end_time": "11:00"}, api.admin)

    assert code_of(refused) == (409, "availability_overlap")
    assert refused.json()["availability_id"] == first["id"]
    longer = await api.send(
        "PATCH", f"/v1/availability/{first['id']}", api.admin, json={"end_time": "11:30"}
    )
    assert code_of(longer) == (409, "availability_overlap")
    assert longer.json()["availability_id"] == second["id"]


WRONG: list[tuple[Made, str]] = [
    ({"weekdays": []}, "/weekdays"),
    ({"weekdays": [0]}, "/weekdays/0"),
    ({"weekdays": [8]}, "/weekdays/0"),
    ({"weekdays": [1, 1]}, "/weekdays"),
    ({"start_time": "11:00"}, "/end_time"),
    ({"start_time": "24:00"}, "/start_time"),
    ({"end_time": "24:01"}, "/end_time"),
    ({"slot_minutes": 0}, "/slot_minutes"),
    ({"slot_minutes": 121}, "/slot_minutes"),
    ({"gap_minutes": -1}, "/gap_minutes"),
    ({"valid_until": TODAY.isoformat()}, "/valid_until"),
    ({"valid_from": "9999-12-31", "valid_until": None}, "/valid_from"),
    ({"mode": "by_pigeon"}, "/mode"),
]


@pytest.mark.parametrize(("wrong", "pointer"), WRONG)
async def test_hours_that_cannot_be_are_refused(api: Api, wrong: Made, pointer: str) -> None:
    doctor = await _doctor(api)
    rule = await _rule(api, doctor)
    for method, path, body in (
        ("POST", f"/v1/doctors/{doctor['id']}/availability", HOURS | wrong),
        ("PATCH", f"/v1/availability/{rule['id']}", wrong),
    ):
        answer = await api.send(method, path, api.admin, json=body)
        assert code_of(answer) == (422, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_hour_that_the_clock_skips_makes_no_rule(api: Api) -> None:
    doctor = await _doctor(api)
    sunday = _last_sunday_of_march().isoformat()
    skipped = {
        "weekdays": [7],
        "start_time": "02:00",
        "end_time": "03:00",
        "valid_from": sunday,
        "valid_until": sunday,
    }

    answer = await api.post(f"/v1/doctors/{doctor['id']}/availability", HOURS | skipped, api.admin)

    assert code_of(answer) == (422, "nonexistent_local_time")
    rule = await _rule(api, doctor)
    answer = await api.send("PATCH", f"/v1/availability/{rule['id']}", api.admin, json=skipped)
    assert code_of(answer) == (422, "nonexistent_local_time")


def _last_sunday_of_march() -> date:
    day = date(TODAY.year + 1, 3, 31)
    while day.isoweekday() != 7:
        day -= timedelta(days=1)
    return day


async def test_the_doctor_and_the_desk_keep_hours_and_nobody_else_reads_them(api: Api) -> None:
    doctor = await _doctor(api)
    rule = await _rule(api, doctor)
    others = await _doctor(api)
    stranger: Person = await api.doctor_account(others)
    one = f"/v1/availability/{rule['id']}"
    of_doctor = f"/v1/doctors/{doctor['id']}/availability"
    for method, path, body in (
        ("GET", one, None),
        ("PATCH", one, {}),
        ("DELETE", one, None),
        ("GET", of_doctor, None),
        ("POST", of_doctor, HOURS),
    ):
        about = {} if body is None else {"json": body}
        assert code_of(await api.send(method, path, stranger, **about)) == (403, "forbidden")
    himself = await api.doctor_account(doctor)
    assert (await api.get(one, himself)).status_code == 200
    nothing = of_doctor.replace(doctor["id"], rule["id"])
    assert code_of(await api.get(nothing, api.admin)) == (404, "not_found")
    assert code_of(await api.post(nothing, HOURS, api.admin)) == (404, "not_found")


async def test_a_rule_made_twice_with_one_key_is_one_rule(api: Api) -> None:
    doctor = await _doctor(api)
    path = f"/v1/doctors/{doctor['id']}/availability"
    first, again = [
        await api.post(path, HOURS, api.admin, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert len(await _slots(api, doctor)) == 12
