"""Clinics and their staff over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api import Api, code_of

USUAL_POLICY = {
    "min_notice_minutes": 0,
    "cancel_notice_minutes": 0,
    "horizon_days": 180,
    "hold_minutes": 10,
    "max_open_bookings_per_patient": 10,
    "anonymous_holds": True,
    "reminder_offsets_minutes": [1440, 120],
    "payment_minutes": 30,
    "consultation_opens_minutes": 15,
    "consultation_closes_minutes": 30,
    "consultation_relay_only": False,
    "late_cancel_minutes": 1440,
    "late_cancel_percent": 0,
    "no_show_percent": 0,
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
