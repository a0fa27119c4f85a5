"""Booking over HTTP: the whole way from request to row and back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api import START, Api, code_of


async def test_a_patient_books_an_open_slot(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()

    answer = await api.book(slot, patient, reason="First visit")

    assert answer.status_code == 201
    booking = answer.json()
    assert answer.headers["location"] == f"/v1/bookings/{booking['id']}"
    assert answer.headers["etag"] == '"1"'
    assert booking["status"] == "confirmed"
    assert booking["payment_status"] == "not_required"
    assert booking["time_slot_id"] == slot["id"]
    assert booking["time_slot_ids"] == [slot["id"]]
    assert booking["patient_id"] == str(patient.patient_id)
    assert booking["starts_at"] == START.isoformat().replace("+00:00", "Z")
    assert booking["time_zone"] == "Europe/Berlin"
    assert datetime.fromisoformat(booking["local_starts_at"]) == START
    assert not booking["local_starts_at"].endswith("Z")
    assert booking["allowed_actions"] == ["cancel", "reschedule"]
    assert booking["reason"] == "First visit"
    read = await api.get(f"/v1/bookings/{booking['id']}", patient)
    assert read.json() == booking
    shown = (await api.get(f"/v1/slots/{slot['id']}")).json()
    assert shown["status"] == "booked"


@pytest.mark.parametrize("table", ["clinics", "doctors"])
async def test_a_slot_that_outlived_its_doctor_or_clinic_is_not_there(api: Api, table: str) -> None:
    """As where a removal has not come to the slots yet; nothing of it is booked or held."""
    slot, patient = await api.slot(), await api.patient()
    async with api.container.database().reading() as connection:
        await connection.execute(f"UPDATE {table} SET deleted_at = now()")

    assert code_of(await api.book(slot, patient)) == (404, "slot_not_found")
    hold = await api.post("/v1/holds", {"time_slot_id": slot["id"]}, patient)
    assert code_of(hold) == (404, "slot_not_found")


async def test_a_booking_says_how_its_clinic_is_found_and_reached(api: Api) -> None:
    place = {"phone": "+49301234567", "address": "1 Example Street\n10115 Example Town"}
    clinic, patient = await api.clinic(**place), await api.patient()
    doctor = await api.doctor(clinic)
    slots, elsewhere = await api.slots(doctor, 2), await api.slot()

    booking = (await api.book(slots[0], patient)).json()

    told = {"id": clinic["id"], "name": clinic["name"], **place}
    assert booking["clinic"] == told
    one = f"/v1/bookings/{booking['id']}"
    moved = await api.post(f"{one}/reschedule", {"time_slot_id": slots[1]["id"]}, patient)
    listed = (await api.get("/v1/bookings", patient)).json()["items"]
    for shown in (moved.json(), (await api.get(one, patient)).json(), *listed):
        assert shown["clinic"] == told
    bare = (await api.book(elsewhere, patient, override=None)).json()["clinic"]
    assert bare == {"id": bare["id"], "name": "Example Clinic", "phone": None, "address": None}


async def test_a_booked_slot_is_refused_with_alternatives(api: Api) -> None:
    clinic = await api.clinic()
    doctor, colleague = await api.doctor(clinic), await api.doctor(clinic)
    slots = await api.slots(doctor, 3)
    (other,) = await api.slots(colleague)
    await api.book(slots[1], await api.patient())

    answer = await api.book(slots[1], await api.patient())

    assert code_of(answer) == (409, "slot_already_booked")
    ids = [slot["id"] for slot in answer.json()["alternatives"]]
    assert set(ids[:2]) == {slots[0]["id"], slots[2]["id"]}
    assert ids[2:] == [other["id"]]
    assert answer.json()["alternatives"][0]["doctor"]["full_name"] == "Example Doctor"


async def test_after_cancelling_the_slot_can_be_booked_again(api: Api) -> None:
    slot, first, second = await api.slot(), await api.patient(), await api.patient()
    booking = (await api.book(slot, first)).json()

    cancelled = await api.post(f"/v1/bookings/{booking['id']}/cancel", {"reason": "Ill"}, first)

    assert cancelled.status_code == 200
    assert cancelled.json()["status"] == "cancelled"
    assert cancelled.json()["cancelled_by"] == "patient"
    assert cancelled.json()["cancel_reason"] == "Ill"
    assert cancelled.json()["allowed_actions"] == []
    assert cancelled.json()["version"] == 2
    assert code_of(await api.book(slot, second)) == (201, None)


async def test_cancelling_twice_is_refused(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    path = f"/v1/bookings/{(await api.book(slot, patient)).json()['id']}/cancel"

    assert (await api.post(path, by=patient)).status_code == 200
    assert code_of(await api.post(path, by=patient)) == (409, "booking_not_active")


async def test_a_stale_version_cancels_nothing(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    path = f"/v1/bookings/{(await api.book(slot, patient)).json()['id']}"

    for tag in ('"2"', '"nonsense"', 'W/"2"'):
        answer = await api.post(f"{path}/cancel", by=patient, headers={"If-Match": tag})
        assert code_of(answer) == (412, "precondition_failed")
        assert answer.headers["etag"] == '"1"'
    answer = await api.post(f"{path}/cancel", by=patient, headers={"If-Match": "nonsense"})
    assert code_of(answer) == (422, "validation_error")

    assert (await api.get(path, patient)).json()["status"] == "confirmed"
    fresh = await api.post(f"{path}/cancel", by=patient, headers={"If-Match": '"1"'})
    assert fresh.status_code == 200


async def test_a_patient_cannot_be_in_two_places(api: Api) -> None:
    patient = await api.patient()
    await api.book(await api.slot(), patient)

    answer = await api.book(await api.slot(start=START + timedelta(minutes=15)), patient)

    assert code_of(answer) == (409, "patient_overlap")
    later = await api.slot(start=START + timedelta(minutes=30))
    assert code_of(await api.book(later, patient)) == (201, None)


async def test_what_does_not_exist_cannot_be_booked(api: Api) -> None:
    patient = await api.patient()
    deleted = await api.slot()
    await api.send("DELETE", f"/v1/slots/{deleted['id']}", api.admin)

    for slot in ({"id": str(uuid4())}, deleted):
        assert code_of(await api.book(slot, patient)) == (404, "slot_not_found")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON"])
async def test_a_body_that_is_json_in_other_words_books_as_well(api: Api, kind: str) -> None:
    slot, patient = await api.slot(), await api.patient()
    body = json.dumps({"time_slot_id": slot["id"]})

    answer = await api.send(
        "POST", "/v1/bookings", patient, content=body, headers={"Content-Type": kind}
    )

    assert code_of(answer) == (201, None)


async def test_a_closed_slot_cannot_be_booked(api: Api) -> None:
    slot = await api.slot()
    await api.post(f"/v1/slots/{slot['id']}/close", by=api.admin)

    assert code_of(await api.book(slot, await api.patient())) == (409, "slot_unavailable")

    await api.post(f"/v1/slots/{slot['id']}/reopen", by=api.admin)
    assert code_of(await api.book(slot, await api.patient())) == (201, None)


async def test_a_past_slot_cannot_be_booked(api: Api) -> None:
    slot = await api.slot()
    async with api.container.database().transaction() as connection:
        await connection.exec_driver_sql(
            "UPDATE time_slots SET starts_at = $1, ends_at = $2",
            (datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC) + timedelta(minutes=9)),
        )

    assert code_of(await api.book(slot, await api.patient())) == (422, "slot_in_past")


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"min_notice_minutes": 60 * 24 * 7}, "notice_too_short"),
        ({"horizon_days": 1}, "beyond_horizon"),
    ],
)
async def test_the_clinics_policy_is_kept(api: Api, policy: dict[str, int], code: str) -> None:
    slot = await api.slot(await api.clinic(policy=policy))

    assert code_of(await api.book(slot, await api.patient())) == (422, code)


async def test_a_patient_has_only_so_many_open_bookings(api: Api) -> None:
    clinic = await api.clinic(policy={"max_open_bookings_per_patient": 2})
    slots = await api.slots(await api.doctor(clinic), 3)
    patient = await api.patient()
    for slot in slots[:2]:
        assert code_of(await api.book(slot, patient)) == (201, None)

    assert code_of(await api.book(slots[2], patient)) == (422, "too_many_open_bookings")


async def test_where_services_are_offered_one_is_named_and_its_price_kept(api: Api) -> None:
    clinic = await api.clinic()
    doctor, colleague = await api.doctor(clinic), await api.doctor(clinic)
    service = await api.service(
        clinic,
        price={"amount": 4500, "currency": "EUR"},
        payment="optional",
        doctor_ids=[doctor["id"]],
    )
    long = await api.service(clinic, duration_minutes=600, doctor_ids=[doctor["id"]])
    slots = await api.slots(doctor, 2)
    (other,) = await api.slots(colleague)
    patient = await api.patient()

    assert code_of(await api.book(slots[0], patient)) == (422, "service_required")
    for slot, named in (
        (other, service["id"]),
        (slots[0], long["id"]),
        (slots[0], str(uuid4())),
    ):
        answer = await api.book(slot, patient, service_id=named)
        assert code_of(answer) == (422, "service_not_offered")

    booking = (await api.book(slots[0], patient, service_id=service["id"])).json()
    assert booking["service"] == {"id": service["id"], "name": "Example Service"}
    assert booking["price"] == {"amount": 4500, "currency": "EUR"}
    assert booking["payment_status"] == "unpaid"
    dearer = {"price": {"amount": 9900, "currency": "EUR"}}
    await api.send("PATCH", f"/v1/services/{service['id']}", api.admin, json=dearer)
    read = await api.get(f"/v1/bookings/{booking['id']}", patient)
    assert read.json()["price"] == {"amount": 4500, "currency": "EUR"}


async def test_staff_book_for_patients_of_their_clinic_only(api: Api) -> None:
    clinic = await api.clinic()
    desk = await api.receptionist(clinic["id"])
    known = await api.made(
        "/v1/patients", {"clinic_id": clinic["id"], "full_name": "Example Patient"}, desk
    )
    stranger = await api.patient()
    slots = await api.slots(await api.doctor(clinic), 2)

    answer = await api.book(slots[0], desk, patient_id=known["id"])
    assert code_of(answer) == (201, None)
    answer = await api.book(slots[1], desk, patient_id=str(stranger.patient_id))
    assert code_of(answer) == (404, "not_found")
    elsewhere = await api.slot()
    answer = await api.book(elsewhere, desk, patient_id=known["id"])
    assert code_of(answer) == (404, "not_found")
    answer = await api.book(slots[1], desk)
    assert code_of(answer) == (422, "validation_error")


async def test_nobody_books_for_another_patient(api: Api) -> None:
    slot, me, other = await api.slot(), await api.patient(), await api.patient()

    answer = await api.book(slot, me, patient_id=str(other.patient_id))

    assert code_of(answer) == (404, "not_found")


async def test_a_clinic_knows_who_has_booked_there(api: Api) -> None:
    clinic = await api.clinic()
    desk, patient = await api.receptionist(clinic["id"]), await api.patient()
    path = f"/v1/patients/{patient.patient_id}"
    assert code_of(await api.get(path, desk)) == (404, "not_found")

    await api.book(await api.slot(clinic), patient)

    assert (await api.get(path, desk)).status_code == 200


async def test_everybody_sees_just_their_own_bookings(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 2)
    one, two = await api.patient(), await api.patient()
    mine = (await api.book(slots[0], one)).json()
    theirs = (await api.book(slots[1], two)).json()
    both = [mine["id"], theirs["id"]]
    for person, seen in (
        (one, [mine["id"]]),
        (two, [theirs["id"]]),
        (await api.receptionist(clinic["id"]), both),
        (await api.doctor_account(doctor), both),
        (await api.doctor_account(await api.doctor(clinic)), []),
        (await api.receptionist((await api.clinic())["id"]), []),
        (api.admin, []),
    ):
        listed = await api.get("/v1/bookings", person)
        assert [item["id"] for item in listed.json()["items"]] == seen
        for booking in (mine, theirs):
            answer = await api.get(f"/v1/bookings/{booking['id']}", person)
            assert answer.status_code == (200 if booking["id"] in seen else 404)
            cancel = await api.post(
                f"/v1/bookings/{booking['id']}/cancel", by=person, headers={"If-Match": '"9"'}
            )
            assert cancel.status_code == (412 if booking["id"] in seen else 404)


async def test_bookings_are_filtered_and_paged_both_ways(api: Api) -> None:
    clinic = await api.clinic()
    doctor, desk = await api.doctor(clinic), await api.receptionist(clinic["id"])
    slots = await api.slots(doctor, 5)
    made = [(await api.book(slot, await api.patient())).json() for slot in slots]
    ids = [booking["id"] for booking in made]

    for order, expected in (("starts_at", ids), ("-starts_at", ids[::-1])):
        seen, cursor = [], {}
        while True:
            answer = await api.get("/v1/bookings", desk, order=order, limit=2, **cursor)
            seen += [item["id"] for item in answer.json()["items"]]
            if answer.json()["next_cursor"] is None:
                assert "link" not in answer.headers
                break
            assert answer.headers["link"].endswith('rel="next"')
            cursor = {"cursor": answer.json()["next_cursor"]}
        assert seen == expected

    for filters, expected in (
        ({"reference": made[2]["reference"]}, [ids[2]]),
        ({"reference": made[2]["reference"].replace("-", " ").lower()}, [ids[2]]),
        ({"status": "cancelled"}, []),
        ({"doctor_id": doctor["id"]}, ids),
        ({"clinic_id": clinic["id"], "from": slots[3]["starts_at"]}, ids[3:]),
        ({"to": slots[1]["starts_at"]}, ids[:1]),
        ({"patient_id": made[4]["patient_id"]}, ids[4:]),
    ):
        listed = await api.get("/v1/bookings", desk, **filters)
        assert [item["id"] for item in listed.json()["items"]] == expected


async def test_after_the_notice_has_begun_only_the_clinic_cancels(api: Api) -> None:
    clinic = await api.clinic(policy={"cancel_notice_minutes": 60 * 24 * 7})
    slot, patient = await api.slot(clinic), await api.patient()
    booking = (await api.book(slot, patient)).json()
    path = f"/v1/bookings/{booking['id']}/cancel"

    assert booking["allowed_actions"] == []
    assert code_of(await api.post(path, by=patient)) == (422, "cancel_too_late")
    answer = await api.post(path, by=await api.receptionist(clinic["id"]))
    assert answer.json()["cancelled_by"] == "clinic"


async def test_bookings_are_listed_by_several_statuses(api: Api) -> None:
    doctor, patient = await api.doctor(await api.clinic()), await api.patient()
    slots = await api.slots(doctor, 3)
    made = [(await api.book(slot, patient)).json()["id"] for slot in slots]
    await api.post(f"/v1/bookings/{made[0]}/cancel", None, patient)

    async def listed(*statuses: str, **about: Any) -> Any:
        answer = await api.get("/v1/bookings", patient, status=list(statuses), **about)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert [one["id"] for one in (await listed("cancelled"))["items"]] == made[:1]
    assert [one["id"] for one in (await listed("confirmed", "cancelled"))["items"]] == made
    assert (await listed("no_show", "completed"))["items"] == []
    first = await listed("cancelled", "confirmed", limit=2)
    rest = await listed("confirmed", "cancelled", limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + rest["items"]] == made
    for wrong in ({"status": ["open"]}, {"status": ["confirmed"], "limit": ["1", "2"]}):
        answer = await api.get("/v1/bookings", patient, **wrong)
        assert code_of(answer) == (422, "validation_error")
