"""Head and body go out together, and no head that HTTP does not know goes out at all."""

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from booking_system.bootstrap.one_write import OneWriteCycle


class Wire(asyncio.Transport):
    """A transport that remembers each system call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.calls.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.calls.append(b"".join(list_of_data))

    def close(self) -> None:
        self.is_closed = True


def a_cycle(wire: Wire, method: str = "GET", *, keep_alive: bool = True) -> OneWriteCycle:
    log = logging.getLogger("booking_system.tests")
    cycle = RequestResponseCycle(
        scope={"type": "http", "method": method},  # type: ignore[typeddict-item,arg-type]
        transport=wire,
        flow=FlowControl(wire),
        logger=log,
        access_logger=log,
        access_log=False,
        default_headers=[(b"date", b"now")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )
    cycle.__class__ = OneWriteCycle
    assert isinstance(cycle, OneWriteCycle)
    return cycle


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def test_an_answer_is_one_system_call() -> None:
    wire = Wire()
    cycle = a_cycle(wire)
    await cycle.send(start((b"content-length", b"2"), (b"x-one", b"1")))
    assert wire.calls == []
    await cycle.send(body(b"ok"))
    head = b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 2\r\nx-one: 1\r\n\r\n"
    assert wire.calls == [head + b"ok"]
    assert cycle.response_complete
    assert not wire.is_closed


async def test_the_rest_of_a_long_body_follows() -> None:
    wire = Wire()
    cycle = a_cycle(wire)
    await cycle.send(start((b"content-length", b"4")))
    for data, more in ((b"ab", True), (b"cd", False)):
        await cycle.send(body(data, more=more))
    assert [call[-2:] for call in wire.calls] == [b"ab", b"cd"]
    assert cycle.response_complete


async def test_head_has_no_body_and_a_connection_that_ends_says_so() -> None:
    wire = Wire()
    cycle = a_cycle(wire, "HEAD", keep_alive=False)
    await cycle.send(start((b"content-length", b"2")))
    await cycle.send(body(b"ok"))
    (answer,) = wire.calls
    assert answer.endswith(b"connection: close\r\n\r\n")
    assert wire.is_closed


async def test_a_stream_is_sent_as_it_comes() -> None:
    wire = Wire()
    cycle = a_cycle(wire)
    await cycle.send(start((b"content-type", b"text/event-stream")))
    (head,) = wire.calls
    assert b"transfer-encoding: chunked" in head
    await cycle.send(body(b"one", more=True))
    assert wire.calls[1:] == [b"3\r\none\r\n"]


@pytest.mark.parametrize("data", [b"o", b"too long"])
async def test_a_body_of_another_length_is_not_sent(data: bytes) -> None:
    wire = Wire()
    cycle = a_cycle(wire)
    await cycle.send(start((b"content-length", b"2")))
    with pytest.raises(RuntimeError):
        await cycle.send(body(data))
    assert wire.calls == []


@pytest.mark.parametrize("value", [b"a\r\nx-more: b", b"a\nb", b"a\rb", b"a\x00b", b"\x7f"])
async def test_no_field_begins_another_one(value: bytes) -> None:
    wire = Wire()
    cycle = a_cycle(wire)
    await cycle.send(start((b"content-length", b"0"), (b"location", value)))
    with pytest.raises(RuntimeError):
        await cycle.send(body())
    assert wire.calls == []


async def test_nothing_is_sent_to_a_client_that_has_gone() -> None:
    wire = Wire()
    cycle = a_cycle(wire)
    await cycle.send(start((b"content-length", b"2")))
    cycle.disconnected = True
    await cycle.send(body(b"ok"))
    assert wire.calls == []
