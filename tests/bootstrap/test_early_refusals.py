"""The server refuses what finds no place by itself, and says what the application would say."""

import asyncio
from typing import cast

import asyncpg
import httpx
import orjson
import pytest

from booking_system.bootstrap.early_refusals import EarlyRefusals
from booking_system.platform.http import entrance
from booking_system.platform.http.entrance import COMING
from tests.api import code_of
from tests.bootstrap.wire import BODY, GET, POST, URL, Wire, responses_in
from tests.patience import PATIENCE, soon, turns
from tests.platform.instances import numbers_in, total
from tests.platform.real_server import real_server
from tests.stage import Stage


async def test_it_is_the_same_problem_as_from_the_application() -> None:
    named = GET.replace(b"\r\n\r\n", b"\r\nX-Request-ID: of-mine\r\n\r\n")
    (answer,) = Wire().full().told(named)
    assert code_of(answer) == (503, "overloaded")
    problem = answer.json()
    assert problem["type"] == f"{URL}/problems/overloaded"
    assert problem["instance"] == "urn:request:of-mine"
    assert dict(answer.headers) == {
        "date": "today",
        "retry-after": "1",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-type": "application/problem+json",
        "x-instance": "here",
        "x-request-id": "of-mine",
        "content-length": str(len(answer.content)),
    }


async def test_a_name_that_could_break_the_answer_is_replaced() -> None:
    named = GET.replace(b"\r\n\r\n", b'\r\nX-Request-ID: a"b\r\n\r\n')
    (answer,) = Wire().full().told(named)
    assert answer.headers["x-request-id"] == "made"
    assert orjson.loads(answer.content)["instance"] == "urn:request:made"


async def test_the_connection_goes_on_and_a_body_is_no_request() -> None:
    wire = Wire().full()
    for pieces in ([POST + BODY], [POST, BODY], [POST, BODY[:5], BODY[5:]]):
        answers = [answer for piece in pieces for answer in wire.told(piece)]
        assert [answer.status_code for answer in answers] == [503]
    assert [answer.status_code for answer in wire.told(GET + GET)] == [503, 503]
    assert not wire.is_closed
    wire.entrance.inside = 0
    assert wire.told(GET) == []
    await turns()
    assert len(wire.served) == 1
    assert wire.entrance._refused == {"GET": 3, "POST": 3}


async def test_an_answer_to_head_has_no_body() -> None:
    (answer,) = Wire().full().told(GET.replace(b"GET", b"HEAD", 1))
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 100


@pytest.mark.parametrize(
    "request_", [GET.replace(b"1.1", b"1.0"), GET.replace(b"x", b"x\r\nConnection: close")]
)
async def test_a_client_that_wants_to_hang_up_may(request_: bytes) -> None:
    wire = Wire().full()
    (answer,) = wire.told(request_)
    assert answer.headers["connection"] == "close"
    assert wire.is_closed


async def test_an_idle_connection_is_closed_after_a_refusal() -> None:
    wire = Wire().full()
    wire.protocol.timeout_keep_alive = 0
    wire.told(GET)
    await soon(lambda: wire.is_closed)


async def test_a_client_that_hangs_up_after_a_refusal_troubles_nobody() -> None:
    wire = Wire().full()
    wire.told(GET)
    wire.protocol.connection_lost(None)
    assert wire.is_closed


UNUSUAL = {
    "health": GET.replace(b"/v1/slots", b"/alive"),
    "health with a query": GET.replace(b"/v1/slots", b"/alive?x"),
    "a page of another site": GET.replace(b"x", b"x\r\nOrigin: x"),
    "a client that waits for leave": POST.replace(b": x", b": x\r\nExpect: 100-continue"),
}


@pytest.mark.parametrize("which", UNUSUAL)
async def test_the_application_decides_about_what_is_unusual(which: str) -> None:
    wire = Wire().full()
    assert wire.told(UNUSUAL[which]) == []
    await turns()
    assert len(wire.served) == 1
    assert wire.entrance.coming == 0


async def test_without_pressure_nothing_is_refused_or_counted() -> None:
    wire = Wire()
    wire.entrance.inside = 1000
    assert wire.told(GET) == []
    await turns()
    (scope,) = wire.served
    assert COMING not in scope


async def test_many_that_arrive_together_do_not_all_get_in() -> None:
    wire = Wire().full()
    wire.entrance.inside = 0
    assert wire.told(GET) == []
    # The task of the first has not run yet, but its place is taken.
    assert wire.entrance.coming == 1
    other = EarlyRefusals(wire.protocol.config, wire.protocol.server_state, {})
    other.connection_made(cast("asyncio.Transport", wire))
    other.data_received(GET)
    assert [answer.status_code for answer in responses_in(wire.written)] == [503]
    await turns()
    (scope,) = wire.served
    assert scope[COMING]


async def test_a_whole_server_refuses_and_lives_and_recovers(
    database_url: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "CALM_SECONDS", 0.1)
    tables = await asyncpg.connect(database_url)
    async with (
        real_server(stage, max_requests_inside=2) as server,
        httpx.AsyncClient(base_url=server.http, timeout=PATIENCE, limits=NO_LIMITS) as client,
    ):
        before = refused_in((await client.get("/metrics")).text)
        async with tables.transaction():
            # Whoever is inside waits for this lock.
            await tables.execute("LOCK TABLE clinics IN ACCESS EXCLUSIVE MODE")
            asked = [asyncio.ensure_future(client.get("/v1/clinics")) for _ in range(60)]
            # Those who find no place hear so while the lock is held.
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            for path in ("/health/live", "/health/ready", "/metrics"):
                assert (await client.get(path)).status_code == 200
        answers = await asyncio.gather(*asked)
        told = [code_of(answer) for answer in answers]
        assert set(told) == {(200, None), (503, "overloaded")}
        assert told.count((503, "overloaded")) >= 60 - 2 - 2 * 8
        assert {a.headers["retry-after"] for a in answers if a.status_code == 503} == {"1"}
        assert {len(a.headers["x-instance"]) for a in answers} == {8}
        assert len({a.headers["x-request-id"] for a in answers}) == 60
        await until_it_serves(client)
        # They are told of now and then, and a last time when all is calm again.
        await soon(lambda: not server.api.container.entrance().is_pressed)
        after = refused_in((await client.get("/metrics")).text)
        assert after - before == told.count((503, "overloaded"))
    await tables.close()


def refused_in(metrics: str) -> float:
    labels = {"route": "unmatched", "status": "503"}
    return total(numbers_in(metrics), "booking_http_requests_total", **labels)


async def until_it_serves(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    for _ in range(100):
        answer = await client.get("/v1/clinics")
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.1)
    assert answer.status_code == 200


NO_LIMITS = httpx.Limits(max_connections=100)
