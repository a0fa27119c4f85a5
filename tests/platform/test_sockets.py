"""WebSockets through the real server: who opens one, from which page, and how it ends."""

import asyncio
import io
import json
import socket
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Scope
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from booking_system.bootstrap import logs
from booking_system.bootstrap.bounded_sockets import MOST_MESSAGE_BYTES
from booking_system.bootstrap.settings import Settings
from booking_system.identity.domain.policies import clinic_side, public, signed_in
from booking_system.platform.http import lives, open_socket
from booking_system.platform.http.assembly import UnguardedRouteError, refuse_unguarded
from booking_system.platform.http.lives import Authority
from booking_system.platform.http.open_socket import Socket, SocketClosed, SocketLimits
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, Unauthenticated
from tests.api import Person, code_of
from tests.patience import PATIENCE, soon
from tests.platform.own_routes import add_routes
from tests.platform.real_server import RealServer, real_server
from tests.platform.test_streams import end_all_sessions, grown, lines_of, metric
from tests.stage import Stage

SPOKEN = "example.v1"
ONCE = "ticket.dGlja2V0"


class Tickets:
    """Admits each ticket once."""

    prefix = "ticket."

    def __init__(self) -> None:
        self.left = {"dGlja2V0": "somebody"}

    async def admit(self, scope: Scope, ticket: str | None) -> Any:
        try:
            return Known(self.left.pop(ticket or ""))
        except KeyError:
            raise Unauthenticated from None

    def authority(self, scope: Scope, ticket: str | None, caller: Any) -> Authority | None:
        return None


TICKETS = Tickets()


@dataclass(frozen=True)
class Known:
    user_id: str


@dataclass
class Rooms:
    """Sockets that do as they are told."""

    ended: int = 0
    seen: list[Any] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)

    def routes(self) -> Routes:
        routes = Routes("Rooms")
        about: dict[str, Any] = {"protocol": SPOKEN}
        routes.socket("/v1/rooms/{room_id}", self.talk, policy=signed_in, **about)
        routes.socket("/v1/desks", self.talk, policy=clinic_side, **about)
        routes.socket("/v1/halls", self.talk, policy=public, **about)
        routes.socket("/v1/doors", self.talk, policy=signed_in, admission=TICKETS, **about)
        small = SocketLimits(most_bytes=100, per_second=1.0, at_once=5)
        routes.socket("/v1/small", self.talk, policy=public, limits=small, **about)
        return routes

    async def talk(self, socket: Socket) -> None:
        self.sockets.append(socket)
        self.seen.append((socket.caller, socket.path_params))
        try:
            async for text in socket.messages():
                if text == "bye":
                    socket.send("bye")
                    return
                if text == "closed":
                    raise SocketClosed(4409, "replaced")
                if text == "absent":
                    raise NotFound
                if text == "fail":
                    raise ZeroDivisionError
                socket.send({"said": text})
        finally:
            self.ended += 1


ROOMS = Rooms()
ROUTES = ROOMS.routes()


@pytest.fixture
def rooms() -> Rooms:
    for one in (ROOMS, TICKETS):
        one.__init__()  # type: ignore[misc]
    return ROOMS


@pytest.fixture
async def server(database_url: str, stage: Stage, rooms: Rooms) -> AsyncIterator[RealServer]:
    about = {"cors_origins": "https://pages.example.com"}
    async with real_server(stage, ROUTES, **about) as server:
        yield server


def opened(
    server: RealServer, path: str, *offered: str, by: Person | None = None, **about: Any
) -> connect:
    headers = {**(by.headers if by else {}), **about.pop("headers", {})}
    return connect(
        f"{server.ws}{path}",
        subprotocols=[SPOKEN, *offered],  # type: ignore[list-item]
        additional_headers=headers,
        open_timeout=PATIENCE,
        proxy=None,
        **about,
    )


async def said(socket: ClientConnection) -> Any:
    return json.loads(await socket.recv())


async def closed(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:
        async with asyncio.timeout(PATIENCE):
            while True:
                await socket.recv()
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


async def refused(opening: connect) -> tuple[int, str | None]:
    with pytest.raises(InvalidStatus) as caught:
        await opening
    answer = caught.value.response
    assert answer.headers["x-request-id"]
    assert answer.headers["x-instance"]
    return code_of(
        httpx.Response(
            answer.status_code, headers=dict(answer.headers), content=bytes(answer.body or b"")
        )
    )


async def test_messages_go_both_ways_and_the_handshake_is_named(
    server: RealServer, rooms: Rooms, stream: io.StringIO
) -> None:
    by, before = await server.api.person(), await metric(server, "booking_")
    headers = {"X-Request-ID": "chosen-id"}
    async with opened(server, "/v1/rooms/17", by=by, headers=headers) as one:
        assert one.response is not None
        assert one.response.headers["x-request-id"] == "chosen-id"
        assert one.response.headers["x-instance"]
        assert one.subprotocol == SPOKEN
        assert "sec-websocket-extensions" not in one.response.headers
        await one.send("héllo")
        assert await said(one) == {"said": "héllo"}
        assert await metric(server, "booking_streams_open{") == {
            'booking_streams_open{kind="socket"}': 1.0
        }
        assert server.api.container.entrance().inside == 0
        await one.send("bye")
        assert await said(one) == "bye"
        assert await closed(one) == (1000, "done")
    ((caller, params),) = rooms.seen
    assert (caller.user_id, params) == (by.user_id, {"room_id": "17"})
    await soon(lambda: len(server.lives) == 0)
    (line,) = [one for one in lines_of(stream) if one["event"] == "socket"]
    about = {name: line[name] for name in ("request_id", "route", "status", "reason")}
    assert about == {
        "request_id": "chosen-id",
        "route": "/v1/rooms/{room_id}",
        "status": 101,
        "reason": "done",
    }
    assert (line["received"], line["received_bytes"], line["sent"]) == (2, 9, 2)
    told = grown(before, await metric(server, "booking_"))
    route = 'route="/v1/rooms/{room_id}"'
    assert told[f'booking_http_requests_total{{method="GET",{route},status="101"}}'] == 1.0
    assert told[f'booking_streams_ended_total{{kind="socket",reason="done",{route}}}'] == 1.0
    assert told[f'booking_stream_messages_sent_total{{kind="socket",{route}}}'] == 2.0


@pytest.mark.parametrize("origin", ["http://test", "https://pages.example.com", None])
async def test_our_own_pages_and_programs_open_it(server: RealServer, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    async with opened(server, "/v1/halls", headers=headers) as one:
        await one.send("a")
        assert await said(one) == {"said": "a"}


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "null",
        "",
        "https://pages.example.com.evil.example",
        "https://x.pages.example.com",
        "https://PAGES.example.com",
        "https://pages.example.com:8443",
        "http://pages.example.com",
        "http://test/",
        "http://localhost:5173",
    ],
)
async def test_pages_of_others_do_not(server: RealServer, rooms: Rooms, origin: str) -> None:
    by = await server.api.person()
    opening = opened(server, "/v1/rooms/1", by=by, headers={"Origin": origin})
    assert await refused(opening) == (403, "forbidden")
    assert rooms.seen == []


async def test_who_does_not_say_what_they_speak_is_refused(server: RealServer) -> None:
    for protocols in (None, ["example.v2"]):
        opening = connect(f"{server.ws}/v1/halls", subprotocols=protocols, proxy=None)  # type: ignore[arg-type]
        assert await refused(opening) == (400, "malformed_request")


async def test_a_query_is_refused_so_that_no_token_is_in_an_address(server: RealServer) -> None:
    opening = opened(server, "/v1/halls?access_token=secret")
    assert await refused(opening) == (422, "validation_error")


async def test_a_page_names_its_token_in_a_subprotocol_that_is_not_echoed(
    server: RealServer, rooms: Rooms
) -> None:
    by = await server.api.person()
    async with opened(server, "/v1/rooms/1", f"bearer.{by.token}") as one:
        assert one.response is not None
        assert by.token not in str(one.response.headers)
        await one.send("a")
        assert await said(one) == {"said": "a"}
    assert rooms.seen[0][0].user_id == by.user_id


async def test_a_refusal_that_a_page_shall_hear_of_comes_behind_the_handshake(
    server: RealServer, rooms: Rooms, stream: io.StringIO
) -> None:
    by = await server.api.person()
    for path, offered, expected in (
        ("/v1/rooms/1", [], (4401, "unauthenticated")),
        ("/v1/rooms/1", ["bearer.nonsense"], (4401, "unauthenticated")),
        ("/v1/rooms/1", [f"bearer.{by.token}", "bearer.x"], (4401, "unauthenticated")),
        ("/v1/desks", [f"bearer.{by.token}"], (4403, "forbidden")),
        ("/v1/doors", ["ticket.other"], (4401, "unauthenticated")),
    ):
        async with opened(server, path, *offered) as one:
            assert one.subprotocol == SPOKEN
            assert await closed(one) == expected
    assert rooms.seen == []
    assert len(server.lives) == 0
    codes = [one.get("code") for one in lines_of(stream) if one["event"] == "request"]
    assert codes.count("unauthenticated") == 4
    assert codes.count("forbidden") == 1


async def test_a_ticket_is_good_once(server: RealServer, rooms: Rooms) -> None:
    async with opened(server, "/v1/doors", ONCE) as one:
        await one.send("a")
        assert await said(one) == {"said": "a"}
        async with opened(server, "/v1/doors", ONCE) as two:
            assert (await closed(two))[0] == 4401
    assert [caller for caller, _ in rooms.seen] == [Known("somebody")]


async def test_elsewhere_the_wish_for_a_socket_is_ignored(server: RealServer) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": b64encode(b"0" * 16).decode(),
    }
    for path, expected in (("/v1/clinics", 200), ("/health/live", 200), ("/v1/nothing", 404)):
        answer = await server.api.send("GET", path, headers=upgrade)
        assert answer.status_code == expected
    # And a socket is no place for requests.
    answer = await server.api.get("/v1/halls")
    assert code_of(answer) == (404, "not_found")


async def raw_answer(server: RealServer, head: bytes) -> httpx.Response:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head)
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    first, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = first.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return httpx.Response(int(line.split()[1]), headers=headers, content=body)


HEAD = (
    b"GET /v1/halls HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Protocol: example.v1\r\nX-Request-ID: chosen-id\r\n"
)
KEY = b"Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (VERSION, (400, "malformed_request")),
        (KEY, (400, "malformed_request")),
        (KEY + b"Sec-WebSocket-Version: 12\r\n", (400, "malformed_request")),
        (b"Sec-WebSocket-Key: x\r\n" + VERSION, (400, "malformed_request")),
        (KEY + VERSION + b"X: " + b"a" * 9000 + b"\r\n", (431, "request_head_too_large")),
        (KEY + VERSION + b"X: " + b"a" * 40_000 + b"\r\n", (431, "request_head_too_large")),
    ],
)
async def test_a_handshake_that_is_none_is_a_problem(
    server: RealServer, fields: bytes, expected: tuple[int, str]
) -> None:
    answer = await raw_answer(server, HEAD + fields + b"\r\n")
    assert code_of(answer) == expected
    assert answer.headers["x-request-id"] == "chosen-id"
    assert answer.headers["connection"] == "close"
    await soon(lambda: not server.server.server_state.connections)


async def test_the_rules_of_messages(server: RealServer, stream: io.StringIO) -> None:
    for message, expected in (
        (b"bytes", 1003),
        ("a" * 101, 1009),
        ("a" * (MOST_MESSAGE_BYTES + 1), 1009),
    ):
        async with opened(server, "/v1/small") as one:
            await one.send(message)
            assert (await closed(one))[0] == expected
    async with opened(server, "/v1/small") as one:
        for _ in range(6):
            await one.send("a")
        assert await closed(one) == (1008, "broke_rules")
    async with opened(server, "/v1/small") as one:
        await one.send("a" * 100)
        assert await said(one) == {"said": "a" * 100}
    assert not [one for one in lines_of(stream) if one["level"] in {"error", "warning"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("closed", (4409, "replaced")), ("absent", (4403, "not_found")), ("fail", (1011, "failed"))],
)
async def test_an_endpoint_ends_it_with_a_code(
    server: RealServer, rooms: Rooms, text: str, expected: tuple[int, str], stream: io.StringIO
) -> None:
    async with opened(server, "/v1/halls") as one:
        await one.send(text)
        assert await closed(one) == expected
    failures = [one["error"] for one in lines_of(stream) if one["event"] == "socket_failed"]
    assert failures == (["ZeroDivisionError"] if text == "fail" else [])
    assert rooms.ended == 1


async def test_a_client_that_goes_is_noticed(
    server: RealServer, rooms: Rooms, stream: io.StringIO
) -> None:
    async with opened(server, "/v1/halls") as one:
        await one.send("a")
        await said(one)
    async with opened(server, "/v1/halls") as two:
        await two.send("a")
        await said(two)
        two.transport.abort()
        await soon(lambda: rooms.ended == 2 and len(server.lives) == 0)
    reasons = [one["reason"] for one in lines_of(stream) if one["event"] == "socket"]
    assert reasons == ["client_gone", "client_gone"]


async def test_a_revoked_caller_loses_the_socket(server: RealServer, rooms: Rooms) -> None:
    by, other = await server.api.person(), await server.api.person()
    async with (
        opened(server, "/v1/rooms/1", f"bearer.{by.token}") as one,
        opened(server, "/v1/rooms/1", by=other) as two,
    ):
        await end_all_sessions(server, by)
        assert await closed(one) == (4401, "access_ended")
        await two.send("a")
        assert await said(two) == {"said": "a"}
    await soon(lambda: rooms.ended == 2)


async def test_a_socket_lives_for_ten_minutes(server: RealServer, rooms: Rooms) -> None:
    async with opened(server, "/v1/halls") as one:
        server.clock.ahead += 500.0
        await asyncio.sleep(2 * lives.LOOK_SECONDS)
        await one.send("a")
        assert await said(one) == {"said": "a"}
        server.clock.ahead += 101.0
        assert await closed(one) == (1001, "life_over")
    await soon(lambda: rooms.ended == 1)


async def test_when_the_process_drains_sockets_are_told(server: RealServer, rooms: Rooms) -> None:
    async with opened(server, "/v1/halls") as one, opened(server, "/v1/halls") as two:
        server.drain()
        assert [await closed(socket) for socket in (one, two)] == [(1012, "draining")] * 2
    await soon(lambda: rooms.ended == 2 and not server.server.server_state.connections)


async def test_who_drains_takes_nobody_in(server: RealServer) -> None:
    server.lives.drain()
    assert await refused(opened(server, "/v1/halls")) == (503, "overloaded")


async def test_a_caller_has_so_many(server: RealServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "MOST_OF_ONE", 1)
    by = await server.api.person()
    async with opened(server, "/v1/rooms/1", by=by):
        assert await refused(opened(server, "/v1/rooms/1", by=by)) == (429, "rate_limited")
    await soon(lambda: len(server.lives) == 0)
    async with opened(server, "/v1/rooms/1", by=by):
        pass


async def test_a_full_house_refuses_handshakes_as_well(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = server.api.container.entrance()
    with monkeypatch.context() as patch:
        for name, value in (("is_pressed", True), ("_places", 0), ("_refused", Counter())):
            patch.setattr(door, name, value)
        assert await refused(opened(server, "/v1/halls")) == (503, "overloaded")


async def silent(server: RealServer, path: bytes) -> socket.socket:
    """A client that opens a socket and reads nothing from then on."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)  # noqa: FBT003
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", server.port))
    await loop.sock_sendall(raw, HEAD.replace(b"/v1/halls", path) + KEY + VERSION + b"\r\n")
    await loop.sock_recv(raw, 12)
    return raw


async def test_a_client_that_reads_nothing_delays_nobody_and_is_let_go(
    server: RealServer, rooms: Rooms, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(open_socket, "SEND_SECONDS", 0.3)
    monkeypatch.setattr(open_socket, "CLOSE_SECONDS", 0.3)
    with await silent(server, b"/v1/halls"):
        await soon(lambda: len(rooms.sockets) == 1)
        (slow,) = rooms.sockets
        for _ in range(400):
            slow.send("a" * 60_000)
            await asyncio.sleep(0)
        await soon(lambda: rooms.ended == 1 and len(server.lives) == 0)
        await soon(lambda: not server.server.server_state.connections)
    (line,) = [one for one in lines_of(stream) if one["event"] == "socket"]
    assert line["reason"] == "too_slow"
    assert not [one for one in lines_of(stream) if one["level"] == "error"]


async def test_who_is_too_slow_is_told_to_come_again(server: RealServer, rooms: Rooms) -> None:
    async with opened(server, "/v1/halls") as one:
        await soon(lambda: len(rooms.sockets) == 1)
        sent = [rooms.sockets[0].send(number) for number in range(70)]
        assert sent == [True] * 64 + [False] * 6
        assert await closed(one) == (1013, "too_slow")


async def test_no_token_and_no_message_is_ever_logged(server: RealServer, rooms: Rooms) -> None:
    by, log = await server.api.person(), io.StringIO()
    logs.configure(Settings(log_format="json", log_level="debug"), log)
    async with opened(server, "/v1/rooms/1", f"bearer.{by.token}") as one:
        await one.send("a secret of a patient")
        await said(one)
    with pytest.raises(InvalidStatus):
        await opened(server, "/v1/rooms/1?token=secret-in-the-address", f"bearer.{by.token}")
    await soon(lambda: len(server.lives) == 0)
    told = "\n".join(
        line for line in log.getvalue().splitlines() if '"logger":"websockets.client"' not in line
    )
    assert '"event":"socket"' in told
    for secret in (by.token, "a secret of", "secret-in-the-address", "127.0.0.1"):
        assert secret not in told


def test_a_socket_without_a_policy_stops_the_program() -> None:
    async def naked(_: Any) -> None:
        """Serve nobody."""

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_routes(app, ROUTES)
    app.add_api_websocket_route("/naked", naked)
    with pytest.raises(UnguardedRouteError, match="/naked"):
        refuse_unguarded(app)
    with pytest.raises(TypeError):
        Routes("Rooms").socket("/v1/rooms", Rooms().talk, protocol=SPOKEN)  # type: ignore[call-arg]
