"""Patients over HTTP: registering themselves, and registered by staff."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.api import Api, Person, code_of, running_api

NEWCOMER = {
    "email": "Patient@Example.com",
    "password": "three quiet otters",
    "full_name": "Example Patient",
}


async def test_somebody_registers_and_is_a_patient_at_once(api: Api) -> None:
    about = NEWCOMER | {"phone": "+49301234567", "locale": "de-DE", "time_zone": "Europe/Berlin"}
    answer = await api.post("/v1/auth/register", about)

    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    done = answer.json()
    person = Person(done["user_id"], done["access_token"], done["patient_id"])
    me = (await api.get("/v1/me", person)).json()
    assert me["patient_id"] == done["patient_id"]
    assert me["email"] == "Patient@example.com"
    assert not me["email_verified"]
    assert me["roles"] == [{"role": "patient", "clinic_id": None}]
    patient = (await api.get(f"/v1/patients/{done['patient_id']}", person)).json()
    assert patient["has_account"]
    assert patient["phone"] == "+49301234567"
    assert code_of(await api.book(await api.slot(), person)) == (201, None)
    refreshed = await api.client.post(
        "/v1/auth/token",
        data={"grant_type": "refresh_token", "refresh_token": done["refresh_token"]},
    )
    assert refreshed.status_code == 200


async def test_an_address_registers_once_however_it_is_written(api: Api) -> None:
    answers = await asyncio.gather(
        *(
            api.post("/v1/auth/register", NEWCOMER | {"email": email})
            for email in ("a@example.com", "A@example.com", "a@EXAMPLE.com")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert code_of(await api.post("/v1/auth/register", NEWCOMER | {"email": "a@example.com"})) == (
        409,
        "email_taken",
    )
    assert len(await _everybody(api)) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"password": "short"}, "password_too_weak"),
        ({"password": "1234567890"}, "password_too_weak"),
        ({"password": ""}, "password_too_weak"),
        ({"email": "nobody"}, "validation_error"),
        ({"role": "clinic_admin"}, "validation_error"),
        ({"full_name": " "}, "validation_error"),
        ({"time_zone": "Mars/Base"}, "validation_error"),
    ],
)
async def test_a_wrong_registration_makes_nothing(
    api: Api, wrong: dict[str, Any], code: str
) -> None:
    assert code_of(await api.post("/v1/auth/register", NEWCOMER | wrong)) == (422, code)
    assert await _everybody(api) == []


async def test_staff_register_and_change_patients_of_their_clinic(api: Api) -> None:
    clinic = await api.clinic()
    desk = await api.receptionist(clinic["id"])
    created = await api.post(
        "/v1/patients",
        {"clinic_id": clinic["id"], "full_name": "Example Patient", "birth_date": "1990-05-17"},
        desk,
    )
    patient = created.json()
    path = f"/v1/patients/{patient['id']}"
    assert created.headers["location"] == path
    assert patient["email"] is None
    assert not patient["has_account"]

    changed = await api.send(
        "PATCH", path, desk, json={"phone": "+49301234567"}, headers={"If-Match": '"1"'}
    )
    assert changed.json()["phone"] == "+49301234567"
    assert changed.json()["birth_date"] == "1990-05-17"
    stale = await api.send("PATCH", path, desk, json={}, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")

    for person in (
        await api.receptionist((await api.clinic())["id"]),
        await api.patient(),
        api.admin,
        await api.doctor_account(await api.doctor(clinic)),
    ):
        assert code_of(await api.get(path, person)) == (404, "not_found")
        answer = await api.send("PATCH", path, person, json={"full_name": "X"})
        assert code_of(answer) == (404, "not_found")
        new = {"clinic_id": clinic["id"], "full_name": "Example"}
        assert code_of(await api.post("/v1/patients", new, person)) == (403, "forbidden")
    absent = {"clinic_id": str(uuid4()), "full_name": "Example"}
    assert code_of(await api.post("/v1/patients", absent, desk)) == (404, "not_found")


async def test_whoever_registers_or_guesses_again_and_again_has_to_wait(
    database_url: str, tmp_path: Path
) -> None:
    async with running_api(database_url, tmp_path, rate_limit=True) as api:
        made = (await api.post("/v1/auth/register", NEWCOMER)).json()
        for _ in range(25):
            again = await api.post("/v1/auth/register", NEWCOMER | {"password": "1234567890"})
        assert code_of(again) == (429, "rate_limited")
        token = {"Authorization": f"Bearer {made['access_token']}"}
        guess = {"current_password": "wrong", "new_password": "four curious hares"}
        for _ in range(12):
            guessed = await api.client.post("/v1/me/password", json=guess, headers=token)
        assert code_of(guessed) == (429, "rate_limited")
        assert int(guessed.headers["retry-after"]) > 0


@pytest.mark.parametrize("wrong", [0, 1e9, "0", "19900517", "1990-05-17T00:00:00Z", "1990-02-30"])
async def test_a_birth_date_is_a_day_in_writing(api: Api, wrong: object) -> None:
    clinic = await api.clinic()
    desk = await api.receptionist(clinic["id"])
    new = {"clinic_id": clinic["id"], "full_name": "Example Patient", "birth_date": wrong}

    answer = await api.post("/v1/patients", new, desk)

    assert code_of(answer) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == "/birth_date"


async def test_only_the_owner_of_an_account_changes_it(api: Api) -> None:
    clinic = await api.clinic()
    desk, patient = await api.receptionist(clinic["id"]), await api.patient()
    await api.book(await api.slot(clinic), patient)
    path = f"/v1/patients/{patient.patient_id}"

    for contact in ({"email": "x@example.com"}, {"phone": None}, {"locale": "de"}):
        answer = await api.send("PATCH", path, desk, json=contact)
        assert code_of(answer) == (403, "forbidden")
        assert (await api.send("PATCH", path, patient, json=contact)).status_code == 200
    for person in ({"birth_date": "1990-05-17"}, {"full_name": "Another Name"}):
        assert code_of(await api.send("PATCH", path, desk, json=person)) == (403, "forbidden")


async def test_lists_show_the_patients_of_ones_clinics(api: Api) -> None:
    one, two = await api.clinic(), await api.clinic()
    desks = [await api.receptionist(clinic["id"]) for clinic in (one, two)]
    made = [
        (await api.made("/v1/patients", {"clinic_id": clinic["id"], "full_name": name}, desk))["id"]
        for clinic, desk, name in (
            (one, desks[0], "Alpha Example"),
            (one, desks[0], "Beta Example"),
            (two, desks[1], "Alpha Other"),
        )
    ]
    patient = await api.patient()
    for person, params, expected in (
        (desks[0], {}, made[:2]),
        (desks[0], {"q": "alpha"}, made[:1]),
        (desks[0], {"clinic_id": one["id"]}, made[:2]),
        (desks[0], {"clinic_id": two["id"]}, []),
        (desks[1], {}, made[2:]),
        (patient, {}, [str(patient.patient_id)]),
        (patient, {"clinic_id": one["id"]}, []),
        (api.admin, {}, []),
    ):
        found = (await api.get("/v1/patients", person, **params)).json()["items"]
        assert [item["id"] for item in found] == expected
    assert code_of(await api.get("/v1/patients")) == (401, "unauthenticated")


async def _everybody(api: Api) -> list[str]:
    async with api.container.database().reading() as connection:
        rows = await connection.fetch("SELECT id FROM patients")
    return [str(row["id"]) for row in rows]
