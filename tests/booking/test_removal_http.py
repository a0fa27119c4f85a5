"""Doctors, clinics and patients go and come back, and no booking is lost over it."""

from typing import Any
from uuid import UUID

import pytest

from tests.api import Api, Person, code_of

STATUSES = """SELECT CASE WHEN s.appointment_id IS NOT NULL THEN 'booked'
  WHEN s.closed_because IS NOT NULL THEN 'closed' ELSE 'open' END AS status,
  d.deleted_at IS NOT NULL OR c.deleted_at IS NOT NULL AS is_gone
 FROM time_slots s JOIN doctors d ON d.id = s.doctor_id JOIN clinics c ON c.id = s.clinic_id
 WHERE s.id = ANY($1) ORDER BY array_position($1, s.id)"""


async def _state(api: Api, slots: list[dict[str, Any]]) -> list[str]:
    """By the rows: a slot of what is removed is shown to nobody."""
    answers = [await api.get(f"/v1/slots/{slot['id']}") for slot in slots]
    async with api.container.database().reading() as connection:
        rows = await connection.fetch(STATUSES, [UUID(slot["id"]) for slot in slots])
    for answer, row in zip(answers, rows, strict=True):
        assert answer.status_code == (404 if row["is_gone"] else 200)
    return [row["status"] for row in rows]


async def _clinic_with_a_booking(
    api: Api,
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]], dict[str, Any], Person]:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 3)
    patient = await api.patient()
    booking = (await api.book(slots[0], patient)).json()
    return clinic, doctor, slots, booking, patient


@pytest.mark.parametrize("kind", ["doctors", "clinics"])
async def test_removing_closes_slots_and_restoring_reopens_just_those(api: Api, kind: str) -> None:
    clinic, doctor, slots, booking, patient = await _clinic_with_a_booking(api)
    await api.post(f"/v1/slots/{slots[2]['id']}/close", by=api.admin)
    path = f"/v1/{kind}/{(doctor if kind == 'doctors' else clinic)['id']}"

    refused = await api.send("DELETE", path, api.admin)
    assert code_of(refused) == (409, "bookings_affected")
    assert refused.json()["count"] == 1
    assert refused.json()["bookings"][0]["id"] == booking["id"]
    assert await _state(api, slots) == ["booked", "open", "closed"]

    gone = await api.send("DELETE", path, api.admin, params={"on_conflict": "keep"})
    assert gone.status_code == 204
    assert code_of(await api.get(path)) == (404, "not_found")
    assert code_of(await api.get(f"/v1/doctors/{doctor['id']}")) == (404, "not_found")
    assert (await api.get("/v1/doctors")).json()["items"] == []
    told = await api.get("/v1/slots", doctor_id=doctor["id"])
    assert told.json()["errors"][0]["pointer"] == "/doctor_id"
    assert await _state(api, slots) == ["booked", "closed", "closed"]
    other = await api.patient()
    assert code_of(await api.book(slots[1], other)) == (404, "slot_not_found")
    kept = await api.get(f"/v1/bookings/{booking['id']}", patient)
    assert kept.json()["status"] == "confirmed"
    assert code_of(await api.send("DELETE", path, api.admin)) == (404, "not_found")

    cancelled = await api.post(f"/v1/bookings/{booking['id']}/cancel", by=patient)
    assert cancelled.status_code == 200
    assert await _state(api, slots) == ["closed", "closed", "closed"]

    for _ in range(2):
        back = await api.post(f"{path}/restore", by=api.admin)
        assert back.status_code == 200
        assert back.headers["etag"] == '"3"'
    assert await _state(api, slots) == ["open", "open", "closed"]
    assert code_of(await api.book(slots[1], other)) == (201, None)


@pytest.mark.parametrize("kind", ["doctors", "clinics"])
async def test_removing_may_cancel_what_is_booked(api: Api, kind: str) -> None:
    clinic, doctor, slots, booking, patient = await _clinic_with_a_booking(api)
    path = f"/v1/{kind}/{(doctor if kind == 'doctors' else clinic)['id']}"

    gone = await api.send("DELETE", path, api.admin, params={"on_conflict": "cancel"})

    assert gone.status_code == 204
    read = (await api.get(f"/v1/bookings/{booking['id']}", patient)).json()
    assert (read["status"], read["cancelled_by"]) == ("cancelled", "clinic")
    assert await _state(api, slots) == ["closed"] * 3
    async with api.container.database().reading() as connection:
        told = await connection.fetch(
            "SELECT name FROM outbox WHERE name LIKE 'booking.%' ORDER BY n"
        )
    assert [row["name"] for row in told] == ["booking.created", "booking.cancelled"]


async def test_a_doctor_does_not_come_back_into_a_clinic_that_is_gone(api: Api) -> None:
    clinic = await api.clinic()
    doctor, colleague = await api.doctor(clinic), await api.doctor(clinic)
    slots = [*await api.slots(doctor), *await api.slots(colleague)]
    await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin)
    await api.send("DELETE", f"/v1/clinics/{clinic['id']}", api.admin)

    answer = await api.post(f"/v1/doctors/{doctor['id']}/restore", by=api.admin)
    assert code_of(answer) == (409, "restore_conflict")

    await api.post(f"/v1/clinics/{clinic['id']}/restore", by=api.admin)
    assert await _state(api, slots) == ["closed", "open"]
    await api.post(f"/v1/doctors/{doctor['id']}/restore", by=api.admin)
    assert await _state(api, slots) == ["open", "open"]


async def test_a_deleted_clinics_slug_is_free_again(api: Api) -> None:
    first = await api.clinic(slug="example")
    await api.send("DELETE", f"/v1/clinics/{first['id']}", api.admin)
    second = await api.clinic(slug="example")

    answer = await api.post(f"/v1/clinics/{first['id']}/restore", by=api.admin)

    assert code_of(answer) == (409, "restore_conflict")
    assert answer.json()["occupied_by"] == second["id"]
    await api.send("DELETE", f"/v1/clinics/{second['id']}", api.admin)
    answer = await api.post(f"/v1/clinics/{first['id']}/restore", by=api.admin)
    assert answer.status_code == 200


async def test_nothing_new_is_offered_by_who_is_gone(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin)
    slots = {"slots": [{"starts_at": "2099-01-01T09:00:00Z", "ends_at": "2099-01-01T09:30:00Z"}]}

    answer = await api.post(f"/v1/doctors/{doctor['id']}/slots", slots, api.admin)

    assert code_of(answer) == (404, "not_found")


async def test_who_may_not_remove_is_refused(api: Api) -> None:
    clinic, doctor, _slots, _booking, patient = await _clinic_with_a_booking(api)
    boss, desk = await api.clinic_admin(clinic["id"]), await api.receptionist(clinic["id"])
    for kind, one, people in (
        ("clinics", clinic, (boss, desk, patient)),
        ("doctors", doctor, (desk, patient, await api.doctor_account(doctor))),
    ):
        for person in people:
            for method, path in (("DELETE", ""), ("POST", "/restore")):
                answer = await api.send(method, f"/v1/{kind}/{one['id']}{path}", person)
                assert code_of(answer) == (403, "forbidden")
    stale = await api.send(
        "DELETE", f"/v1/doctors/{doctor['id']}", boss, headers={"If-Match": '"9"'}
    )
    assert code_of(stale) == (412, "precondition_failed")
    wrong = await api.send(
        "DELETE", f"/v1/doctors/{doctor['id']}", boss, params={"on_conflict": "maybe"}
    )
    assert code_of(wrong) == (422, "validation_error")
    gone = await api.send(
        "DELETE", f"/v1/doctors/{doctor['id']}", boss, params={"on_conflict": "keep"}
    )
    assert gone.status_code == 204


async def test_a_patient_goes_and_comes_back(api: Api) -> None:
    clinic = await api.clinic()
    slots = await api.slots(await api.doctor(clinic), 2)
    patient, desk = await api.patient(), await api.receptionist(clinic["id"])
    booking = (await api.book(slots[0], patient)).json()
    path = f"/v1/patients/{patient.patient_id}"

    assert code_of(await api.send("DELETE", path, desk)) == (403, "forbidden")
    assert code_of(await api.send("DELETE", path, api.admin)) == (404, "not_found")
    assert code_of(await api.send("DELETE", path, patient)) == (409, "bookings_affected")
    gone = await api.send("DELETE", path, patient, params={"on_conflict": "cancel"})
    assert gone.status_code == 204
    assert code_of(await api.get(path, patient)) == (404, "not_found")
    read = (await api.get(f"/v1/bookings/{booking['id']}", desk)).json()
    assert (read["status"], read["cancelled_by"]) == ("cancelled", "patient")
    assert await _state(api, slots) == ["open", "open"]
    assert code_of(await api.book(slots[1], patient)) == (404, "not_found")

    # The clinic knew them because of that booking only.
    assert code_of(await api.post(f"{path}/restore", by=desk)) == (404, "not_found")
    assert (await api.post(f"{path}/restore", by=patient)).status_code == 200
    assert code_of(await api.book(slots[1], patient)) == (201, None)


async def test_a_patient_whose_account_has_another_by_now_does_not_come_back(api: Api) -> None:
    patient = await api.patient()
    path = f"/v1/patients/{patient.patient_id}"
    await api.send("DELETE", path, patient)
    async with api.container.database().transaction() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO patients (id, full_name, user_id, created_at, updated_at)"
            " VALUES (gen_random_uuid(), 'Example Patient', $1, now(), now())",
            (patient.user_id,),
        )

    answer = await api.post(f"{path}/restore", by=patient)

    assert code_of(answer) == (409, "restore_conflict")


async def test_staff_remove_a_patient_whom_only_they_know(api: Api) -> None:
    clinic, other = await api.clinic(), await api.clinic()
    desk, foreign = await api.receptionist(clinic["id"]), await api.receptionist(other["id"])
    new = {"clinic_id": clinic["id"], "full_name": "Example Patient"}
    patient = await api.made("/v1/patients", new, desk)
    path = f"/v1/patients/{patient['id']}"

    assert code_of(await api.send("DELETE", path, foreign)) == (404, "not_found")
    assert (await api.send("DELETE", path, desk)).status_code == 204
    assert code_of(await api.post(f"{path}/restore", by=foreign)) == (404, "not_found")
    assert (await api.post(f"{path}/restore", by=desk)).json()["id"] == patient["id"]
    async with api.container.database().transaction() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO clinic_patients VALUES ($1, $2, now(), 'taken_on')",
            (other["id"], patient["id"]),
        )
    assert code_of(await api.send("DELETE", path, desk)) == (403, "forbidden")


async def test_a_patient_who_goes_too_late_is_told_so(api: Api) -> None:
    clinic = await api.clinic(policy={"cancel_notice_minutes": 60 * 24 * 7})
    slot, patient = await api.slot(clinic), await api.patient()
    await api.book(slot, patient)
    path = f"/v1/patients/{patient.patient_id}"

    answer = await api.send("DELETE", path, patient, params={"on_conflict": "cancel"})

    assert code_of(answer) == (422, "cancel_too_late")
    assert (await api.get(path, patient)).status_code == 200


async def _booked_service(api: Api) -> tuple[dict[str, Any], dict[str, Any], Person]:
    """A service of 50 minutes with two bookings to come, in slots of 30; one more has begun."""
    clinic = await api.clinic()
    service = await api.service(clinic, duration_minutes=50, buffer_after_minutes=10)
    other = await api.service(clinic)
    doctor = await api.doctor(clinic)
    for one in (service, other):
        change = {"doctor_ids": [doctor["id"]]}
        await api.send("PATCH", f"/v1/services/{one['id']}", api.admin, json=change)
    slots = await api.slots(doctor, 12)
    patient = await api.patient()
    for place, which in ((0, service), (3, service), (6, service), (10, other)):
        booked = await api.book(slots[place], patient, service_id=which["id"])
        assert booked.status_code == 201, booked.text
    async with api.container.database().transaction() as connection:
        await connection.exec_driver_sql(
            "UPDATE appointments SET starts_at = now() - interval '1 minute',"
            " blocked_from = now() - interval '1 minute', ends_at = now() + interval '1 minute'"
            " WHERE time_slot_id = $1",
            (slots[0]["id"],),
        )
    return clinic, service, patient


async def _bookings(api: Api, patient: Person) -> list[tuple[str, str | None]]:
    listed = (await api.get("/v1/bookings", patient)).json()["items"]
    return [(one["status"], one["cancelled_by"]) for one in listed]


async def test_a_service_with_bookings_to_come_is_asked_about(api: Api) -> None:
    clinic, service, patient = await _booked_service(api)
    boss = await api.clinic_admin(clinic["id"])
    path = f"/v1/services/{service['id']}"

    refused = await api.send("DELETE", path, boss)

    assert code_of(refused) == (409, "bookings_affected")
    assert (refused.json()["count"], len(refused.json()["bookings"])) == (2, 2)
    assert (await api.get(path)).status_code == 200
    stale = await api.send("DELETE", path, boss, headers={"If-Match": '"9"'})
    assert code_of(stale) == (412, "precondition_failed")
    kept = await api.send("DELETE", path, boss, params={"on_conflict": "keep"})
    assert kept.status_code == 204
    assert code_of(await api.get(path)) == (404, "not_found")
    assert await _bookings(api, patient) == [("confirmed", None)] * 4
    assert code_of(await api.send("DELETE", path, boss)) == (404, "not_found")
    back = await api.post(f"{path}/restore", by=boss)
    assert back.headers["etag"] == '"4"'


async def test_a_service_may_go_with_its_bookings(api: Api) -> None:
    _clinic, service, patient = await _booked_service(api)
    path = f"/v1/services/{service['id']}"

    gone = await api.send("DELETE", path, api.admin, params={"on_conflict": "cancel"})

    assert gone.status_code == 204
    begun, other = ("confirmed", None), ("confirmed", None)
    cancelled = ("cancelled", "clinic")
    assert await _bookings(api, patient) == [begun, cancelled, cancelled, other]
    async with api.container.database().reading() as connection:
        left = await connection.fetchval(
            "SELECT count(*) FROM time_slots s JOIN appointments a ON a.id = s.appointment_id"
            " OR a.id = ANY(s.blocked_by) WHERE a.status = 'cancelled'"
        )
    assert left == 0


async def test_whose_roles_end_or_come_back_is_told_to_every_process(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    himself, desk = await api.doctor_account(doctor), await api.receptionist(clinic["id"])
    await api.receptionist((await api.clinic())["id"])
    everybody = {himself.user_id, desk.user_id}

    async def told() -> set[UUID]:
        async with api.container.database().reading() as connection:
            rows = await connection.fetch("DELETE FROM access_changes RETURNING user_id")
        return {row["user_id"] for row in rows}

    await told()
    for path, whose in (
        (f"/v1/doctors/{doctor['id']}", {himself.user_id}),
        (f"/v1/clinics/{clinic['id']}", everybody),
    ):
        known = api.container.identity.known_actors()
        known._doubted.clear()
        assert (await api.send("DELETE", path, api.admin)).status_code == 204
        # This process forgets them at once, the others when they read it.
        assert known._doubted.keys() == whose
        assert await told() == whose
        assert (await api.post(f"{path}/restore", by=api.admin)).status_code == 200
        assert await told() == whose
