"""A request goes in three steps: connected, written, answered."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from booking_system.notifications.adapters.carriers.http_answers import refuse
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.waits import Waits
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from tests.notifications.carriers.letters import QUICK, Frozen
from tests.notifications.carriers.listening import listening
from tests.notifications.carriers.providers import (
    DROPS,
    HANGS,
    Provider,
    a_provider,
    a_way,
    says,
)
from tests.patience import soon


@pytest.fixture
async def way() -> AsyncIterator[HttpWay]:
    async with a_way(QUICK) as way:
        yield way


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with a_provider(says(200)) as provider:
        yield provider


def judged(response: httpx.Response) -> str | None:
    return str(response.status_code)


def opened(way: HttpWay, url: str, body: bytes = b"x" * 1000) -> Any:
    return way.handover(way.client.build_request("POST", f"{url}/take", content=body), judged)


async def test_each_step_does_what_it_says(way: HttpWay, provider: Provider) -> None:
    for _ in range(2):
        provider.asked.clear()
        async with opened(way, provider.url) as handover:
            await asyncio.sleep(0.05)
            assert (provider.connections, provider.asked) == (1, [])
            await handover.write()
            assert await handover.answer() == "200"
        assert provider.only().body == b"x" * 1000
    # The second has gone over the connection of the first.
    assert provider.connections == 1


async def test_what_is_not_written_never_leaves(way: HttpWay, provider: Provider) -> None:
    async with opened(way, provider.url):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.05)
    assert provider.asked == []
    assert not way.client._transport._pool.connections  # type: ignore[attr-defined]


async def test_it_is_written_before_it_is_answered(way: HttpWay) -> None:
    """What `write` returns from is the kernel's, though the provider never says a word."""
    async with a_provider(HANGS) as provider, opened(way, provider.url) as handover:
        # Had it waited for the answer, it would have ended as `answer` does.
        await handover.write()
        await soon(lambda: len(provider.asked) == 1)
        assert provider.only().body == b"x" * 1000
        with pytest.raises(OutcomeUnknownError, match="timeout"):
            await handover.answer()


async def test_no_more_than_a_moment_is_written(way: HttpWay) -> None:
    """The other side does not read: after 250 ms nobody knows how much of it is there."""

    async def never_reads(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with listening(never_reads) as port:
        url, much = f"http://127.0.0.1:{port}", b"x" * 30_000_000
        begun = asyncio.get_running_loop().time()
        async with opened(way, url, much) as handover:
            with pytest.raises(OutcomeUnknownError, match="slow_write"):
                await handover.write()
        assert asyncio.get_running_loop().time() - begun > 0.2


async def test_an_answer_that_is_lost(way: HttpWay) -> None:
    async with a_provider(DROPS) as provider, opened(way, provider.url) as handover:
        await handover.write()
        with pytest.raises(OutcomeUnknownError, match="connection_lost"):
            await handover.answer()
        assert len(provider.asked) == 1


async def test_a_head_that_cannot_be_written_had_no_message(way: HttpWay) -> None:
    async with a_provider(says(200)) as provider, opened(way, provider.url) as handover:
        (connection,) = way.client._transport._pool.connections  # type: ignore[attr-defined]
        await connection._connection._network_stream.aclose()
        with pytest.raises(NotSentError, match="connection_lost") as told:
            await handover.write()
        assert told.value.fault is Fault.TEMPORARY
        assert provider.asked == []


async def test_nobody_is_there(way: HttpWay, unused_port: int) -> None:
    with pytest.raises(NotSentError, match="no_connection") as told:
        async with opened(way, f"http://127.0.0.1:{unused_port}"):
            raise AssertionError("connected to nobody")
    assert told.value.fault is Fault.TEMPORARY


async def test_who_does_not_pick_up_is_not_waited_for(way: HttpWay) -> None:
    """TLS that never begins: the connection stands, and is no good."""

    is_over = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        is_over.set()

    quick = HttpWay(client=way.client, clock=Frozen(), waits=Waits(opening=0.1))
    async with listening(silent) as port:
        with pytest.raises(NotSentError, match="timeout"):
            async with opened(quick, f"https://127.0.0.1:{port}"):
                raise AssertionError("connected to nobody")
        async with asyncio.timeout(5):
            await is_over.wait()


async def test_a_message_is_not_for_others(way: HttpWay, provider: Provider) -> None:
    moved = says(307, Location=f"{provider.url}/elsewhere")
    async with a_provider(moved) as first, opened(way, first.url) as handover:
        await handover.write()
        assert await handover.answer() == "307"
    assert provider.asked == []


async def test_a_proxy_is_asked_before_the_message_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its CONNECT is no message: it goes while the connection is opened."""
    asked = []

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")

    async with listening(refusing) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with a_way() as way:
            with pytest.raises(NotSentError, match="no_connection"):
                async with opened(way, "https://api.example.com"):
                    raise AssertionError("connected to nobody")
    assert asked == [b"CONNECT api.example.com:443 HTTP/1.1\r\n"]


async def test_a_worker_that_stops_breaks_it_off(way: HttpWay) -> None:
    async with a_provider(HANGS) as provider:

        async def send() -> None:
            async with opened(way, provider.url) as handover:
                await handover.write()
                await handover.answer()

        task = asyncio.create_task(send())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not way.client._transport._pool.connections  # type: ignore[attr-defined]


async def test_there_is_room_for_all_of_it(way: HttpWay, provider: Provider) -> None:
    async with opened(way, provider.url):
        (connection,) = way.client._transport._pool.connections  # type: ignore[attr-defined]
        sock = connection._connection._network_stream.get_extra_info("socket")
        with socket.socket() as usual:
            usual.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 512 * 1024)
            most = usual.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == most


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("999999999", 86_400),
        ("Mon, 01 Mar 2027 09:01:00 GMT", 60),
        ("Mon, 01 Mar 2027 09:01:00 -0000", 60),
        ("Mon, 01 Mar 2027 08:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("²", None),
        ("", None),
    ],
)
def test_how_long_a_provider_wants_to_be_left_alone(said: str, seconds: int | None) -> None:
    response = httpx.Response(429, headers=[(b"Retry-After", said.encode())])
    rest = refuse(response, Frozen()).again_after
    assert (None if rest is None else rest.total_seconds()) == seconds


def test_waits_are_shorter_than_a_lease() -> None:
    assert max(Waits().opening, Waits().answer) <= 10
    assert QUICK.writing == Waits().writing == 0.25
