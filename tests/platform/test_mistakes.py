"""Mistakes of a request are told all at once, each by one code, at the place where it is."""

import ast
from pathlib import Path
from typing import Any

import pytest

import booking_system
from booking_system.bootstrap.field_codes import FIELD_CODES
from booking_system.platform.http.etag import expected_version
from booking_system.platform.http.validation import BOUNDS, OURS
from booking_system.shared_kernel.errors import Invalid
from tests.api import Api, code_of, document_of_all

SOURCE = Path(booking_system.__file__).parent


def told(answer: Any) -> set[tuple[str, str, str]]:
    assert answer.status_code == 422, answer.text
    return {(one["in"], one["pointer"], one["code"]) for one in answer.json()["errors"]}


async def test_an_unknown_parameter_hides_nothing_else(api: Api) -> None:
    patient = await api.patient()
    body = {"time_slot_id": "x", "bar": 1}
    answer = await api.post("/v1/bookings?foo=1", body, patient)
    assert told(answer) == {
        ("query", "/foo", "unknown_parameter"),
        ("body", "/time_slot_id", "uuid"),
        ("body", "/bar", "unknown_field"),
    }
    answer = await api.get("/v1/slots", limit="x", doctor_id="y", foo="1")
    assert told(answer) == {
        ("query", "/foo", "unknown_parameter"),
        ("query", "/limit", "integer"),
        ("query", "/doctor_id", "uuid"),
    }
    answer = await api.get("/v1/slots/no-id", foo="1")
    assert told(answer) == {("query", "/foo", "unknown_parameter"), ("path", "/slot_id", "uuid")}


async def test_an_unknown_parameter_alone_does_nothing(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    answer = await api.post("/v1/bookings?foo=1", {"time_slot_id": slot["id"]}, patient)
    assert told(answer) == {("query", "/foo", "unknown_parameter")}
    assert (await api.get(f"/v1/slots/{slot['id']}")).json()["status"] == "open"
    booked = await api.post("/v1/bookings", {"time_slot_id": slot["id"]}, patient)
    assert booked.status_code == 201


NEW = {"email": "new@example.com", "full_name": "Example Person"}
WEAK = ("body", "/password", "password_too_weak")


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "password12", "new@example.com"])
async def test_a_password_is_refused_by_its_own_code_and_names_its_field(
    api: Api, password: str
) -> None:
    alone = await api.post("/v1/auth/register", NEW | {"password": password})
    assert code_of(alone) == (422, "password_too_weak")
    assert told(alone) == {WEAK}
    assert alone.json()["errors"][0]["detail"] == alone.json()["detail"]
    assert not password or password not in alone.text


async def test_a_short_password_is_told_with_everything_else(api: Api) -> None:
    answer = await api.post("/v1/auth/register", {"email": "x", "password": "short", "zz": 1})
    assert code_of(answer) == (422, "validation_error")
    assert told(answer) == {
        WEAK,
        ("body", "/email", "too_short"),
        ("body", "/full_name", "required"),
        ("body", "/zz", "unknown_field"),
    }


async def test_a_plus_that_became_a_space_is_told_as_that(api: Api) -> None:
    answer = await api.client.get("/v1/slots?from=2027-03-01T09:00:00+01:00")
    (wrong,) = answer.json()["errors"]
    assert "%2B" in wrong["detail"]
    answer = await api.client.get("/v1/slots?from=2027-03-01 09:00")
    (wrong,) = answer.json()["errors"]
    assert "%2B" not in wrong["detail"]


@pytest.mark.parametrize(
    ("tag", "seen"),
    [(None, None), ("*", None), ('"7"', 7), (' "7" ', 7), ('W/"7"', 7), ('"abc"', -1), ('""', -1)],
)
def test_what_an_etag_says(tag: str | None, seen: int | None) -> None:
    assert expected_version(tag) == seen


@pytest.mark.parametrize("tag", ["7", "abc", '"7', "w/7", "'7'", '"7" x', "", "**", '"7", "8"'])
def test_what_is_no_etag_is_told_as_that(tag: str) -> None:
    with pytest.raises(Invalid) as refused:
        expected_version(tag)
    (wrong,) = refused.value.extras["errors"]
    assert (wrong["in"], wrong["pointer"], wrong["code"]) == ("header", "/If-Match", "etag")
    assert ("one ETag" in wrong["detail"]) is ("," in tag)


async def test_who_has_seen_an_older_version_is_told_the_present_one(api: Api) -> None:
    doctor = await api.doctor(await api.clinic())
    one = f"/v1/doctors/{doctor['id']}"

    async def change(tag: str) -> Any:
        return await api.send(
            "PATCH", one, api.admin, json={"title": "Dr."}, headers={"If-Match": tag}
        )

    for tag in ('"9"', '"abc"'):
        stale = await change(tag)
        assert code_of(stale) == (412, "precondition_failed")
        assert stale.headers["etag"] == (await api.get(one)).headers["etag"]
        assert "version" not in stale.json()
    # A proxy that packs an answer makes its tag a weak one.
    assert (await change(f"W/{stale.headers['etag']}")).status_code == 200
    assert told(await change("1")) == {("header", "/If-Match", "etag")}


async def test_whose_hold_it_is_has_to_be_shown(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    hold = (await api.post("/v1/holds", {"time_slot_id": slot["id"]})).json()
    wish = {"time_slot_id": slot["id"], "hold_id": hold["id"]}
    refused = await api.post("/v1/bookings", wish, patient)
    assert code_of(refused) == (409, "slot_held")
    assert "Hold-Token" in refused.json()["detail"]
    other = await api.post("/v1/bookings", {"time_slot_id": slot["id"]}, patient)
    assert "Hold-Token" not in other.json()["detail"]
    token = {"Hold-Token": hold["hold_token"]}
    booked = await api.post("/v1/bookings", wish, patient, headers=token)
    assert booked.status_code == 201


async def test_what_somebody_changes_of_their_account_reaches_their_record(api: Api) -> None:
    patient, other = await api.patient(), await api.patient()
    before = (await api.get(f"/v1/patients/{patient.patient_id}", patient)).json()
    change = {"full_name": "Example Newname", "locale": "de-DE", "time_zone": "Europe/Berlin"}
    changed = await api.send("PATCH", "/v1/me", patient, json=change)
    assert changed.status_code == 200
    after = (await api.get(f"/v1/patients/{patient.patient_id}", patient)).json()
    assert {name: after[name] for name in change} == change
    assert after["version"] == before["version"] + 1
    untouched = (await api.get(f"/v1/patients/{other.patient_id}", other)).json()
    assert untouched["full_name"] == "Example Patient"
    await api.send("PATCH", "/v1/me", patient, json={})
    assert (await api.get(f"/v1/patients/{patient.patient_id}", patient)).json() == after


def codes_in_the_source() -> set[str]:
    """What is said by a name is found by comparing answers with the document, in all tests."""
    found = {code for _, code in (*OURS.values(), *BOUNDS.values())}
    found |= {"unknown_field", "unknown_parameter", "invalid", "password_too_weak"}
    for place in SOURCE.rglob("*.py"):
        text = place.read_text(encoding="utf-8")
        # To parse all files takes a second.
        if "Invalid.field" not in text and "pointer" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Invalid.field":
                given = node.args[2:3] + [one.value for one in node.keywords if one.arg == "code"]
                found |= {one.value for one in given if isinstance(one, ast.Constant)}
            elif isinstance(node, ast.Dict):
                named = dict(zip(map(_text, node.keys), node.values, strict=True))
                if "pointer" in named and isinstance(named.get("code"), ast.Constant):
                    found.add(ast.literal_eval(named["code"]))
    return found


def _text(key: ast.expr | None) -> str:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def test_the_list_of_codes_is_closed_and_in_the_document() -> None:
    used = codes_in_the_source()
    assert used - FIELD_CODES.keys() == set()
    code = document_of_all()["components"]["schemas"]["FieldProblem"]["properties"]["code"]
    assert code["enum"] == list(FIELD_CODES) == sorted(FIELD_CODES)
