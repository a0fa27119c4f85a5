"""Weekly hours over HTTP: what they generate, and what becomes of it when they change."""

from datetime import UTC, datetime, timedelta

from tests.api import Api, code_of
from tests.scheduling.hours import HOURS, Made, a_doctor, a_rule, slots_of


async def _times(api: Api, doctor: Made) -> list[datetime]:
    return [slot["starts_at"] for slot in await slots_of(api, doctor)]


async def test_a_rule_makes_slots_by_the_clock_of_the_clinic(api: Api) -> None:
    doctor = await a_doctor(api, time_zone="Asia/Kathmandu")

    rule = await a_rule(api, doctor, gap_minutes=15)

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
    assert read.json() == rule | {"generated_slots": None, "kept_bookings": None}
    listed = await api.get(f"/v1/doctors/{doctor['id']}/availability", api.admin)
    assert listed.json()["items"] == [rule | {"generated_slots": None, "kept_bookings": None}]
    found = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"]
    assert len(found) == 9


async def test_slots_reach_as_far_as_the_horizon_and_no_further(api: Api) -> None:
    doctor = await a_doctor(api, policy={"horizon_days": 10})
    rule = await a_rule(
        api, doctor, valid_from="2020-01-01", valid_until=None, start_time="00:00", end_time="24:00"
    )

    times = await _times(api, doctor)

    now = datetime.now(UTC)
    assert rule["generated_slots"] == len(times) == 480
    assert now - timedelta(minutes=1) < times[0] <= now + timedelta(minutes=30)
    assert now + timedelta(days=10, minutes=-31) < times[-1] < now + timedelta(days=10)
    assert rule["end_time"] == "24:00"


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(api: Api) -> None:
    doctor, patient = await a_doctor(api), await api.patient()
    path = f"/v1/doctors/{doctor['id']}/availability"
    key = {"Idempotency-Key": "tried"}

    tried = await api.post(path, HOURS, api.admin, params={"dry_run": "true"}, headers=key)

    assert tried.status_code == 200
    assert tried.json() == {"opened_slots": 12, "closed_slots": 0, "kept_bookings": []}
    assert await slots_of(api, doctor) == []
    rule = await a_rule(api, doctor)
    slots = await slots_of(api, doctor)
    booked = (await api.book(slots[0], patient)).json()
    kept = [
        {
            "id": booked["id"],
            "time_slot_id": booked["time_slot_id"],
            "starts_at": booked["starts_at"],
            "ends_at": booked["ends_at"],
        }
    ]
    before = await slots_of(api, doctor)
    one = f"/v1/availability/{rule['id']}"
    later = {"start_time": "09:30", "end_time": "11:30"}
    dry = {"dry_run": "true"}
    changed = await api.send("PATCH", one, api.admin, json=later, params=dry)
    assert changed.json() == {"opened_slots": 3, "closed_slots": 2, "kept_bookings": kept}
    deleted = await api.send("DELETE", one, api.admin, params=dry)
    assert deleted.status_code == 200
    assert deleted.json() == {"opened_slots": 0, "closed_slots": 11, "kept_bookings": kept}
    assert await slots_of(api, doctor) == before
    assert (await api.get(one, api.admin)).json()["version"] == 1


async def test_a_change_moves_open_slots_and_no_other(api: Api) -> None:
    doctor, patient = await a_doctor(api), await api.patient()
    rule = await a_rule(api, doctor, valid_until=HOURS["valid_from"])
    nine, half_past, ten, last = await slots_of(api, doctor)
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
    assert {slot["id"] for slot in await slots_of(api, doctor)} == {
        nine["id"],
        half_past["id"],
        ten["id"],
    }
    assert last["id"] not in {slot["id"] for slot in await slots_of(api, doctor)}
    read = await api.get(f"/v1/bookings/{booked['id']}", patient)
    assert (read.json()["status"], read.json()["starts_at"]) == ("confirmed", booked["starts_at"])
    stale = await api.send(
        "PATCH", one, api.admin, json={"start_time": "09:00"}, headers={"If-Match": '"1"'}
    )
    assert code_of(stale) == (412, "precondition_failed")
    stale = await api.send("DELETE", one, api.admin, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")

    assert (await api.send("DELETE", one, api.admin)).status_code == 200
    assert [slot["id"] for slot in await slots_of(api, doctor)] == [
        nine["id"],
        half_past["id"],
        ten["id"],
    ]
    assert code_of(await api.get(one, api.admin)) == (404, "not_found")
    assert code_of(await api.send("DELETE", one, api.admin)) == (404, "not_found")
    gone = await api.send("PATCH", one, api.admin, json={})
    assert code_of(gone) == (404, "not_found")


async def test_what_nobody_holds_any_more_goes(api: Api) -> None:
    doctor, patient = await a_doctor(api), await api.patient()
    rule = await a_rule(api, doctor, valid_until=HOURS["valid_from"])
    slots = await slots_of(api, doctor)
    await api.post("/v1/holds", {"time_slot_id": slots[0]["id"]}, patient)
    async with api.container.database().reading() as connection:
        await connection.execute("UPDATE time_slots SET held_until = now() WHERE held_for = $1",
                                 patient.patient_id)  # fmt: skip

    assert (await api.send("DELETE", f"/v1/availability/{rule['id']}", api.admin)).is_success

    assert await slots_of(api, doctor) == []


async def test_hand_made_slots_stay_and_what_overlaps_them_is_left_out(api: Api) -> None:
    doctor = await a_doctor(api, time_zone="UTC")
    start = datetime.fromisoformat(f"{HOURS['valid_from']}T09:45:00+00:00")
    (own,) = await api.slots(doctor, start=start)

    rule = await a_rule(api, doctor, valid_until=HOURS["valid_from"])

    assert rule["generated_slots"] == 2
    assert [f"{at:%H:%M}" for at in await _times(api, doctor)] == ["09:00", "09:45", "10:30"]
    await api.send("DELETE", f"/v1/availability/{rule['id']}", api.admin)
    assert [slot["id"] for slot in await slots_of(api, doctor)] == [own["id"]]


async def test_a_slot_deleted_by_hand_does_not_come_back(api: Api) -> None:
    doctor = await a_doctor(api)
    rule = await a_rule(api, doctor, valid_until=HOURS["valid_from"])
    slots = await slots_of(api, doctor)
    assert (await api.send("DELETE", f"/v1/slots/{slots[1]['id']}", api.admin)).is_success

    done = await api.container.scheduling.extend_horizon()()
    changed = await api.send(
        "PATCH", f"/v1/availability/{rule['id']}", api.admin, json={"end_time": "11:30"}
    )

    assert done.opened == 0
    assert changed.json()["generated_slots"] == 1
    assert slots[1]["starts_at"] not in await _times(api, doctor)


async def test_two_rules_of_a_doctor_never_hold_at_one_hour(api: Api) -> None:
    doctor = await a_doctor(api)
    other = await api.doctor({"id": doctor["clinic_id"]})
    first = await a_rule(api, doctor)
    second = await a_rule(api, doctor, start_time="11:00", end_time="12:00")
    await a_rule(api, other)
    path = f"/v1/doctors/{doctor['id']}/availability"

    refused = await api.post(path, HOURS | {"start_time": "10:30", "end_time": "11:00"}, api.admin)

    assert code_of(refused) == (409, "availability_overlap")
    assert refused.json()["availability_id"] == first["id"]
    longer = await api.send(
        "PATCH", f"/v1/availability/{first['id']}", api.admin, json={"end_time": "11:30"}
    )
    assert code_of(longer) == (409, "availability_overlap")
    assert longer.json()["availability_id"] == second["id"]
