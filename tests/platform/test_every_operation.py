"""What every operation has in common, asked of each: the errors that all of its kind document."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from httpx import Response

from booking_system.identity.adapters.tokens import SignedAccessTokens
from booking_system.platform.http.budgets import budgets_for
from booking_system.platform.http.guarded import GuardedRoute
from booking_system.shared_kernel.identifiers import SessionId, UserId
from tests.api import Api, Person, code_of, document_of_all, running_api
from tests.postgres import TestServer

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Operation:
    """One operation, with the example of its own document."""

    method: str
    path: str
    about: dict[str, Any]

    @property
    def codes(self) -> set[str]:
        return {
            code
            for response in self.about["responses"].values()
            for media in response.get("content", {}).values()
            for code in media.get("examples", {})
        }

    @property
    def body(self) -> tuple[str, Any] | None:
        content = self.about.get("requestBody", {}).get("content", {})
        return next(((kind, media["example"]) for kind, media in content.items()), None)

    @property
    def address(self) -> str:
        examples = {
            p["name"]: p["example"] for p in self.about.get("parameters", ()) if "example" in p
        }
        return self.path.format(**examples)

    async def ask(
        self, api: Api, by: Person | None = None, query: str = "", **about: Any
    ) -> Response:
        if self.body is not None and not {"content", "headers"} & about.keys():
            kind, example = self.body
            about["data" if kind == FORM else "json"] = example
        return await api.send(self.method, self.address + query, by, **about)


SEALED = {"/v1/uploads/{token}", "/v1/downloads/{token}"}
"""What is no address of theirs is told before a body or the database is asked: `tests/files` has
what they say behind that."""


def those_that_say(code: str) -> list[Operation]:
    operations = [
        Operation(method.upper(), path, about)
        for path, operations in document_of_all()["paths"].items()
        for method, about in operations.items()
    ]
    chosen = [operation for operation in operations if code in operation.codes]
    assert len(chosen) > 5
    return chosen


async def test_a_token_that_does_not_hold_is_refused(api: Api) -> None:
    for operation in those_that_say("unauthenticated"):
        answer = await operation.ask(api, headers={"Authorization": "Bearer none"})
        assert code_of(answer) == (401, "unauthenticated"), operation


async def test_a_token_that_has_expired_is_told_apart(api: Api) -> None:
    tokens: SignedAccessTokens = api.container.identity.access_tokens()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    user, session = UserId(api.admin.user_id), SessionId(api.admin.user_id)
    old = Person(user, tokens.sign(user, session, yesterday))
    for operation in those_that_say("token_expired"):
        assert code_of(await operation.ask(api, old)) == (401, "token_expired"), operation


LARGER_THAN_ANY = 512 * 1024 + 1
"""Templates of clinics are the longest bodies."""
WRONG_BODIES = {
    "malformed_request": (400, lambda kind: {"content": b"\xff", "kind": kind}),
    "body_too_large": (413, lambda kind: {"content": b" " * LARGER_THAN_ANY, "kind": kind}),
    "unsupported_media_type": (415, lambda kind: {"content": b"x", "kind": "text/plain"}),
}


@pytest.mark.parametrize("code", WRONG_BODIES)
async def test_a_body_that_cannot_be_read_is_refused(api: Api, code: str) -> None:
    status, wrong = WRONG_BODIES[code]
    for operation in those_that_say(code):
        if operation.path in SEALED:
            continue
        assert operation.body is not None
        body = wrong(operation.body[0])
        about = {"content": body["content"], "headers": {"Content-Type": body["kind"]}}
        assert code_of(await operation.ask(api, api.admin, **about)) == (status, code), operation


async def test_a_parameter_that_is_not_known_is_refused(api: Api) -> None:
    for operation in those_that_say("validation_error"):
        answer = await operation.ask(api, api.admin, query="?surprise=1")
        assert code_of(answer) == (422, "validation_error"), operation


@pytest.fixture
def broken_endpoints(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every endpoint has a bug."""

    async def buggy(**_: Any) -> None:
        raise LookupError("a row value that nobody may read")

    for route in api.app.router.routes:
        if isinstance(route, GuardedRoute) and route.include_in_schema:
            monkeypatch.setattr(route.dependant, "call", buggy)
            monkeypatch.setattr(route, "_shortcut", None)
            # Of an address that another test has asked for before.
            monkeypatch.setattr(route, "_unnoted", buggy)


@pytest.mark.usefixtures("broken_endpoints")
async def test_a_bug_is_an_internal_error_and_the_examples_get_that_far(api: Api) -> None:
    patient = await api.patient()
    for operation in those_that_say("internal_error"):
        answer = await operation.ask(api, api.admin)
        if answer.status_code == 403:
            answer = await operation.ask(api, patient)
        assert code_of(answer) == (500, "internal_error"), operation
        assert "row value" not in answer.text


async def test_without_a_database_every_operation_says_to_come_back(
    postgres: TestServer, tmp_path: Path
) -> None:
    async with postgres.database() as gone:
        context = running_api(gone, tmp_path)
        api = await context.__aenter__()
        everything = those_that_say("dependency_unavailable")
        operations = [one for one in everything if one.path not in SEALED]
        await api.container.database().close()
    for operation in operations:
        answer = await operation.ask(api, api.admin)
        assert code_of(answer) == (503, "dependency_unavailable"), operation
    await context.__aexit__(None, None, None)


async def test_without_a_free_connection_every_operation_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = those_that_say("overloaded")
    # What asks nobody is refused at the entrance only.
    asking = [one for one in everything if "dependency_unavailable" in one.codes]
    operations = [one for one in asking if one.path not in SEALED]
    monkeypatch.setattr("booking_system.platform.postgres.leases.WAIT_SECONDS", 0.01)
    leases = api.container.leases()
    async with AsyncExitStack() as held:
        for _ in range(leases.size):
            await held.enter_async_context(leases.leased())
        for operation in operations:
            answer = await operation.ask(api, api.admin)
            assert code_of(answer) == (503, "overloaded"), operation


async def test_where_there_is_no_room_every_operation_is_refused_but_health(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = those_that_say("overloaded")
    monkeypatch.setattr("booking_system.platform.http.entrance.MOST_WAITING_PER_PLACE", 0)
    monkeypatch.setattr("booking_system.platform.http.entrance.CALM_SECONDS", 0.01)
    entrance = api.container.entrance()
    tickets = [entrance.begin(perf_counter()) for _ in range(entrance.most_inside)]
    assert all(map(entrance.enter_at_once, tickets))
    for operation in operations:
        answer = await operation.ask(api, api.admin)
        if operation.path == "/health/ready":
            assert answer.status_code == 200
        else:
            assert code_of(answer) == (503, "overloaded"), operation
            assert answer.headers["retry-after"] == "1"
    for ticket in tickets:
        entrance.end(ticket)
    while entrance.is_pressed:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_where_a_budget_is_used_up_every_operation_is_refused_but_health(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = those_that_say("rate_limited")
    budgets = budgets_for(rate_limit=True, reads=1, writes=1)
    monkeypatch.setitem(api.app.state._state, "budgets", budgets)
    for by in (None, api.admin):
        await api.get("/v1/me", by)
        await api.post("/v1/clinics", by=by)
    for operation in operations:
        answer = await operation.ask(api, api.admin)
        assert code_of(answer) == (429, "rate_limited"), operation
        assert int(answer.headers["retry-after"]) > 0
    assert (await api.get("/health/ready")).status_code == 200


async def webhook_endpoint(api: Api, clinic_id: str | None = None) -> dict[str, Any]:
    url = "https://93.184.215.14/hook"
    return await api.made("/v1/webhook-endpoints", {"url": url, "clinic_id": clinic_id})


async def test_a_cursor_that_no_list_gave_out_is_refused(api: Api) -> None:
    doctor = await api.doctor(await api.clinic())
    desk = await api.receptionist(doctor["clinic_id"])
    there = {
        # A cursor is read before anybody is asked about a booking, or its room.
        "booking_id": doctor["id"],
        "room_id": doctor["id"],
        "clinic_id": doctor["clinic_id"],
        "doctor_id": doctor["id"],
        "user_id": desk.user_id,
        "endpoint_id": (await webhook_endpoint(api))["id"],
    }
    for operation in those_that_say("invalid_cursor"):
        path = operation.path.format(**there)
        answer = await api.get(path, api.admin, cursor="made-up")
        assert code_of(answer) == (422, "invalid_cursor"), operation


async def test_a_change_to_an_older_version_is_refused(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    clinic = {"id": slot["clinic_id"]}
    booked, closed = await api.slot(clinic), await api.slot(clinic)
    booking = (await api.book(booked, patient)).json()
    await api.post(f"/v1/slots/{closed['id']}/close", by=api.admin)
    hours = {
        "weekdays": [1],
        "start_time": "09:00",
        "end_time": "10:00",
        "slot_minutes": 30,
        "valid_from": "2090-01-01",
    }
    rule = await api.made(f"/v1/doctors/{slot['doctor_id']}/availability", hours)
    away = {"starts_at": "2090-01-01T09:00:00Z", "ends_at": "2090-01-01T10:00:00Z"}
    time_off = await api.made(f"/v1/doctors/{slot['doctor_id']}/time-off", away)
    days = {"dates": ["2090-01-01"]}
    closures = await api.made(f"/v1/clinics/{clinic['id']}/closures", days)
    there = {
        "rule_id": rule["id"],
        "time_off_id": time_off["id"],
        "closure_id": closures["items"][0]["id"],
        "clinic_id": clinic["id"],
        "doctor_id": slot["doctor_id"],
        "service_id": (await api.service(clinic))["id"],
        "slot_id": closed["id"],
        "patient_id": patient.patient_id,
        "booking_id": booking["id"],
        "endpoint_id": (await webhook_endpoint(api, clinic["id"]))["id"],
        "kind": "reminder",
        "language": "en",
    }
    desk = await api.clinic_admin(clinic["id"])
    new = {"clinic_id": clinic["id"], "full_name": "Example Patient"}
    stays, goes = [await api.made("/v1/patients", new, desk) for _ in range(2)]
    for operation in those_that_say("precondition_failed"):
        path = operation.path.format(**there)
        by = patient if "{patient_id}" in operation.path else desk
        if operation.path.endswith("/merge"):
            path = operation.path.format(patient_id=stays["id"])
            body = {"duplicate_id": goes["id"]}
            answer = await api.post(path, body, desk, headers={"If-Match": '"999"'})
            assert code_of(answer) == (412, "precondition_failed")
            continue
        by = api.admin if operation.path == "/v1/clinics/{clinic_id}" else by
        body = {} if operation.body is None else {"json": operation.body[1]}
        answer = await api.send(operation.method, path, by, headers={"If-Match": '"999"'}, **body)
        assert code_of(answer) == (412, "precondition_failed"), operation
