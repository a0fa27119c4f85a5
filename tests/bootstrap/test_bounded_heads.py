"""A request's head is bounded in size, in fields and in time, however it arrives."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from booking_system.bootstrap import bounded_heads
from booking_system.bootstrap.bounded_heads import MOST_BYTES, MOST_FIELDS
from tests.api import code_of
from tests.bootstrap.wire import GET, POST, Wire
from tests.patience import PATIENCE, soon, turns
from tests.platform.real_server import real_server
from tests.servers import serving
from tests.stage import Stage

TOO_LARGE = (431, "request_head_too_large")
MALFORMED = (400, "malformed_request")
LINE = b"GET /v1/slots HTTP/1.1\r\nHost: x\r\n"
BEGUN = b"POST /v1/bookings HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


TOO_MUCH = {
    "a field": LINE + b"X: " + b"a" * MOST_BYTES + b"\r\n\r\n",
    "the name of a field": LINE + b"a" * MOST_BYTES + b": x\r\n\r\n",
    "the target": b"GET /" + b"a" * MOST_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "fields": LINE + b"a: b\r\n" * MOST_FIELDS + b"\r\n",
    "fields in all": LINE + (b"a: " + b"b" * 1000 + b"\r\n") * 40 + b"\r\n",
}


@pytest.mark.parametrize("size", [1_000_000, 65_536, 1000, 7])
@pytest.mark.parametrize("what", TOO_MUCH)
async def test_a_head_that_is_too_large_is_told_so_and_ends_the_connection(
    what: str, size: int
) -> None:
    wire = Wire()

    answers = [answer for piece in _pieces(TOO_MUCH[what], size) for answer in wire.told(piece)]

    (answer,) = answers
    assert code_of(answer) == TOO_LARGE
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"] == "made"
    await turns()
    assert wire.is_closed
    assert wire.served == []


@pytest.mark.parametrize("size", [1_000_000, 65_536, 1000])
async def test_a_head_without_end_is_not_read_to_its_end(size: int) -> None:
    wire, sent = Wire(), 0
    for piece in _pieces(LINE + b"X: " + b"a" * 3_000_000, size):
        sent += len(piece)
        if wire.told(piece):
            break

    assert wire.is_closed
    assert sent <= MOST_BYTES + size


async def test_a_head_that_comes_with_the_body_before_it_is_bounded_as_well() -> None:
    wire = Wire()
    wire.told(POST)
    await turns()

    (answer,) = wire.told(b"a" * 20 + TOO_MUCH["a field"])

    assert code_of(answer) == TOO_LARGE
    await turns()
    assert len(wire.served) == 1


async def test_a_head_at_its_bounds_is_served() -> None:
    fields = b"".join(b"a%d: b\r\n" % number for number in range(MOST_FIELDS - 1))
    room = MOST_BYTES - len(LINE) - len("X: \r\n\r\n") - 1
    for request in (LINE + fields + b"\r\n", LINE + b"X: " + b"a" * room + b"\r\n\r\n"):
        wire = Wire()
        assert wire.told(request[:-300]) == []
        assert wire.told(request[-300:]) == []
        await turns()
        assert len(wire.served) == 1


async def test_each_request_of_a_connection_is_counted_by_itself() -> None:
    wire = Wire()
    large = LINE + b"X: " + b"a" * (MOST_BYTES - 1000) + b"\r\n\r\n"
    for _ in range(3):
        assert wire.told(large) == []
        await turns()
    assert len(wire.served) == 3
    assert not wire.is_closed


async def test_a_body_is_not_counted() -> None:
    """The application bounds it, and answers."""
    wire = Wire()
    body = b"a" * (3 * MOST_BYTES)
    head = POST.replace(b"20", str(len(body)).encode())
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in _pieces(body, 20_000))
    for request in (head + body, BEGUN + chunks + b"0\r\n\r\n"):
        for piece in _pieces(request, 30_000):
            assert wire.told(piece) == []
            await turns()
    assert len(wire.served) == 2


@pytest.mark.parametrize("first", ["", "2\r\nab\r\n"])
@pytest.mark.parametrize("what", ["X: " + "a" * 100_000, "a: b\r\n" * 9000, "1;" + "a" * 100_000])
async def test_what_stands_between_and_behind_the_chunks_is_counted(what: str, first: str) -> None:
    """The request that it belongs to is served before, so nothing can be said any more."""
    wire = Wire()
    begin = first + ("0\r\n" if ":" in what else "")
    for piece in _pieces(BEGUN + f"{begin}{what}".encode(), 1000):
        assert [code_of(answer) for answer in wire.told(piece)] in ([], [TOO_LARGE])
        await turns()

    assert wire.is_closed
    assert wire.protocol._is_over


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    ],
)
async def test_a_head_that_is_none_is_told_so(request_: bytes) -> None:
    """A missing or second Host is refused (RFC 9112, section 3.2)."""
    wire = Wire()
    (answer,) = wire.told(request_)
    assert code_of(answer) == MALFORMED
    await turns()
    assert (wire.is_closed, wire.served) == (True, [])


async def test_an_old_client_need_not_say_for_which_host() -> None:
    wire = Wire()
    assert wire.told(b"GET / HTTP/1.0\r\n\r\n") == []
    await turns()
    assert len(wire.served) == 1


async def test_what_follows_a_wrong_head_is_not_read() -> None:
    wire = Wire()
    wire.told(b"GET / HTTP/1.1\r\n\r\n" + GET)
    assert wire.told(GET) == []
    await turns()
    assert wire.served == []


async def test_a_wrong_head_behind_a_request_waits_for_its_answer() -> None:
    wire = Wire()

    assert wire.told(GET + b"GET / HTTP/1.1\r\n\r\n") == []

    await turns()
    assert wire.is_closed
    assert len(wire.served) == 1
    assert wire.written.startswith(b"HTTP/1.1 204")
    assert wire.written.count(b"HTTP/1.1") == 1


async def test_a_head_that_stops_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_heads, "HEAD_SECONDS", 0.05)
    wire = Wire()
    wire.told(LINE)
    wire.told(b"X: a\r\n")
    await soon(lambda: wire.is_closed)
    assert wire.written.startswith(b"HTTP/1.1 408")
    assert b"request_head_too_slow" in wire.written


async def test_a_head_that_trickles_has_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_heads, "HEAD_SECONDS", 0.05)
    wire = Wire()
    wire.told(LINE)
    async with asyncio.timeout(PATIENCE):
        while not wire.is_closed:
            wire.told(b"a")
            await asyncio.sleep(0)
    assert wire.written.startswith(b"HTTP/1.1 408")


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_heads, "IDLE_SECONDS", 0)
    wire = Wire()
    await soon(lambda: wire.is_closed)
    assert wire.written == b""


async def test_a_request_that_came_in_time_has_no_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_heads, "HEAD_SECONDS", 0.0)
    wire = Wire()
    wire.told(GET[:20])
    wire.told(GET[20:])
    await asyncio.sleep(0.05)
    assert len(wire.served) == 1
    assert not wire.is_closed
    assert wire.protocol._deadline is None


async def test_heads_without_end_disturb_nobody(database_url: str, stage: Stage) -> None:
    """A megabyte in one field, 100,000 fields, half-open heads: a server answers between them."""
    async with real_server(stage) as server:
        attacks = [LINE + b"X: " + b"a" * 1_000_000, LINE + b"a: b\r\n" * 100_000, *[LINE] * 100]

        async def attack(data: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                writer.write(data)
                return b"" if data == LINE else await reader.readuntil(b"\r\n")
            except (ConnectionError, asyncio.IncompleteReadError):
                # It was closed with bytes of ours unread.
                return b""
            finally:
                writer.transport.abort()

        told = await asyncio.gather(*map(attack, attacks))
        assert {one for one in told if one} <= {b"HTTP/1.1 431 Request Header Fields Too Large\r\n"}
        assert (await server.api.client.get("/health/live")).status_code == 200


@pytest.mark.proof
async def test_health_is_told_at_once_while_heads_have_no_end(
    database_url: str, tmp_path: Path
) -> None:
    with serving(database_url, tmp_path, processes=1) as address:
        host, _, port = address.removeprefix("http://").rpartition(":")

        async def pour(piece: bytes, times: int) -> None:
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(LINE)
                for _ in range(times):
                    writer.write(piece)
                    await writer.drain()
                await reader.read()
            except ConnectionError:
                pass
            finally:
                writer.transport.abort()

        longest = 0.0
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as client:
            await client.get("/health/live")
            idle = [await asyncio.open_connection(host, int(port)) for _ in range(2000)]
            for _, writer in idle:
                writer.write(LINE)
            pouring = [
                asyncio.ensure_future(pour(b"X: " + b"a" * 60_000, 1000)),
                asyncio.ensure_future(pour(b"a" * 60_000, 1000)),
                asyncio.ensure_future(pour(b"a: b\r\n" * 10_000, 40)),
            ]
            for _ in range(200):
                begun = time.perf_counter()
                assert (await client.get("/health/live")).status_code == 200
                longest = max(longest, time.perf_counter() - begun)
                await asyncio.sleep(0.01)
            await asyncio.gather(*pouring)
            for _, writer in idle:
                writer.transport.abort()
    assert longest < 0.1, f"{longest * 1000:.0f} ms"
