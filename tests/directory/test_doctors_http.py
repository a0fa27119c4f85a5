"""Doctors and services over HTTP."""

from typing import cast
from uuid import UUID, uuid4

import asyncpg

from booking_lab.bench.scale.explained import ExplainedDatabase
from booking_system.directory.adapters.public_lists import PostgresPublicLists
from booking_system.directory.application.ports import Search
from booking_system.platform.postgres.transaction import SERVER_SETTINGS, Database
from booking_system.shared_kernel.identifiers import ClinicId, ServiceId
from tests.api import Api, code_of


async def test_a_doctor_is_added_read_and_changed(api: Api) -> None:
    clinic = await api.clinic()
    created = await api.post(
        f"/v1/clinics/{clinic['id']}/doctors",
        {"full_name": "Example Doctor", "languages": ["de", "en"]},
        api.admin,
    )
    doctor = created.json()
    path = f"/v1/doctors/{doctor['id']}"
    assert created.headers["location"] == path
    assert (await api.get(path)).json() == doctor

    change = {"specialty": "Cardiology", "languages": ["fr"], "bio": "Speaks French"}
    own = await api.doctor_account(doctor)
    changed = await api.send("PATCH", path, own, json=change, headers={"If-Match": '"1"'})

    assert changed.json() | {"updated_at": None} == doctor | change | {
        "version": 2,
        "updated_at": None,
    }
    stale = await api.send("PATCH", path, own, json=change, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")
    # A photo is a file of ours, whose address nobody can set.
    elsewhere = {"photo_url": "https://example.com/p"}
    refused = await api.send("PATCH", path, own, json=elsewhere)
    assert code_of(refused) == (422, "validation_error")
    assert refused.json()["errors"][0]["code"] == "unknown_field"
    colleague = await api.doctor_account(await api.doctor(clinic))
    assert code_of(await api.send("PATCH", path, colleague, json=change)) == (403, "forbidden")
    desk = await api.receptionist(clinic["id"])
    answer = await api.post(f"/v1/clinics/{clinic['id']}/doctors", {"full_name": "X"}, desk)
    assert code_of(answer) == (403, "forbidden")


async def test_doctors_are_found_by_what_they_are(api: Api) -> None:
    one, two = await api.clinic(), await api.clinic()
    heart = await api.doctor(one, full_name="Alpha", specialty="Cardiology", languages=["de"])
    skin = await api.doctor(one, full_name="Beta", specialty="Dermatology", languages=["de", "en"])
    other = await api.doctor(two, full_name="Alphabet", specialty="Cardiology", languages=["fr"])

    for params, expected in (
        ({}, [heart, skin, other]),
        ({"clinic_id": one["id"]}, [heart, skin]),
        ({"specialty": "cardiology"}, [heart, other]),
        ({"language": "en"}, [skin]),
        ({"q": "alph"}, [heart, other]),
        ({"q": "alph", "clinic_id": two["id"]}, [other]),
    ):
        found = (await api.get("/v1/doctors", **params)).json()["items"]
        assert [item["id"] for item in found] == [doctor["id"] for doctor in expected]


async def test_doctors_of_a_service_are_those_who_take_a_booking_of_it(api: Api) -> None:
    clinic, elsewhere = await api.clinic(), await api.clinic()
    one, two, three = [await api.doctor(clinic) for _ in range(3)]
    other = await api.doctor(elsewhere)
    service = await api.service(clinic, doctor_ids=[one["id"], two["id"]])
    await api.service(clinic, doctor_ids=[two["id"], three["id"]])
    nobodys = await api.service(clinic)
    theirs = await api.service(elsewhere, doctor_ids=[other["id"]])

    async def found(**params: str) -> list[str]:
        answer = await api.get("/v1/doctors", **params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    of_it = {"service_id": service["id"]}
    assert await found(**of_it) == [one["id"], two["id"]]
    assert await found(**of_it, clinic_id=elsewhere["id"]) == []
    assert await found(service_id=theirs["id"]) == [other["id"]]
    # As in a search for slots: a service that names nobody is offered by nobody.
    assert await found(service_id=nobodys["id"]) == []
    (slot,) = await api.slots(one)
    assert (await api.get("/v1/slots", service_id=nobodys["id"])).json()["items"] == []
    assert len((await api.get("/v1/slots", **of_it)).json()["items"]) == 1
    refused = await api.book(slot, await api.patient(), service_id=nobodys["id"])
    assert code_of(refused) == (422, "service_not_offered")

    first = (await api.get("/v1/doctors", **of_it, limit=1)).json()
    second = (await api.get("/v1/doctors", **of_it, limit=1, cursor=first["next_cursor"])).json()
    assert [page["items"][0]["id"] for page in (first, second)] == [one["id"], two["id"]]
    assert second["next_cursor"] is None

    # Kept pages follow who offers it, although no doctor changes.
    it, offered = f"/v1/services/{service['id']}", {"doctor_ids": [three["id"]]}
    assert code_of(await api.send("PATCH", it, api.admin, json=offered))[0] == 200
    assert await found(**of_it) == [three["id"]]
    assert code_of(await api.send("DELETE", it, api.admin))[0] == 204
    for gone in (service["id"], str(uuid4())):
        for path in ("/v1/doctors", "/v1/slots"):
            unknown = await api.get(path, service_id=gone)
            assert code_of(unknown) == (422, "validation_error")
            (error,) = unknown.json()["errors"]
            assert (error["pointer"], error["code"]) == ("/service_id", "unknown")
    assert code_of(await api.post(f"{it}/restore", by=api.admin))[0] == 200
    assert await found(**of_it) == [three["id"]]
    await api.send("DELETE", f"/v1/doctors/{three['id']}", api.admin)
    assert await found(**of_it) == []


MANY_MORE = """BEGIN;
INSERT INTO clinics
 SELECT (jsonb_populate_record(c, jsonb_build_object('id', other, 'slug', other))).* FROM clinics c,
 (SELECT gen_random_uuid() FROM generate_series(1, 400)) _ (other);
INSERT INTO doctors SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
 FROM doctors d, clinics;
INSERT INTO services SELECT (jsonb_populate_record(s, jsonb_build_object('id', d.id))).*
 FROM services s, doctors d WHERE d.id NOT IN (SELECT doctor_id FROM service_doctors);
INSERT INTO service_doctors (service_id, doctor_id, clinic_id)
 SELECT id, id, clinic_id FROM doctors WHERE id NOT IN (SELECT doctor_id FROM service_doctors);
ANALYZE clinics, doctors, services, service_doctors"""
"""Each with a service of their own. Of few rows any way is cheap, and chance decides on one."""


async def test_doctors_of_a_service_are_found_through_indexes(api: Api, database_url: str) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    service = await api.service(clinic, doctor_ids=[doctor["id"]])
    connection = await asyncpg.connect(database_url, server_settings=SERVER_SETTINGS)
    await connection.execute(MANY_MORE)
    explained = ExplainedDatabase(connection)
    lists = PostgresPublicLists(cast("Database", explained))
    wanted = ServiceId(UUID(service["id"]))
    for search in (
        Search(service_id=wanted),
        Search(service_id=wanted, clinic_id=ClinicId(UUID(clinic["id"]))),
    ):
        assert [str(one.id) for one in await lists.doctors(search)] == [doctor["id"]]
        assert await lists.digest("doctors", search)
    assert await lists.has_service(wanted)
    await connection.close()
    plans = ["\n".join(one.plan) for one in explained.explanations]
    assert len(plans) == 5
    for plan in plans:
        assert "Seq Scan" not in plan, plan
    assert all("pk_service_doctors" in plan for plan in plans[:4]), plans


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    assert code_of(await api.get(f"/v1/slots/{uuid4()}")) == (404, "slot_not_found")
    staff = await api.get(f"/v1/clinics/{uuid4()}/staff", api.admin)
    assert code_of(staff) == (404, "not_found")
    for path in (f"/v1/doctors/{uuid4()}", f"/v1/services/{uuid4()}", f"/v1/clinics/{uuid4()}"):
        assert code_of(await api.get(path)) == (404, "not_found")
        change = await api.send("PATCH", path, api.admin, json={})
        assert code_of(change) == (404, "not_found")
        assert code_of(await api.send("DELETE", path, api.admin)) == (404, "not_found")
        assert code_of(await api.post(f"{path}/restore", by=api.admin)) == (404, "not_found")
    for kind in ("doctors", "services"):
        answer = await api.post(
            f"/v1/clinics/{uuid4()}/{kind}",
            {"full_name": "X"} if kind == "doctors" else {"name": "X", "duration_minutes": 5},
            api.admin,
        )
        assert code_of(answer) == (404, "not_found")
    assert code_of(await api.get(f"/v1/clinics/{uuid4()}/services")) == (404, "not_found")


async def test_a_service_is_added_changed_deleted_and_restored(api: Api) -> None:
    clinic = await api.clinic()
    doctors = [await api.doctor(clinic) for _ in range(2)]
    service = await api.service(
        clinic,
        price={"amount": 4500, "currency": "EUR"},
        deposit={"amount": 500, "currency": "EUR"},
        payment="required",
        mode="online",
        doctor_ids=[doctors[0]["id"]],
    )
    path = f"/v1/services/{service['id']}"
    assert (await api.get(path)).json() == service

    change = {"name": "Other", "deposit": None, "doctor_ids": [doctor["id"] for doctor in doctors]}
    changed = (await api.send("PATCH", path, api.admin, json=change)).json()
    assert changed["deposit"] is None
    assert changed["price"] == service["price"]
    assert changed["doctor_ids"] == sorted(change["doctor_ids"])
    fewer = {"doctor_ids": [doctors[1]["id"]]}
    assert (await api.send("PATCH", path, api.admin, json=fewer)).json()["doctor_ids"] == [
        doctors[1]["id"]
    ]

    listing = f"/v1/clinics/{clinic['id']}/services"
    stale = await api.send("DELETE", path, api.admin, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")
    assert (await api.send("DELETE", path, api.admin)).status_code == 204
    assert code_of(await api.get(path)) == (404, "not_found")
    assert (await api.get(listing)).json()["items"] == []
    slot = await api.slots(doctors[1])
    booked = await api.book(slot[0], await api.patient(), service_id=service["id"])
    assert code_of(booked) == (422, "service_not_offered")

    for _ in range(2):
        restored = await api.post(f"{path}/restore", by=api.admin)
        assert restored.json()["name"] == "Other"
        assert restored.headers["etag"] == '"5"'
    assert [item["id"] for item in (await api.get(listing)).json()["items"]] == [service["id"]]


async def test_a_services_money_and_doctors_have_to_fit(api: Api) -> None:
    clinic = await api.clinic()
    foreign = await api.doctor(await api.clinic())
    own = await api.doctor(clinic)
    euros = {"amount": 100, "currency": "EUR"}
    usual = {"name": "Example", "duration_minutes": 30}
    for wrong, pointer in (
        ({"price": {"amount": 100, "currency": "USD"}}, "/price/currency"),
        ({"deposit": euros}, "/deposit"),
        ({"price": euros, "deposit": {"amount": 101, "currency": "EUR"}}, "/deposit"),
        ({"payment": "required"}, "/payment"),
        ({"doctor_ids": [own["id"], foreign["id"]]}, "/doctor_ids/1"),
        ({"doctor_ids": [own["id"], own["id"]]}, "/doctor_ids"),
        ({"duration_minutes": 0}, "/duration_minutes"),
        ({"duration_minutes": 30.5}, "/duration_minutes"),
        ({"price": {"amount": -1, "currency": "EUR"}}, "/price/amount"),
    ):
        answer = await api.post(f"/v1/clinics/{clinic['id']}/services", usual | wrong, api.admin)
        assert code_of(answer) == (422, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == pointer
    service = await api.service(clinic)
    for wrong in ({"deposit": euros}, {"doctor_ids": [foreign["id"]]}):
        answer = await api.send("PATCH", f"/v1/services/{service['id']}", api.admin, json=wrong)
        assert code_of(answer) == (422, "validation_error")


async def test_only_a_clinics_admins_change_its_services(api: Api) -> None:
    clinic = await api.clinic()
    new = {"name": "Example Service", "duration_minutes": 30}
    answer = await api.post(f"/v1/clinics/{clinic['id']}/services", new, await api.patient())
    assert code_of(answer) == (403, "forbidden")
    service = await api.service(clinic)
    path = f"/v1/services/{service['id']}"
    for person in (await api.receptionist(clinic["id"]), await api.patient()):
        for method, at in (("PATCH", path), ("DELETE", path), ("POST", f"{path}/restore")):
            answer = await api.send(method, at, person, json={} if method == "PATCH" else None)
            assert code_of(answer) == (403, "forbidden")


async def test_a_deleted_doctor_keeps_the_place_in_a_service(api: Api) -> None:
    clinic = await api.clinic()
    doctors = [await api.doctor(clinic) for _ in range(2)]
    service = await api.service(clinic, doctor_ids=[one["id"] for one in doctors])
    path = f"/v1/services/{service['id']}"
    await api.send("DELETE", f"/v1/doctors/{doctors[0]['id']}", api.admin)
    assert (await api.get(path)).json()["doctor_ids"] == [doctors[1]["id"]]

    await api.send("PATCH", path, api.admin, json={"name": "Other"})
    await api.post(f"/v1/doctors/{doctors[0]['id']}/restore", by=api.admin)

    assert (await api.get(path)).json()["doctor_ids"] == service["doctor_ids"]
