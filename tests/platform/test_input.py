"""Input is read strictly, and what is wrong is said without repeating it."""

import json
from typing import Any

import pytest

from tests.api import Api, Person, code_of

SLOT = "0192f0c1-2b3c-7d4e-8f50-617283940001"
SECRET = "hush-hush"


async def _send(api: Api, person: Person, raw: bytes, kind: str = "application/json") -> Any:
    headers = {"Content-Type": kind} if kind else {}
    return await api.send("POST", "/v1/bookings", person, content=raw, headers=headers)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null nonsense",
        b'{"reason": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"reason": 1e400, }',
        b"[" * 100_0,
    ],
)
async def test_what_is_no_json_is_malformed(api: Api, raw: bytes) -> None:
    answer = await _send(api, await api.patient(), raw)

    assert code_of(answer) in {(400, "malformed_request"), (422, "validation_error")}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"time_slot_id": "%s", "reason": "hush-hush\\u0000"}' % SLOT.encode(),
        b'{"time_slot_id": "%s", "reason": "hush-hush\\ud800"}' % SLOT.encode(),
        b'{"time_slot_id": "%s", "reason": "a", "reason": "b"}' % SLOT.encode(),
        b'{"hush-hush\\u0000": 1}',
        b'{"reason": NaN}',
        b'{"reason": -Infinity}',
        b'{"reason": 1e400}',
        b'{"reason": 123456789012345678901234567890}',
        b'{"reason": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'"hush-hush"',
        b'["hush-hush"]',
        b'{"time_slot_id": "hush-hush"}',
        b'{"time_slot_id": 17}',
        b'{"time_slot_id": null}',
        b'{"hush-hush ": 1}',
        json.dumps({"time_slot_id": SLOT, "reason": "x" * 2001}).encode(),
        json.dumps({"time_slot_id": SLOT, "reason": ""}).encode(),
        json.dumps({"time_slot_id": SLOT, "status": "confirmed"}).encode(),
        json.dumps({"time_slot_id": SLOT, "price": {"amount": 0}}).encode(),
    ],
)
async def test_what_no_field_can_hold_is_refused_and_not_repeated(api: Api, raw: bytes) -> None:
    answer = await _send(api, await api.patient(), raw)

    assert code_of(answer) == (422, "validation_error")
    assert SECRET not in answer.text


async def test_only_json_of_a_bounded_size_is_read(api: Api) -> None:
    patient = await api.patient()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = await _send(api, patient, b"{}", kind)
        assert code_of(answer) == (415, "unsupported_media_type")
    answer = await _send(api, patient, b'"' + b"x" * 70_000 + b'"')
    assert code_of(answer) == (413, "body_too_large")

    async def chunks() -> Any:
        for _ in range(9):
            yield b" " * 10_000

    headers = {"Content-Type": "application/json"}
    answer = await api.send("POST", "/v1/bookings", patient, content=chunks(), headers=headers)
    assert code_of(answer) == (413, "body_too_large")


async def test_the_caller_is_asked_for_before_the_body_is_read(api: Api) -> None:
    answer = await api.client.post("/v1/bookings", content=b"{")

    assert code_of(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path",
    ["/v1/clinics?q=a%00", "/v1/clinics?q=%ED%A0%80", "/v1/clinics?q=%FF", "/v1/clinics?q=a&%00=b"],
)
async def test_a_query_is_read_as_strictly(api: Api, path: str) -> None:
    assert code_of(await api.client.get(path)) == (422, "validation_error")


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/slots/", "/nothing", "/v1/bookings/x/y", "/%00"]
)
async def test_an_unknown_path_is_a_problem_too(api: Api, path: str) -> None:
    assert code_of(await api.client.get(path)) == (404, "not_found")


async def test_a_wrong_method_names_the_right_ones(api: Api) -> None:
    answer = await api.client.put("/v1/bookings")

    assert code_of(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    answer = await api.client.post(f"/v1/slots/{SLOT}")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"
    for path in ("/v1/slots/next", "/v1/slots/calendar"):
        for method in ("PATCH", "DELETE"):
            answer = await api.send(method, path, api.admin)
            assert code_of(answer) == (405, "method_not_allowed")
            assert answer.headers["allow"] == "GET, HEAD"


async def test_what_can_be_read_can_be_asked_for_its_headers_alone(api: Api) -> None:
    whole, head = await api.get("/v1/slots"), await api.client.head("/v1/slots")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["etag"] == whole.headers["etag"]
    assert code_of(await api.client.put("/v1/bookings")) == (405, "method_not_allowed")


async def test_the_request_id_is_echoed_or_made(api: Api) -> None:
    given = await api.client.get("/health/live", headers={"X-Request-ID": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    for wrong in ("", "a b", "x" * 65, "<script>"):
        answer = await api.client.get("/v1/nothing", headers={"X-Request-ID": wrong})
        made = answer.headers["x-request-id"]
        assert made != wrong
        assert len(made) == 32
        assert answer.json()["instance"] == f"urn:request:{made}"


async def test_the_problem_names_its_page(api: Api) -> None:
    problem = (await api.client.get("/v1/nothing")).json()

    assert problem["type"] == "http://test/problems/not_found"
    assert problem["title"] == "There is no such thing, or not for you."


async def test_a_bug_is_a_problem_without_a_word_about_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: Any) -> None:
        message = f"row value {SECRET}"
        raise RuntimeError(message)

    monkeypatch.setitem(api.app.state._state, "authenticate", broken)

    answer = await api.client.get("/v1/slots", headers={"X-Request-ID": "abc"})

    assert code_of(answer) == (500, "internal_error")
    assert answer.headers["x-request-id"] == "abc"
    assert SECRET not in answer.text
    assert SECRET not in "".join(capsys.readouterr())
