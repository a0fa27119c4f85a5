"""Each request is one log line, which says nothing that the client wrote."""

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Any

import httpx
import structlog
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send

from booking_system.bootstrap import logs
from booking_system.bootstrap.settings import Settings
from booking_system.platform.http.edge import Edge
from booking_system.platform.http.entrance import Entrance
from booking_system.platform.http.rejection import Rejection
from booking_system.platform.observability.metrics import RequestMetrics
from booking_system.platform.postgres.transaction import Database
from tests.api import Api, code_of
from tests.platform.instances import instance
from tests.platform.logged import QUOTED, QUOTING, SECRET, lines_of

NOBODY = "0192f0c1-2b3c-7d4e-8f50-617283940001"


async def test_a_request_is_one_line_with_the_routes_template(
    stream: io.StringIO, api: Api
) -> None:
    answer = await api.get(f"/v1/slots/{NOBODY}")
    (line,) = lines_of(stream)
    assert line.pop("timestamp")
    assert 0 < line.pop("duration_ms") < 10_000
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": answer.headers["x-request-id"],
        "instance": answer.headers["x-instance"],
        "method": "GET",
        "route": "/v1/slots/{slot_id}",
        "status": 404,
        "code": code_of(answer)[1],
    }


async def test_a_success_has_no_code(stream: io.StringIO, api: Api) -> None:
    assert (await api.get("/v1/clinics")).status_code == 200
    (line,) = lines_of(stream)
    assert "code" not in line
    assert (line["route"], line["status"]) == ("/v1/clinics", 200)


async def test_a_path_of_nobody_and_a_method_of_nobody_are_not_quoted(
    stream: io.StringIO, api: Api
) -> None:
    await api.send(SECRET.upper(), f"/{SECRET}", params={"q": SECRET})
    await api.send("DELETE", "/v1/clinics")
    await api.send("HEAD", f"/v1/slots/{NOBODY}")
    assert [
        (line["method"], line["route"], line["status"], line["code"]) for line in lines_of(stream)
    ] == [
        ("OTHER", "unmatched", 404, "not_found"),
        ("DELETE", "/v1/clinics", 405, "method_not_allowed"),
        ("HEAD", "/v1/slots/{slot_id}", 404, "slot_not_found"),
    ]
    assert SECRET.lower() not in stream.getvalue().lower()


async def test_machines_are_logged_at_debug_level_only(stream: io.StringIO, api: Api) -> None:
    machines = ("/health/live", "/health/ready", "/metrics")
    for path in machines:
        await api.get(path)
    assert stream.getvalue() == ""
    logs.configure(Settings(log_format="json", log_level="debug"), stream)
    for path in machines:
        await api.get(path)
    lines = [line for line in lines_of(stream) if line["event"] == "request"]
    assert [(line["level"], line["route"]) for line in lines] == [
        ("debug", path) for path in machines
    ]


async def test_every_line_of_a_request_carries_its_id_and_no_others(
    stream: io.StringIO, own_api: Api
) -> None:
    async with own_api.container.database().transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE clinics RENAME TO elsewhere")
    ids = [f"request-{number}" for number in range(20)]
    answers = await asyncio.gather(
        *(own_api.send("GET", "/v1/clinics", headers={"X-Request-ID": one}) for one in ids)
    )
    assert {code_of(answer) for answer in answers} == {(500, "internal_error")}
    # In this very task, unlike those above.
    await own_api.get("/v1/clinics")
    structlog.get_logger("test").warning("afterwards")
    *lines, last = lines_of(stream)
    assert "request_id" not in last
    for one in ids:
        events = [line["event"] for line in lines if line["request_id"] == one]
        assert events == ["internal_error", "request"]
    errors = [line for line in lines if line["event"] == "internal_error"]
    assert all(line["error"] and line["place"] for line in errors)


async def served_by(app: Any) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    metrics = RequestMetrics(CollectorRegistry())
    nothing = frozenset[str]()
    edge = Edge(
        app,
        entrance=Entrance(most_inside=1, always=nothing, tell=metrics.turned_away),
        rejection=Rejection(public_url="", instance="here", new_id=lambda: "made"),
        metrics=metrics,
        quiet=nothing,
    )
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with contextlib.suppress(asyncio.CancelledError):
        await edge(scope, None, send)  # type: ignore[arg-type]
    return sent


async def test_a_request_that_was_given_up_has_no_status(stream: io.StringIO) -> None:
    async def given_up(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    assert await served_by(given_up) == []
    (line,) = lines_of(stream)
    assert (line["request_id"], line["status"]) == ("made", 0)


async def test_an_answer_that_broke_off_is_an_internal_error(stream: io.StringIO) -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError(SECRET)

    (start,) = await served_by(breaks_off)
    assert start["status"] == 200
    reported, line = lines_of(stream)
    assert (reported["event"], reported["error"]) == ("internal_error", "ValueError")
    assert (line["status"], line["code"]) == (200, "internal_error")
    assert SECRET not in stream.getvalue()


def talk_about_the_secret(client: httpx.Client) -> list[tuple[int, str | None]]:
    """Whatever a client may say, said with the secret in it."""
    email = f"{SECRET}@example.com"
    account = {"email": email, "password": f"{SECRET} of nowhere", "full_name": SECRET}
    form = {"grant_type": "password", "username": email, "password": SECRET}
    return [
        code_of(answer)
        for answer in (
            client.get(f"/{SECRET}", params={"q": SECRET}),
            client.get("/v1/slots", params={SECRET: SECRET}),
            client.get(f"/v1/slots/{SECRET}"),
            client.post("/v1/auth/register", json={**account, "locale": SECRET * 9, SECRET: 1}),
            client.post("/v1/auth/register", content=f'{{"email": "{SECRET}'),
            client.post("/v1/auth/token", data=form),
            client.post("/v1/auth/register", json=account),
            client.get("/v1/me", headers={"Authorization": f"Bearer {SECRET}"}),
            client.get("/v1/me", headers={"X-Request-ID": f"{SECRET} {SECRET}"}),
        )
    ]


async def test_nothing_that_a_client_says_is_in_any_line_of_a_real_instance(
    own_database: Database, own_database_url: str, tmp_path: Path
) -> None:
    async with own_database.transaction() as connection:
        for statement in (QUOTING, QUOTED):
            await connection.exec_driver_sql(statement)
    with instance(own_database_url, tmp_path) as running:
        with running.client() as client:
            said = await asyncio.to_thread(talk_about_the_secret, client)
            # No HTTP at all: it does not come as far as to us.
            assert client.request(SECRET.upper(), "/v1/me").status_code == 400
        running.end()
    assert said.count((500, "internal_error")) == 1, said
    assert {404, 422, 401} <= {status for status, _ in said}
    lines = running.lines("request")
    assert len([line for line in lines if line["level"] == "info"]) == len(said)
    everything = "".join(running.text).lower()
    assert SECRET.lower() not in everything
    assert "@example" not in everything
    assert "?q=" not in everything
