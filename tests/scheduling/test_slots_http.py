"""Time slots over HTTP: offered, found, closed, deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api import START, Api, code_of, some_slots

CLINIC = "/v1/clinics/{id}"


async def test_slots_are_offered_all_or_none(api: Api) -> None:
    doctor = await api.doctor(await api.clinic())
    path = f"/v1/doctors/{doctor['id']}/slots"
    created = await api.post(path, {"slots": some_slots(2)}, api.admin)

    assert created.status_code == 201
    assert created.headers["location"] == f"/v1/slots?doctor_id={doctor['id']}"
    first = created.json()["items"][0]
    assert first["status"] == "open"
    assert first["starts_at"] == START.isoformat().replace("+00:00", "Z")

    later = some_slots(3, START + timedelta(minutes=30))
    refused = await api.post(path, {"slots": later}, api.admin)

    assert code_of(refused) == (409, "slot_overlap")
    assert refused.json()["errors"][0]["pointer"] == "/slots/0"
    assert len(await _found(api, doctor_id=doctor["id"])) == 2
    again = await api.post(path, {"slots": later[1:]}, api.admin)
    assert again.status_code == 201


@pytest.mark.parametrize(
    ("wrong", "status", "code", "pointer"),
    [
        ({"ends_at": START.isoformat()}, 422, "validation_error", "/slots/1/ends_at"),
        (
            {"ends_at": (START + timedelta(hours=25)).isoformat()},
            422,
            "validation_error",
            "/slots/1/ends_at",
        ),
        ({"starts_at": "2020-01-01T09:00:00Z"}, 422, "validation_error", "/slots/1/ends_at"),
        (
            {"starts_at": "2020-01-01T09:00:00Z", "ends_at": "2020-01-01T09:30:00Z"},
            422,
            "slot_in_past",
            "/slots/1/starts_at",
        ),
        ({"starts_at": "2099-01-01T09:00:00"}, 422, "validation_error", "/slots/1/starts_at"),
        ({"starts_at": 4_070_908_800}, 422, "validation_error", "/slots/1/starts_at"),
        ({"starts_at": "2199-01-01T09:00:00Z"}, 422, "validation_error", "/slots/1/starts_at"),
        ({"starts_at": "2099-02-30T09:00:00Z"}, 422, "validation_error", "/slots/1/starts_at"),
        ({"mode": "telepathy"}, 422, "validation_error", "/slots/1/mode"),
        ({"status": "open"}, 422, "validation_error", "/slots/1/status"),
        (
            {"starts_at": START.isoformat(), "ends_at": (START + timedelta(hours=1)).isoformat()},
            409,
            "slot_overlap",
            "/slots/1",
        ),
    ],
)
async def test_a_wrong_slot_leaves_nothing_behind(
    api: Api, wrong: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    doctor = await api.doctor(await api.clinic())
    slots = some_slots(2)
    slots[1] |= wrong

    answer = await api.post(f"/v1/doctors/{doctor['id']}/slots", {"slots": slots}, api.admin)

    assert code_of(answer) == (status, code)
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await _found(api, doctor_id=doctor["id"]) == []


async def test_who_may_not_offer_slots_is_refused(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    slots = {"slots": some_slots(1)}
    path = f"/v1/doctors/{doctor['id']}/slots"
    for person in (
        await api.patient(),
        await api.receptionist((await api.clinic())["id"]),
        await api.doctor_account(await api.doctor(clinic)),
    ):
        assert code_of(await api.post(path, slots, person)) == (403, "forbidden")
    assert code_of(await api.post(path, slots)) == (401, "unauthenticated")
    absent = await api.post(f"/v1/doctors/{uuid4()}/slots", slots, api.admin)
    assert code_of(absent) == (404, "not_found")
    assert (await api.post(path, slots, await api.doctor_account(doctor))).status_code == 201


async def test_slots_are_found_by_every_filter(api: Api) -> None:
    one = await api.clinic(time_zone="America/New_York")
    two = await api.clinic()
    heart = await api.doctor(one, specialty="Cardiology", languages=["en"])
    skin = await api.doctor(two, specialty="Dermatology", languages=["de", "en"])
    service = await api.service(two, doctor_ids=[skin["id"]])
    (first,) = await api.slots(heart)
    (second,) = await api.slots(skin, start=START + timedelta(hours=1))
    online = some_slots(1, START + timedelta(hours=2))[0] | {"mode": "online"}
    (third,) = (await api.made(f"/v1/doctors/{skin['id']}/slots", {"slots": [online]}))["items"]

    for params, expected in (
        ({}, [first, second, third]),
        ({"clinic_id": two["id"]}, [second, third]),
        ({"doctor_id": heart["id"]}, [first]),
        ({"service_id": service["id"]}, [second]),
        ({"specialty": "cardiology"}, [first]),
        ({"language": "de"}, [second, third]),
        ({"mode": "online"}, [third]),
        ({"from": second["starts_at"]}, [second, third]),
        ({"to": second["starts_at"]}, [first]),
        ({"language": "en", "mode": "in_person"}, [first, second]),
    ):
        found = await _found(api, **params)
        assert [slot["id"] for slot in found] == [slot["id"] for slot in expected]

    shown = (await _found(api))[0]
    assert shown["doctor"] == {
        "id": heart["id"],
        "full_name": "Example Doctor",
        "title": None,
        "specialty": "Cardiology",
        "photo_url": None,
    }
    assert shown["clinic"] == {"id": one["id"], "name": "Example Clinic"}
    assert shown["time_zone"] == "America/New_York"
    assert datetime.fromisoformat(shown["local_starts_at"]) == START
    assert shown["local_starts_at"][-6:] in {"-05:00", "-04:00"}


async def test_only_what_could_be_booked_now_is_found(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 4)
    await api.book(slots[0], await api.patient())
    await api.post(f"/v1/slots/{slots[1]['id']}/close", by=api.admin)
    await api.send("DELETE", f"/v1/slots/{slots[2]['id']}", api.admin)
    assert [slot["id"] for slot in await _found(api)] == [slots[3]["id"]]

    for policy in ({"min_notice_minutes": 60 * 24 * 7}, {"horizon_days": 1}):
        path = f"/v1/clinics/{clinic['id']}"
        await api.send("PATCH", path, api.admin, json={"policy": policy})
        assert await _found(api) == []


async def test_a_search_has_a_week_by_default_and_two_months_at_most(api: Api) -> None:
    doctor = await api.doctor(await api.clinic())
    await api.slots(doctor, start=START + timedelta(days=20))
    assert await _found(api) == []
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    assert len(await _found(api, to=until)) == 1

    for wrong in (
        {"from": START.isoformat(), "to": START.isoformat()},
        {"from": START.isoformat(), "to": (START + timedelta(days=63)).isoformat()},
        {"from": "tomorrow"},
        {"doctor_id": "me"},
        {"mode": "x"},
        {"limit": "0"},
        {"limit": "201"},
        {"unknown": "x"},
    ):
        answer = await api.get("/v1/slots", **wrong)
        assert code_of(answer) == (422, "validation_error")
    twice = await api.client.get("/v1/slots?limit=1&limit=2")
    assert code_of(twice) == (422, "validation_error")


async def test_paging_neither_skips_nor_repeats_while_slots_are_booked(api: Api) -> None:
    clinic = await api.clinic()
    doctors = [await api.doctor(clinic) for _ in range(3)]
    made = [slot["id"] for doctor in doctors for slot in await api.slots(doctor, 4)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get("/v1/slots", limit=2, **cursor)).json()
        seen += [slot["id"] for slot in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        await api.book({"id": seen[-1]}, await api.patient())

    assert sorted(seen) == sorted(made)
    other = await api.get("/v1/slots", limit=2, mode="online", **cursor)
    assert code_of(other) == (422, "invalid_cursor")


async def test_an_unchanged_answer_is_not_sent_again(api: Api) -> None:
    slot = await api.slot()
    first = await api.get("/v1/slots")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]

    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await api.send("GET", "/v1/slots", headers={"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag

    await api.book(slot, await api.patient())
    changed = await api.send("GET", "/v1/slots", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_the_same_query_shows_every_change_at_once(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 4)
    path, patient = f"/v1/slots?doctor_id={doctor['id']}", await api.patient()

    async def asked() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await api.client.get(path)).json()["items"]
        return items

    assert [slot["id"] for slot in await asked()] == [slot["id"] for slot in slots]
    assert await asked() == await asked()
    await api.book(slots[0], patient)
    assert [slot["id"] for slot in await asked()] == [slot["id"] for slot in slots[1:]]
    await api.post(f"/v1/slots/{slots[1]['id']}/close", by=api.admin)
    assert [slot["id"] for slot in await asked()] == [slot["id"] for slot in slots[2:]]
    await api.post(f"/v1/slots/{slots[1]['id']}/reopen", by=api.admin)
    assert [slot["id"] for slot in await asked()] == [slot["id"] for slot in slots[1:]]
    for place, name in ((f"/v1/doctors/{doctor['id']}", "full_name"), (CLINIC, "name")):
        at = place.format(**clinic)
        await api.send("PATCH", at, api.admin, json={name: "Another Name"})
        shown = (await asked())[0]
        assert shown["doctor" if name == "full_name" else "clinic"][name] == "Another Name"
    await api.send(
        "PATCH", CLINIC.format(**clinic), api.admin, json={"policy": {"horizon_days": 1}}
    )
    assert await asked() == []


async def test_a_known_query_is_refused_as_ever_where_it_has_to_be(api: Api) -> None:
    await api.client.get("/v1/slots?limit=1")
    unknown = {"Authorization": "Bearer none"}
    answer = await api.client.get("/v1/slots?limit=1", headers=unknown)
    assert code_of(answer) == (401, "unauthenticated")
    long = {"If-None-Match": "x" * 3000}
    answer = await api.client.get("/v1/slots?limit=1", headers=long)
    assert code_of(answer) == (422, "validation_error")


async def test_a_slot_is_closed_reopened_and_deleted(api: Api) -> None:
    slot = await api.slot()
    path = f"/v1/slots/{slot['id']}"
    closed = await api.post(f"{path}/close", by=api.admin, headers={"If-Match": '"1"'})
    assert (closed.json()["status"], closed.headers["etag"]) == ("closed", '"2"')
    assert (await api.post(f"{path}/close", by=api.admin)).headers["etag"] == '"2"'
    stale = await api.post(f"{path}/reopen", by=api.admin, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "precondition_failed")
    reopened = await api.post(f"{path}/reopen", by=api.admin)
    assert (reopened.json()["status"], reopened.headers["etag"]) == ("open", '"3"')
    assert (await api.post(f"{path}/reopen", by=api.admin)).headers["etag"] == '"3"'

    stranger = await api.patient()
    for method, at in (("POST", f"{path}/close"), ("POST", f"{path}/reopen"), ("DELETE", path)):
        assert code_of(await api.send(method, at, stranger)) == (403, "forbidden")
        absent = at.replace(slot["id"], str(uuid4()))
        assert code_of(await api.send(method, absent, api.admin)) == (404, "slot_not_found")

    await api.book(slot, stranger)
    for method, at in (("POST", f"{path}/close"), ("DELETE", path)):
        answer = await api.send(method, at, api.admin)
        assert code_of(answer) == (409, "slot_already_booked")


async def test_what_something_else_closed_is_not_reopened_by_hand(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    (slot,) = await api.slots(doctor)
    await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin)

    answer = await api.post(f"/v1/slots/{slot['id']}/reopen", by=api.admin)

    assert code_of(answer) == (409, "slot_unavailable")


async def _found(api: Api, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get("/v1/slots", **params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_what_was_closed_by_hand_stays_closed_while_its_doctor_is_gone(api: Api) -> None:
    for gone in ("doctors", "clinics"):
        slot = await api.slot()
        path = f"/v1/slots/{slot['id']}"
        whole = f"/v1/{gone}/{slot['doctor_id' if gone == 'doctors' else 'clinic_id']}"
        await api.post(f"{path}/close", by=api.admin)
        await api.send("DELETE", whole, api.admin)

        assert code_of(await api.post(f"{path}/reopen", by=api.admin)) == (409, "slot_unavailable")
        await api.post(f"{whole}/restore", by=api.admin)
        assert code_of(await api.post(f"{path}/reopen", by=api.admin)) == (200, None)
