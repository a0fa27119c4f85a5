"""Where a booking could go: every question, asked for a move, answers as if it were not there."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api import START, Api, Person, code_of
from tests.booking.holding import Keeping
from tests.booking.spans import MORNING, booked, schedule, service

Made = dict[str, Any]
SEARCHES = ("/v1/slots", "/v1/slots/next", "/v1/slots/calendar")
MINUTE = timedelta(minutes=1)


async def places(at: Keeping, booking: Made, by: Person, **about: Any) -> list[int]:
    """Where it could go, as the three searches tell alike and a move of a copy proves."""
    wanted = {"booking_id": booking["id"], **about}
    found = await at.api.get(SEARCHES[0], by, **wanted)
    assert code_of(found) == (200, None), found.text
    ids = [slot["id"] for slot in at.slots]
    listed = [slot["id"] for slot in found.json()["items"]]
    soonest = (await at.api.get(SEARCHES[1], by, **wanted, per_doctor=20)).json()["items"]
    assert sorted(slot["id"] for one in soonest for slot in one["slots"]) == sorted(listed)
    days = (await at.api.get(SEARCHES[2], by, **wanted)).json()["days"]
    assert sum(day["open_slots"] for day in days) == len(listed)
    for slot_id in ids:
        told = await at.api.get(f"/v1/slots/{slot_id}/explain", by, booking_id=booking["id"])
        is_bookable = told.status_code == 200 and told.json()["bookable"]
        assert about or is_bookable is (slot_id in listed), (slot_id, told.text)
    return [ids.index(one) for one in listed]


async def test_a_booking_is_looked_at_as_if_it_were_not_there(api: Api) -> None:
    at = await schedule(api, 6)
    long = await service(at, 60, after=20)
    booking = await booked(at, 1, long)

    assert await places(at, booking, at.patient) == [0, 1, 2, 3, 4]
    plain = (await api.get(SEARCHES[0], service_id=long)).json()["items"]
    assert [slot["id"] for slot in plain] == [at.slots[4]["id"]]


async def test_what_was_agreed_is_what_counts(api: Api) -> None:
    """The service has become longer, dearer, of another mode, and nobody offers it any more."""
    at = await schedule(api, 4)
    made = await api.service(
        at.clinic,
        duration_minutes=45,
        doctor_ids=[at.doctor["id"]],
        price={"amount": 4500, "currency": "EUR"},
    )
    booking = await booked(at, 0, made["id"])
    change = {
        "duration_minutes": 100,
        "mode": "online",
        "price": {"amount": 9900, "currency": "EUR"},
        "doctor_ids": [],
    }
    await api.send("PATCH", f"/v1/services/{made['id']}", api.admin, json=change)

    assert await places(at, booking, at.patient) == [0, 1, 2]
    slot = (await api.get(SEARCHES[0], at.desk, booking_id=booking["id"])).json()["items"][1]
    assert slot["service"] == {
        "id": made["id"],
        "name": made["name"],
        "starts_at": at.slots[1]["starts_at"],
        "ends_at": at.slots[2]["ends_at"],
        "local_ends_at": slot["service"]["local_ends_at"],
        "duration_minutes": 45,
        "price": {"amount": 4500, "currency": "EUR"},
    }
    there = {"time_slot_id": slot["id"]}
    moved = await api.post(f"/v1/bookings/{booking['id']}/reschedule", there, at.patient)
    assert moved.json()["ends_at"] == slot["service"]["ends_at"]


async def test_another_doctor_has_to_offer_the_service(api: Api) -> None:
    at = await schedule(api, 2)
    short = await service(at, 30)
    booking = await booked(at, 0, short)
    # The fourth doctor is of the clinic, the last is not.
    for _ in range(2):
        at.slots.extend(await api.slots(await api.doctor(at.clinic), 1, start=MORNING))
    elsewhere = await api.doctor(await api.clinic())
    at.slots.extend(await api.slots(elsewhere, 1, start=MORNING))
    listed = {"doctor_ids": [at.doctor["id"], at.slots[2]["doctor_id"]]}
    await api.send("PATCH", f"/v1/services/{short}", api.admin, json=listed)

    assert sorted(await places(at, booking, at.patient)) == [0, 1, 2]
    assert await places(at, booking, at.patient, doctor_id=at.slots[2]["doctor_id"]) == [2]
    assert await places(at, booking, at.patient, doctor_id=at.slots[4]["doctor_id"]) == []


async def test_without_a_service_any_doctor_of_the_clinic_will_do(api: Api) -> None:
    at = await schedule(api, 2)
    booking = (await at.book(at.slots[0], at.patient)).json()
    at.slots.extend(await api.slots(await api.doctor(at.clinic), 1, start=MORNING))
    at.slots.extend(await api.slots(await api.doctor(await api.clinic()), 1, start=MORNING))

    assert sorted(await places(at, booking, at.desk)) == [0, 1, 2]
    away = {"booking_id": booking["id"]}
    told = await api.get(f"/v1/slots/{at.slots[3]['id']}/explain", at.desk, **away)
    assert code_of(told) == (422, "validation_error")
    held = await api.post("/v1/holds", away | {"time_slot_id": at.slots[3]["id"]}, at.desk)
    assert code_of(held) == (422, "validation_error")
    slot = (await api.get(SEARCHES[0], at.desk, booking_id=booking["id"])).json()["items"][0]
    fit = slot["service"]
    assert (fit["id"], fit["name"], fit["duration_minutes"]) == (None, None, 30)


async def test_it_goes_as_far_as_the_horizon_or_as_it_is(api: Api) -> None:
    at = await Keeping.of(api, 4, start=START)
    booking = (await at.book(at.slots[1], at.patient)).json()
    await api.send(
        "PATCH", f"/v1/clinics/{at.clinic['id']}", api.admin, json={"policy": {"horizon_days": 1}}
    )

    assert await places(at, booking, at.patient) == [0, 1]
    assert (await api.get(SEARCHES[0], clinic_id=at.clinic["id"])).json()["items"] == []


async def test_the_patients_other_bookings_are_left_out_for_the_patient_only(api: Api) -> None:
    """Where else a patient goes is no clinic's to know."""
    at = await schedule(api, 4)
    long = await service(at, 60)
    elsewhere = await api.slots(await api.doctor(await api.clinic()), 4, start=MORNING)
    booking = await booked(at, 0, long)
    await api.book(elsewhere[3], at.patient)

    for by, free in ((at.patient, [0, 1]), (at.desk, [0, 1, 2])):
        assert await places(at, booking, by) == free
        own = await api.get(SEARCHES[0], by, booking_id=booking["id"])
        assert own.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("path", [*SEARCHES, "/v1/slots/{slot}/explain", "/v1/holds"])
async def test_only_a_party_may_ask(api: Api, path: str) -> None:
    at = await schedule(api, 2)
    booking = await booked(at, 0, await service(at, 30))
    gone = await booked(at, 1, await service(at, 30), at.other)
    await api.post(f"/v1/bookings/{gone['id']}/cancel", None, at.other)

    async def asked(by: Person | None, booking_id: str, **more: str) -> tuple[int, str | None]:
        about = {"booking_id": booking_id, **more}
        if path == "/v1/holds":
            return code_of(await api.post(path, {"time_slot_id": at.slots[1]["id"], **about}, by))
        return code_of(await api.get(path.format(slot=at.slots[1]["id"]), by, **about))

    for stranger in (None, at.other, await api.receptionist((await api.clinic())["id"])):
        assert await asked(stranger, booking["id"]) == (404, "not_found")
    assert await asked(at.patient, str(uuid4())) == (404, "not_found")
    assert await asked(at.other, gone["id"]) == (422, "validation_error")
    refused = await asked(at.patient, booking["id"], service_id=booking["service_id"])
    assert refused == (422, "validation_error")
    for party in (at.patient, at.desk, await api.doctor_account(at.doctor)):
        assert (await asked(party, booking["id"]))[0] < 300


async def test_explaining_and_holding_are_for_its_own_patient(api: Api) -> None:
    at = await schedule(api, 2)
    booking = await booked(at, 0, await service(at, 30))
    await booked(at, 1, await service(at, 30), at.other)
    wrong = {"booking_id": booking["id"], "patient_id": str(at.other.patient_id)}

    told = await api.get(f"/v1/slots/{at.slots[0]['id']}/explain", at.desk, **wrong)
    assert code_of(told) == (422, "validation_error")
    held = await api.post("/v1/holds", {"time_slot_id": at.slots[0]["id"], **wrong}, at.desk)
    assert code_of(held) == (422, "validation_error")


async def test_a_hold_for_a_move_keeps_what_the_move_takes(api: Api) -> None:
    at = await schedule(api, 6)
    booking = await booked(at, 0, await service(at, 60, after=30))

    held = await at.held(at.slots[3], at.patient, booking_id=booking["id"])

    assert held["time_slot_ids"] == [slot["id"] for slot in at.slots[3:5]]
    assert [await at.status(slot) for slot in at.slots[3:]] == ["held", "held", "held"]
    there = {"time_slot_id": at.slots[3]["id"]}
    moved = await api.post(f"/v1/bookings/{booking['id']}/reschedule", there, at.patient)
    assert moved.status_code == 200, moved.text
    assert moved.json()["time_slot_ids"] == held["time_slot_ids"]


async def test_alternatives_are_for_the_patient_and_the_booking_that_moves(api: Api) -> None:
    """None of them is at a time when the patient is elsewhere, all could be moved to at once."""
    at = await schedule(api, 8)
    long = await service(at, 60)
    booking = await booked(at, 0, long)
    await booked(at, 6, long, at.other)
    elsewhere = await api.slots(await api.doctor(await api.clinic()), 8, start=MORNING)
    await api.book(elsewhere[4], at.patient)
    await api.send("PATCH", f"/v1/services/{long}", api.admin, json={"duration_minutes": 240})

    there = {"time_slot_id": at.slots[6]["id"]}
    refused = await api.post(f"/v1/bookings/{booking['id']}/reschedule", there, at.patient)

    assert code_of(refused) == (409, "slot_already_booked")
    offered = refused.json()["alternatives"]
    ids = [slot["id"] for slot in at.slots]
    assert [ids.index(slot["id"]) for slot in offered] == [2, 1]
    assert {slot["service"]["duration_minutes"] for slot in offered} == {60}
    for slot in offered:
        moved = await api.post(
            f"/v1/bookings/{booking['id']}/reschedule", {"time_slot_id": slot["id"]}, at.patient
        )
        assert moved.json()["ends_at"] == slot["service"]["ends_at"]


async def test_alternatives_of_a_booking_and_of_a_hold_know_when_the_patient_is_busy(
    api: Api,
) -> None:
    at = await schedule(api, 6)
    long = await service(at, 60)
    await booked(at, 2, await service(at, 30), at.other)
    elsewhere = await api.slots(await api.doctor(await api.clinic()), 6, start=MORNING)
    await api.book(elsewhere[5], at.patient)
    wanted = {"time_slot_id": at.slots[2]["id"], "service_id": long}

    for path in ("/v1/bookings", "/v1/holds"):
        refused = await api.post(path, wanted, at.patient)
        assert code_of(refused) == (409, "slot_already_booked")
        found = [slot["id"] for slot in refused.json()["alternatives"]]
        assert found == [at.slots[place]["id"] for place in (3, 0)]


async def test_affected_bookings_are_offered_different_slots(api: Api) -> None:
    at = await schedule(api, 3)
    patients = [at.patient, at.other, await api.patient()]
    for slot, patient in zip(at.slots, patients, strict=True):
        assert (await at.book(slot, patient)).status_code == 201
    later = await api.slots(at.doctor, 18, start=MORNING + timedelta(days=2))
    body = {
        "starts_at": MORNING.isoformat(),
        "ends_at": (MORNING + 90 * MINUTE).isoformat(),
    }

    path = f"/v1/doctors/{at.doctor['id']}/time-off"
    dry = await api.post(path, body, at.desk, params={"dry_run": "true"})

    sets = [{slot["id"] for slot in one["alternatives"]} for one in dry.json()["affected_bookings"]]
    assert [len(one) for one in sets] == [5, 5, 5]
    assert len(set.union(*sets)) == 15
    assert set.union(*sets) <= {slot["id"] for slot in later}
