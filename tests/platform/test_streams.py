"""Streams through the real server: named, counted, limited, ended in time and told why."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.policies import clinic_side, public, signed_in
from booking_system.platform.http import entrance, event_stream, lives
from booking_system.platform.http.event_stream import Event, Events, EventStream, StreamRoute
from booking_system.platform.http.mailbox import Mailbox
from booking_system.platform.http.routing import Routes
from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.shared_kernel.errors import NotFound, Transient
from booking_system.shared_kernel.identifiers import ClinicId
from tests.api import Person, code_of
from tests.patience import PATIENCE, soon
from tests.platform.real_server import RealServer, real_server
from tests.stage import Stage

Told = tuple[str, Any]


@dataclass
class Feed:
    """Streams whose events a test gives them."""

    given: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    failing: Callable[[], None] = lambda: None
    closed: int = 0
    mailbox: Mailbox[Event] = field(default_factory=Mailbox)
    server: Any = None

    def routes(self) -> Routes:
        routes = Routes("Feed")
        routes.stream("/v1/feed", self.read_feed, policy=signed_in)
        routes.stream("/v1/desk", self.read_desk, policy=clinic_side)
        routes.stream("/v1/open", self.read_open, policy=public, asks_who=False)
        routes.stream("/v1/failing", self.read_failing, policy=public, asks_who=False)
        routes.stream("/v1/flood", self.read_flood, policy=public, asks_who=False)
        routes.stream("/v1/post", self.read_post, policy=public, asks_who=False)
        routes.stream("/v1/held", self.read_held, policy=public, asks_who=False)
        routes.stream("/v1/short", self.read_short, policy=public, asks_who=False)
        return routes

    async def events(self) -> Events:
        try:
            while True:
                yield await self.given.get()
        finally:
            self.closed += 1

    async def read_feed(self) -> EventStream:
        """Read it."""
        return EventStream(self.events())

    async def read_desk(self) -> EventStream:
        """Read it."""
        return EventStream(self.events())

    async def read_open(self) -> EventStream:
        """Read it."""
        return EventStream(self.events())

    async def read_failing(self) -> EventStream:
        """Read it."""

        async def failing() -> Events:
            self.failing()
            yield Event(data=1)
            self.failing = lambda: 1 // 0  # type: ignore[assignment,return-value]
            self.failing()
            yield Event(data=2)

        return EventStream(failing())

    async def read_flood(self) -> EventStream:
        """Read more than anybody can keep."""

        async def flood() -> Events:
            try:
                while True:
                    yield Event(data="a" * 50_000)
            finally:
                self.closed += 1

        return EventStream(flood())

    async def read_post(self) -> EventStream:
        """Read what is put into the mailbox."""
        return EventStream(self.mailbox.items())

    async def read_held(self) -> EventStream:
        """Read with a connection to the database."""

        async def held() -> Events:
            yield Event(data=1)
            async with self.server.api.container.database().reading():
                yield Event(data=2)

        return EventStream(held())

    async def read_short(self) -> EventStream:
        """Read two events."""

        async def two() -> Events:
            yield Event(data={"a": 1}, name="first", id="1")
            yield Event(data={"b": 2}, name="second", id="2")

        return EventStream(two())


FEED = Feed()
ROUTES = FEED.routes()


@pytest.fixture(scope="module", autouse=True)
def _soon() -> Iterator[None]:
    """Nobody waits as long as a real client may."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_stream, "FIRST_SECONDS", 0.05)
        patch.setattr(lives, "SPREAD_SECONDS", 0.2)
        yield


@pytest.fixture
def feed() -> Feed:
    FEED.__init__()  # type: ignore[misc]
    return FEED


@pytest.fixture
async def server(database_url: str, stage: Stage, feed: Feed) -> AsyncIterator[RealServer]:
    async with real_server(stage, ROUTES) as server:
        feed.server = server
        yield server


class Reader:
    """What a client reads of one stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()
        self.retry: int | None = None

    async def next(self) -> Told:
        """The next event: its name and its data."""
        async with asyncio.timeout(PATIENCE):
            return await self._next()

    async def _next(self) -> Told:
        name, data = "message", None
        async for line in self._lines:
            kind, _, value = line.partition(": ")
            if kind == "event":
                name = value
            elif kind == "data":
                data = json.loads(value)
            elif kind == "retry":
                self.retry = int(value)
            elif not line and data is not None:
                return name, data
        raise EOFError

    async def rest(self) -> list[Told]:
        found = []
        while True:
            try:
                found.append(await self.next())
            except EOFError:
                return found


def opened(server: RealServer, path: str, by: Person | None = None, **about: Any) -> Any:
    headers = {**(by.headers if by else {}), **about.pop("headers", {})}
    return server.api.client.stream("GET", path, headers=headers, **about)


async def refusal(server: RealServer, path: str, by: Person | None = None) -> httpx.Response:
    """The answer; a stream in its place would never end."""
    async with opened(server, path, by) as answer:
        assert answer.status_code >= 400
        await answer.aread()
        assert isinstance(answer, httpx.Response)
        return answer


def ended(reason: str) -> Told:
    return "end", {"reason": reason}


async def metric(server: RealServer, name: str) -> dict[str, float]:
    text = (await server.api.client.get("/metrics")).text
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith(name) and not line.startswith("#")
    }


def grown(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """By how much each number is more than before: other tests were counted by then."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


async def test_events_come_as_they_happen_and_the_answer_is_named(
    server: RealServer, feed: Feed, stream: io.StringIO
) -> None:
    by, before = await server.api.person(), await metric(server, "booking_streams_")
    headers = {"X-Request-ID": "chosen-id"}
    async with opened(server, "/v1/feed", by, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["x-request-id"] == "chosen-id"
        assert answer.headers["x-instance"]
        reader = Reader(answer)
        for number in range(3):
            feed.given.put_nowait(Event(data={"n": number}, name="count", id=str(number)))
            assert await reader.next() == ("count", {"n": number})
        assert await metric(server, "booking_streams_open{") == {
            'booking_streams_open{kind="stream"}': 1.0
        }
        assert server.api.container.entrance().inside == 0
    await soon(lambda: feed.closed == 1 and len(server.lives) == 0)
    assert await metric(server, "booking_streams_open{") == {
        'booking_streams_open{kind="stream"}': 0.0
    }
    told = grown(before, await metric(server, "booking_streams_"))
    assert told['booking_streams_opened_total{kind="stream",route="/v1/feed"}'] == 1.0
    gone = 'booking_streams_ended_total{kind="stream",reason="client_gone",route="/v1/feed"}'
    assert told[gone] == 1.0
    (line,) = [one for one in lines_of(stream) if one["event"] == "stream"]
    assert line["request_id"] == "chosen-id"
    assert line["route"] == "/v1/feed"
    assert (line["status"], line["reason"], line["sent"]) == (200, "client_gone", 3)
    assert line["sent_bytes"] > 50
    assert line["duration_ms"] >= 0
    assert not [
        one for one in lines_of(stream) if one["event"] == "request" and one["route"] == "/v1/feed"
    ]


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_request_is_counted_when_its_stream_begins(server: RealServer, feed: Feed) -> None:
    before = await metric(server, "booking_http_request")
    async with opened(server, "/v1/open"):
        after = await metric(server, "booking_http_request")
    counted = grown(before, after)
    key = 'method="GET",route="/v1/open"'
    assert counted[f'booking_http_requests_total{{{key},status="200"}}'] == 1.0
    assert counted[f"booking_http_request_duration_seconds_count{{{key}}}"] == 1.0
    # The question itself is the only one.
    assert after["booking_http_requests_in_flight"] == 1.0


async def test_an_end_in_due_course_says_when_to_come_again(server: RealServer) -> None:
    async with opened(server, "/v1/short") as answer:
        reader = Reader(answer)
        assert await reader.rest() == [("first", {"a": 1}), ("second", {"b": 2}), ended("done")]
    assert reader.retry is not None
    assert 500 <= reader.retry <= 2500


async def test_a_stream_outlives_the_five_seconds_and_ends_after_ten_minutes(
    server: RealServer, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server, "/v1/open") as answer:
        reader = Reader(answer)
        # Whatever is a request is given up at the next look.
        monkeypatch.setattr(entrance, "DEADLINE_SECONDS", 0.0)
        server.clock.ahead += 500.0
        await asyncio.sleep(0.6)
        monkeypatch.undo()
        feed.given.put_nowait(Event(data="still there"))
        assert await reader.next() == ("message", "still there")
        server.clock.ahead += 101.0
        assert await reader.rest() == [ended("life_over")]
    await soon(lambda: feed.closed == 1 and len(server.lives) == 0)


async def test_a_stream_that_cannot_begin_is_a_problem(server: RealServer, feed: Feed) -> None:
    def refuse() -> None:
        raise NotFound

    def break_off() -> None:
        raise DependencyUnavailable(retry_after=1)

    for failing, expected in (
        (refuse, (404, "not_found")),
        (break_off, (503, "dependency_unavailable")),
        (lambda: 1 // 0, (500, "internal_error")),
    ):
        feed.failing = failing  # type: ignore[assignment]
        answer = await server.api.client.get("/v1/failing")
        assert code_of(answer) == expected
    assert code_of(await server.api.client.get("/v1/feed")) == (401, "unauthenticated")
    assert len(server.lives) == 0


async def test_a_stream_that_fails_later_ends_and_says_so(
    server: RealServer, stream: io.StringIO
) -> None:
    async with opened(server, "/v1/failing") as answer:
        reader = Reader(answer)
        assert await reader.rest() == [("message", 1), ended("failed")]
        assert reader.retry is None
    (line,) = [one for one in lines_of(stream) if one["event"] == "stream_failed"]
    assert line["error"] == "ZeroDivisionError"


async def test_a_stream_holds_no_connection(server: RealServer) -> None:
    async with opened(server, "/v1/held") as answer:
        assert await Reader(answer).rest() == [("message", 1), ended("failed")]
    await soon(lambda: server.api.container.database().leases.in_use == 0)


async def test_a_quiet_stream_is_open_at_once_and_kept_alive(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.05)
    async with opened(server, "/v1/open") as answer:
        lines = answer.aiter_lines()
        beats = [await anext(lines) for _ in range(6)]
    assert set(beats) == {": ", ""}


async def test_head_is_answered_without_a_stream(server: RealServer, feed: Feed) -> None:
    answer = await server.api.client.head("/v1/open")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert len(server.lives) == 0


async def end_all_sessions(server: RealServer, by: Person) -> None:
    answer = await server.api.post("/v1/auth/sign-out", None, by)
    assert answer.status_code == 204


async def test_a_revoked_caller_loses_the_stream_within_a_second(
    server: RealServer, feed: Feed
) -> None:
    by, other = await server.api.person(), await server.api.person()
    async with opened(server, "/v1/feed", by) as one, opened(server, "/v1/feed", other) as two:
        reader, kept = Reader(one), Reader(two)
        await end_all_sessions(server, by)
        started = asyncio.get_running_loop().time()
        assert await reader.rest() == [ended("access_ended")]
        took = asyncio.get_running_loop().time() - started
        assert reader.retry is None
        feed.given.put_nowait(Event(data=1))
        assert await kept.next() == ("message", 1)
    # By its own clocks, if the machine is not busy with something else.
    assert event_waits() < 1.0
    assert took < 30.0


def event_waits() -> float:
    """How long a change is unheard of at most: until it is looked for, and until it is asked."""
    from booking_system.identity.application import follow_changes  # noqa: PLC0415

    return follow_changes.PAUSE_SECONDS + lives.CHECK_SECONDS


async def test_so_does_a_caller_whose_roles_change(server: RealServer) -> None:
    clinic, other = await server.api.clinic(), await server.api.clinic()
    by = await server.api.person(
        RoleGrant(role=Role.RECEPTIONIST, clinic_id=ClinicId(clinic["id"])),
        RoleGrant(role=Role.RECEPTIONIST, clinic_id=ClinicId(other["id"])),
    )
    async with opened(server, "/v1/desk", by) as answer:
        reader = Reader(answer)
        gone = await server.api.send(
            "DELETE", f"/v1/clinics/{clinic['id']}/staff/{by.user_id}", server.api.admin
        )
        assert gone.status_code == 204
        assert await reader.rest() == [ended("access_ended")]
    # There is a role left, so that they may come again.
    async with opened(server, "/v1/desk", by) as answer:
        assert answer.status_code == 200


async def test_nobody_goes_on_whose_authority_cannot_be_asked_for(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = await server.api.person()
    async with opened(server, "/v1/feed", by) as answer:
        reader = Reader(answer)

        async def nobody_knows(_: str | None) -> None:
            raise Transient

        monkeypatch.setitem(server.api.app.state._state, "authenticate", nobody_knows)
        (life,) = server.lives._open
        await asyncio.sleep(lives.CHECK_SECONDS * 2)
        assert life.reason is None
        server.clock.ahead += lives.UNSURE_SECONDS
        assert await reader.rest() == [ended("access_unknown")]


async def test_a_caller_has_so_many_and_so_has_the_process(
    server: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lives, "MOST_OF_ONE", 2)
    monkeypatch.setattr(lives, "MOST_OF_A_NETWORK", 1)
    by, other = await server.api.person(), await server.api.person()
    async with opened(server, "/v1/feed", by), opened(server, "/v1/feed", by):
        refused = await refusal(server, "/v1/feed", by)
        assert code_of(refused) == (429, "rate_limited")
        assert refused.headers["retry-after"]
        async with opened(server, "/v1/feed", other) as answer:
            assert answer.status_code == 200
            async with opened(server, "/v1/open") as third:
                assert third.status_code == 200
                assert code_of(await refusal(server, "/v1/open")) == (429, "rate_limited")
            server.lives._most_open = 3
            refused = await refusal(server, "/v1/open")
            assert code_of(refused) == (503, "overloaded")
            assert refused.headers["retry-after"]
        # All others go on.
        assert (await server.api.get("/v1/clinics")).status_code == 200
    await soon(lambda: len(server.lives) == 0)
    assert not server.lives._of


async def test_no_place_is_taken_by_any_number_of_streams(server: RealServer) -> None:
    door = server.api.container.entrance()
    places = door.most_inside
    by = [await server.api.person() for _ in range(places + 3)]
    answers = []
    for one in by:
        request = server.api.client.build_request("GET", "/v1/feed", headers=one.headers)
        answers.append(await server.api.client.send(request, stream=True))
    assert {answer.status_code for answer in answers} == {200}
    assert (door.inside, len(door._tickets), len(server.lives)) == (0, 0, places + 3)
    for answer in answers:
        await answer.aclose()


async def test_when_the_process_drains_streams_end_and_nobody_is_cut(
    server: RealServer, feed: Feed
) -> None:
    async with opened(server, "/v1/open") as one, opened(server, "/v1/open") as two:
        readers = [Reader(one), Reader(two)]
        assert len(server.lives) == 2
        server.drain()
        for reader in readers:
            assert await reader.rest() == [ended("draining")]
            assert reader.retry is not None
    await soon(lambda: feed.closed == 2)
    with pytest.raises(httpx.TransportError):
        await server.api.client.get("/v1/open")


async def test_who_drains_takes_nobody_in(server: RealServer) -> None:
    server.lives.drain()
    assert code_of(await refusal(server, "/v1/open")) == (503, "overloaded")


async def test_a_client_that_reads_nothing_is_not_waited_for(
    server: RealServer, feed: Feed, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(event_stream, "SEND_SECONDS", 0.3)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)  # noqa: FBT003
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", server.port))
        await loop.sock_sendall(raw, b"GET /v1/flood HTTP/1.1\r\nHost: x\r\n\r\n")
        await soon(lambda: feed.closed == 1 and len(server.lives) == 0)
        # Nothing is kept for it: the connection is broken off.
        await soon(lambda: not server.server.server_state.connections)
    (line,) = [one for one in lines_of(stream) if one["event"] == "stream"]
    assert line["reason"] == "too_slow"
    assert line["sent_bytes"] < 20_000_000
    assert not [one for one in lines_of(stream) if one["level"] == "error"]


async def test_more_than_a_mailbox_holds_ends_the_stream(server: RealServer, feed: Feed) -> None:
    async with opened(server, "/v1/post") as answer:
        reader = Reader(answer)
        assert feed.mailbox.put(Event(data=0), 1)
        assert await reader.next() == ("message", 0)
        put = [feed.mailbox.put(Event(data=number), 1) for number in range(100)]
        assert put == [True] * 64 + [False] * 36
        assert await reader.rest() == [ended("too_slow")]


async def test_a_mailbox_is_bounded_in_bytes_and_hands_out_what_it_has() -> None:
    box: Mailbox[str] = Mailbox(most_bytes=10)
    assert box.put("a", 6)
    assert box.put("b", 4)
    box.close()
    assert not box.put("c", 0)
    async with aclosing(box.items()) as items:
        assert [item async for item in items] == ["a", "b"]
    full: Mailbox[str] = Mailbox(most_bytes=10)
    assert not full.put("a", 11)
    assert len(full) == 0


@pytest.mark.parametrize("wrong", [{"id": "a\nb"}, {"name": "a\rb"}, {"id": "a\0"}])
def test_an_event_is_no_two(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="one line"):
        Event(data=1, **wrong).encoded()
    assert Event(data="a\nb").encoded() == b'data: "a\\nb"\n\n'


def test_a_stream_needs_a_policy_and_is_documented() -> None:
    with pytest.raises(TypeError):
        Routes("Feed").stream("/v1/feed", Feed().read_feed)  # type: ignore[call-arg]
    route = next(route for route in Feed().routes() if isinstance(route, StreamRoute))
    assert "text/event-stream" in route.responses[200]["content"]
    assert {401, 429, 503} <= route.responses.keys()
