"""Clinics and their staff over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from booking_system.shared_kernel.identifiers import UserId
from tests.api import Api, code_of

USUAL_POLICY = {
    "min_notice_minutes": 0,
    "cancel_notice_minutes": 0,
    "horizon_days": 180,
    "hold_minutes": 10,
    "max_open_bookings_per_patient": 10,
    "anonymous_holds": True,
    "reminder_offsets_minutes": [1440, 120],
}
NEW = {"name": "Example Clinic", "slug": "example", "time_zone": "Europe/Berlin"}


async def test_a_clinic_is_opened_read_and_changed(api: Api) -> None:
    about = NEW | {
        "address": "1 Example Street",
        "phone": "+49 30 1234567",
        "email": "Desk@Example.com",
        "embed_origins": ["https://www.example.com"],
        "policy": {"hold_minutes": 5},
    }

    created = await api.post("/v1/clinics", about, api.admin)

    assert created.status_code == 201
    clinic = created.json()
    path = f"/v1/clinics/{clinic['id']}"
    assert created.headers["location"] == path
    assert clinic["phone"] == "+49301234567"
    assert clinic["email"] == "Desk@example.com"
    assert clinic["policy"] == USUAL_POLICY | {"hold_minutes": 5}
    read = await api.get(path)
    assert read.json() == clinic
    assert read.headers["etag"] == '"1"'

    change = {"name": "Another Name", "address": None, "policy": {"horizon_days": 30}}
    changed = await api.send("PATCH", path, api.admin, json=change)

    assert changed.status_code == 200
    assert changed.json()["name"] == "Another Name"
    assert changed.json()["address"] is None
    assert changed.json()["phone"] == "+49301234567"
    assert changed.json()["policy"] == USUAL_POLICY | {"hold_minutes": 5, "horizon_days": 30}
    assert changed.json()["version"] == 2
    stale = await api.send(
        "PATCH", path, api.admin, json={"name": "Third"}, headers={"If-Match": '"1"'}
    )
    assert code_of(stale) == (412, "precondition_failed")


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "Not A Slug"},
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "localtime"},
        {"currency": "XYZ"},
        {"phone": "12"},
        {"email": "nobody"},
        {"embed_origins": ["http://www.example.com"]},
        {"policy": {"hold_minutes": 0}},
        {"policy": {"hold_minutes": "5"}},
        {"policy": {"unknown": 1}},
        {"name": ""},
        {"name": None},
        {"id": str(uuid4())},
        {"locale": "Deutsch"},
    ],
)
async def test_a_wrong_field_opens_no_clinic(api: Api, wrong: dict[str, Any]) -> None:
    answer = await api.post("/v1/clinics", NEW | wrong, api.admin)

    assert code_of(answer) == (422, "validation_error")
    assert answer.json()["errors"]
    assert (await api.get("/v1/clinics")).json()["items"] == []


async def test_a_required_field_cannot_be_taken_away(api: Api) -> None:
    clinic = await api.clinic()

    for field in ("name", "slug", "time_zone", "currency", "policy"):
        answer = await api.send(
            "PATCH", f"/v1/clinics/{clinic['id']}", api.admin, json={field: None}
        )
        assert code_of(answer) == (422, "validation_error")


async def test_two_clinics_never_share_a_slug(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/v1/clinics", NEW, api.admin) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert refused.json()["errors"] == [
        {"pointer": "/slug", "in": "body", "detail": "another clinic has it", "code": "taken"}
    ]

    other = await api.clinic()
    answer = await api.send(
        "PATCH", f"/v1/clinics/{other['id']}", api.admin, json={"slug": NEW["slug"]}
    )
    assert code_of(answer) == (422, "validation_error")


async def test_only_the_platform_opens_clinics_and_only_their_admins_change_them(
    api: Api,
) -> None:
    clinic = await api.clinic()
    path = f"/v1/clinics/{clinic['id']}"
    elsewhere = await api.clinic_admin((await api.clinic())["id"])
    for person in (await api.patient(), await api.receptionist(clinic["id"]), elsewhere):
        assert code_of(await api.post("/v1/clinics", NEW, person)) == (403, "forbidden")
        answer = await api.send("PATCH", path, person, json={"name": "Mine"})
        assert code_of(answer) == (403, "forbidden")
    assert code_of(await api.post("/v1/clinics", NEW)) == (401, "unauthenticated")
    own = await api.clinic_admin(clinic["id"])
    assert (await api.send("PATCH", path, own, json={"name": "Mine"})).status_code == 200
    absent = await api.send("PATCH", f"/v1/clinics/{uuid4()}", own, json={"name": "Mine"})
    assert code_of(absent) == (404, "not_found")


async def test_clinics_are_found_by_part_of_the_name_and_by_slug(api: Api) -> None:
    names = ["Alpha Practice", "Beta 100% Practice", "Gamma House"]
    made = [await api.clinic(name=name) for name in names]

    for params, places in (
        ({"q": "practice"}, [0, 1]),
        ({"q": "0%"}, [1]),
        ({"q": "_"}, []),
        ({"slug": made[2]["slug"]}, [2]),
        ({"slug": "nobody-has-it"}, []),
    ):
        found = await api.get("/v1/clinics", **params)
        assert [item["id"] for item in found.json()["items"]] == [made[p]["id"] for p in places]


async def test_lists_are_paged_without_gap_or_repetition(api: Api) -> None:
    made = [(await api.clinic())["id"] for _ in range(5)]
    first = await api.get("/v1/clinics", limit=2)
    cursor = first.json()["next_cursor"]
    await api.send("DELETE", f"/v1/clinics/{made[0]}", api.admin)

    second = await api.get("/v1/clinics", limit=2, cursor=cursor)
    third = await api.client.get(second.headers["link"].split(">")[0][1:])

    pages = [page.json()["items"] for page in (first, second, third)]
    assert [item["id"] for page in pages for item in page] == made
    assert third.json()["next_cursor"] is None
    for wrong in ("x", cursor[:-1], cursor + "A", "é", "A" * 500):
        answer = await api.get("/v1/clinics", limit=2, cursor=wrong)
        assert code_of(answer) == (422, "invalid_cursor")
    answer = await api.get("/v1/clinics", q="x", cursor=cursor)
    assert code_of(answer) == (422, "invalid_cursor")


async def test_the_currency_stays_while_there_are_prices(api: Api) -> None:
    clinic = await api.clinic()
    path = f"/v1/clinics/{clinic['id']}"
    assert (await api.send("PATCH", path, api.admin, json={"currency": "CHF"})).status_code == 200
    await api.service(clinic, price={"amount": 100, "currency": "CHF"})

    answer = await api.send("PATCH", path, api.admin, json={"currency": "EUR"})

    assert code_of(answer) == (422, "validation_error")


async def test_staff_are_added_listed_and_removed(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    boss = await api.clinic_admin(clinic["id"])
    path = f"/v1/clinics/{clinic['id']}/staff"
    about = {"email": "desk@example.com", "full_name": "Example Receptionist"}

    desk = await api.made(
        path, about | {"role": "receptionist", "password": "three quiet otters"}, boss
    )
    same = await api.made(
        path, about | {"role": "doctor", "doctor_id": doctor["id"], "full_name": "Other"}, boss
    )

    assert same["user_id"] == desk["user_id"]
    assert same["full_name"] == "Example Receptionist"
    listed = (await api.get(path, boss)).json()["items"]
    assert [
        (one["role"], one["doctor_id"]) for one in listed if one["email"] == about["email"]
    ] == [
        ("receptionist", None),
        ("doctor", doctor["id"]),
    ]
    form = {"grant_type": "password", "username": about["email"], "password": "three quiet otters"}
    signed = await api.client.post("/v1/auth/token", data=form)
    assert signed.status_code == 200
    token = {"Authorization": f"Bearer {signed.json()['access_token']}"}
    me = (await api.client.get("/v1/me", headers=token)).json()
    assert {role["role"] for role in me["roles"]} == {"receptionist", "doctor"}
    assert me["doctor_id"] == doctor["id"]

    gone = await api.send("DELETE", f"{path}/{desk['user_id']}", boss)
    assert gone.status_code == 204
    assert (await api.client.get("/v1/me", headers=token)).json()["roles"] == []
    again = await api.send("DELETE", f"{path}/{desk['user_id']}", boss)
    assert code_of(again) == (404, "not_found")


async def test_whoever_runs_the_platform_does_not_let_themselves_into_a_clinic(api: Api) -> None:
    clinic = await api.clinic()
    me = (await api.get("/v1/me", api.admin)).json()
    staff = {"email": me["email"], "full_name": "Example Person", "role": "clinic_admin"}

    answer = await api.post(f"/v1/clinics/{clinic['id']}/staff", staff, api.admin)

    assert code_of(answer) == (403, "forbidden")


async def test_somebody_new_gets_a_role_in_two_clinics_at_the_same_moment(api: Api) -> None:
    new = {"email": "new@example.com", "full_name": "Example Receptionist", "role": "receptionist"}
    clinics = [await api.clinic() for _ in range(6)]

    answers = await asyncio.gather(
        *(api.post(f"/v1/clinics/{one['id']}/staff", new, api.admin) for one in clinics)
    )

    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.json()["user_id"] for answer in answers}) == 1


async def test_an_account_that_is_made_meanwhile_gets_the_role(api: Api) -> None:
    clinic = await api.clinic()
    new = {"email": "new@example.com", "full_name": "Example Receptionist", "role": "receptionist"}
    async with api.container.database().transaction() as connection:
        accounts = api.container.identity.accounts_of()(connection)
        await accounts.add(
            user_id=UserId(uuid4()),
            email="new@example.com",
            password_hash=None,
            full_name="Example Person",
            locale=None,
            time_zone=None,
            now=datetime.now(UTC),
        )
        path = f"/v1/clinics/{clinic['id']}/staff"
        waiting = asyncio.create_task(api.post(path, new, api.admin))
        await asyncio.sleep(0.3)
        assert not waiting.done()

    assert code_of(await waiting) == (201, None)
    assert waiting.result().json()["full_name"] == "Example Person"


async def test_only_a_clinics_admins_see_and_change_its_staff(api: Api) -> None:
    clinic = await api.clinic()
    path = f"/v1/clinics/{clinic['id']}/staff"
    new = {"email": "new@example.com", "full_name": "New", "role": "receptionist"}
    for person in (
        await api.receptionist(clinic["id"]),
        await api.clinic_admin((await api.clinic())["id"]),
        await api.patient(),
    ):
        assert code_of(await api.post(path, new, person)) == (403, "forbidden")
        assert code_of(await api.get(path, person)) == (403, "forbidden")
        gone = await api.send("DELETE", f"{path}/{person.user_id}", person)
        assert code_of(gone) == (403, "forbidden")
    absent = f"/v1/clinics/{uuid4()}/staff"
    assert code_of(await api.post(absent, new, await api.patient())) == (404, "not_found")


async def test_a_doctors_account_belongs_to_a_doctor_of_the_clinic(api: Api) -> None:
    clinic = await api.clinic()
    foreign = await api.doctor(await api.clinic())
    new = {"email": "new@example.com", "full_name": "New"}
    for wrong in (
        {"role": "doctor"},
        {"role": "doctor", "doctor_id": foreign["id"]},
        {"role": "receptionist", "doctor_id": foreign["id"]},
        {"role": "platform_admin"},
        {"role": "patient"},
    ):
        answer = await api.post(f"/v1/clinics/{clinic['id']}/staff", new | wrong, api.admin)
        assert code_of(answer) == (422, "validation_error")
    weak = new | {"role": "receptionist", "password": "short"}
    answer = await api.post(f"/v1/clinics/{clinic['id']}/staff", weak, api.admin)
    assert code_of(answer) == (422, "password_too_weak")
