"""Who may be the same person, and patients who are found by the exact address that they tell."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.api import Api, Person, code_of, running_api

Made = dict[str, Any]
EMAIL, PHONE = "Caller@example.com", "+49301234567"
NAMED = {"id", "full_name", "has_account", "is_known"}


async def _desk(api: Api) -> tuple[Made, Person]:
    clinic = await api.clinic()
    return clinic, await api.receptionist(clinic["id"])


async def _registered(api: Api, clinic: Made, desk: Person, **about: Any) -> Made:
    new = {"clinic_id": clinic["id"], "full_name": "Example Patient", **about}
    return await api.made("/v1/patients", new, desk)


async def _caller(api: Api, email: str = EMAIL, phone: str = PHONE) -> Person:
    """Somebody with an account whom no clinic knows."""
    one = await api.patient()
    about = {"email": email, "phone": phone, "birth_date": "1990-05-17", "locale": "de-DE"}
    kept = await api.send("PATCH", f"/v1/patients/{one.patient_id}", one, json=about)
    assert kept.status_code == 200, kept.text
    return one


async def _found(api: Api, desk: Person, clinic: Made, **address: str) -> list[Made]:
    answer = await api.get("/v1/patients", desk, clinic_id=clinic["id"], **address)
    assert answer.status_code == 200, answer.text
    items: list[Made] = answer.json()["items"]
    return items


async def test_a_second_record_for_an_address_is_made_with_a_hint(api: Api) -> None:
    clinic, desk = await _desk(api)
    by_email = await _registered(api, clinic, desk, email="a@example.com")
    by_phone = await _registered(api, clinic, desk, phone=PHONE, birth_date="1990-05-17")
    await _registered(api, clinic, desk)
    assert by_email["possible_duplicates"] == by_phone["possible_duplicates"] == []

    new = await _registered(api, clinic, desk, email="A@EXAMPLE.com", phone="+49 30 1234567")

    assert new["possible_duplicates"] == [
        {"id": one["id"], "full_name": "Example Patient", "has_account": False}
        | {"birth_date": one["birth_date"]}
        for one in (by_email, by_phone)
    ]


async def test_a_hint_names_ten_patients_of_the_clinic_at_most(api: Api) -> None:
    clinic, desk = await _desk(api)
    other, foreign = await _desk(api)
    await _caller(api)
    await _registered(api, other, foreign, phone=PHONE)
    for count in range(12):
        made = await _registered(api, clinic, desk, phone=PHONE)
        assert len(made["possible_duplicates"]) == min(count, 10)
    gone = made["possible_duplicates"][0]["id"]
    assert (await api.send("DELETE", f"/v1/patients/{gone}", desk)).status_code == 204
    made = await _registered(api, clinic, desk, phone=PHONE)
    assert gone not in [one["id"] for one in made["possible_duplicates"]]


async def test_a_registration_that_is_sent_again_gives_the_same_hint(api: Api) -> None:
    clinic, desk = await _desk(api)
    await _registered(api, clinic, desk, phone=PHONE)
    new = {"clinic_id": clinic["id"], "full_name": "Example Patient", "phone": PHONE}
    key = {"headers": {"Idempotency-Key": "again"}}

    first = await api.post("/v1/patients", new, desk, **key)
    again = await api.post("/v1/patients", new, desk, **key)

    assert again.headers["idempotent-replayed"] == "true"
    assert first.json() == again.json()
    assert len(first.json()["possible_duplicates"]) == 1


@pytest.mark.parametrize("address", [{"email": EMAIL.upper()}, {"phone": "+49 30 123-4567"}])
async def test_a_person_with_an_account_is_found_by_what_they_tell(
    api: Api, address: dict[str, str]
) -> None:
    clinic, desk = await _desk(api)
    caller, slot = await _caller(api), await api.slot(clinic)
    wish = {"patient_id": str(caller.patient_id)}
    assert code_of(await api.book(slot, desk, **wish)) == (404, "not_found")

    (found,) = await _found(api, desk, clinic, **address)

    assert (found["id"], found["is_known"]) == (str(caller.patient_id), False)
    assert {name for name, value in found.items() if value is not None} == NAMED
    path = f"/v1/clinics/{clinic['id']}/patients/{caller.patient_id}"
    assert code_of(await api.get(f"/v1/patients/{caller.patient_id}", desk)) == (404, "not_found")
    for _ in range(2):
        taken = await api.post(path, address, desk)
        assert taken.status_code == 201, taken.text
        assert taken.headers["location"] == f"/v1/patients/{caller.patient_id}"
        assert taken.json()["birth_date"] == "1990-05-17"
    (known,) = await _found(api, desk, clinic, **address)
    assert (known["is_known"], known["email"], known["version"]) == (True, EMAIL, 2)
    assert code_of(await api.book(slot, desk, **wish)) == (201, None)


async def test_nobody_is_taken_on_without_what_they_told(api: Api) -> None:
    clinic, desk = await _desk(api)
    other, foreign = await _desk(api)
    caller, theirs = await _caller(api), await _registered(api, other, foreign, phone="+4930999")
    path = f"/v1/clinics/{clinic['id']}/patients"
    for patient_id, told, expected in (
        (caller.patient_id, {"email": "caller@example.org"}, (404, "not_found")),
        (caller.patient_id, {"phone": "+49301234568"}, (404, "not_found")),
        (theirs["id"], {"phone": "+4930999"}, (404, "not_found")),
        (caller.patient_id, {}, (422, "validation_error")),
        (caller.patient_id, {"email": EMAIL, "phone": PHONE}, (422, "validation_error")),
    ):
        assert code_of(await api.post(f"{path}/{patient_id}", told, desk)) == expected
    assert code_of(await api.post(f"{path}/{caller.patient_id}", {"email": EMAIL}, foreign)) == (
        403,
        "forbidden",
    )
    async with api.container.database().reading() as connection:
        known = await connection.fetch(
            "SELECT FROM clinic_patients WHERE clinic_id = $1", UUID(clinic["id"])
        )
    assert known == []


async def test_a_stranger_without_an_account_looks_like_nobody(api: Api) -> None:
    clinic, desk = await _desk(api)
    other, foreign = await _desk(api)
    await _registered(api, other, foreign, email="b@example.com", phone="+4930999")
    await _caller(api)
    nobodys = [{"email": "nobody@example.com"}, {"phone": "+4930998"}]
    theirs = [{"email": "b@example.com"}, {"phone": "+4930999"}]
    parts = [{"email": "aller@example.com"}, {"phone": "+4930123456"}]

    for address in nobodys + theirs + parts:
        assert await _found(api, desk, clinic, **address) == []


async def test_only_staff_of_the_clinic_find_by_address(api: Api) -> None:
    clinic, desk = await _desk(api)
    _, foreign = await _desk(api)
    caller = await _caller(api)
    for who in (foreign, api.admin, caller, await api.patient()):
        assert await _found(api, who, clinic, email=EMAIL) == []
    gone = await api.send("DELETE", f"/v1/patients/{caller.patient_id}", caller)
    assert gone.status_code == 204
    assert await _found(api, desk, clinic, email=EMAIL) == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"q": "Example", "email": EMAIL}, "/email"),
        ({"email": EMAIL, "phone": PHONE}, "/phone"),
        ({"email": "nobody"}, "/email"),
        ({"phone": "030 1234567"}, "/phone"),
    ],
)
async def test_one_looks_in_one_way_at_a_time(
    api: Api, asked: dict[str, str], pointer: str
) -> None:
    clinic, desk = await _desk(api)
    answer = await api.get("/v1/patients", desk, clinic_id=clinic["id"], **asked)
    assert code_of(answer) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == pointer

    without = await api.get("/v1/patients", desk, email=EMAIL)
    assert without.json()["errors"][0]["pointer"] == "/clinic_id"


async def test_several_with_one_number_are_read_page_by_page(api: Api) -> None:
    clinic, desk = await _desk(api)
    callers = [await _caller(api, email=f"{n}@example.com") for n in range(3)]
    seen: list[str] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        about = {"clinic_id": clinic["id"], "phone": PHONE, "limit": 2}
        page = (
            await api.get("/v1/patients", desk, **about, **({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(str(one.patient_id) for one in callers)


async def test_nobody_walks_through_addresses(database_url: str, tmp_path: Path) -> None:
    async with running_api(database_url, tmp_path, rate_limit=True) as api:
        clinic, desk = await _desk(api)
        colleague, caller = await api.receptionist(clinic["id"]), await _caller(api)
        path = f"/v1/clinics/{clinic['id']}/patients/{caller.patient_id}"
        for number in range(30):
            assert await _found(api, desk, clinic, phone=f"+49301234{number:03}") == []
            wrong = await api.post(path, {"phone": f"+49301234{number:03}"}, desk)
            assert code_of(wrong) == (404, "not_found")

        about = {"clinic_id": clinic["id"], "phone": PHONE}
        for refused in (
            await api.get("/v1/patients", desk, **about),
            await api.post(path, {"phone": PHONE}, desk),
        ):
            assert code_of(refused) == (429, "rate_limited")
            assert int(refused.headers["retry-after"]) > 0
        assert (await api.get("/v1/patients", desk, clinic_id=clinic["id"])).status_code == 200
        assert len(await _found(api, colleague, clinic, phone=PHONE)) == 1
