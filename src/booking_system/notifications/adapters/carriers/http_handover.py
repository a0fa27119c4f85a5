"""A request to a provider in three steps: connected, written, answered.

httpcore tells of each of its steps, and waits for whom it tells. So a request is held where its
connection stands and none of its bytes has left, until somebody says go.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from booking_system.notifications.adapters.carriers.waits import SEND_BUFFER, Waits
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from booking_system.shared_kernel.clock import Clock

Judge = Callable[[httpx.Response], str | None]
"""Returns the provider's id of a message that it took; raises what a refusal means."""

CONNECTED = "connect_tcp.complete"
BEGINS = "http11.send_request_headers.started"
HEAD_FAILED = "http11.send_request_headers.failed"
BODY_DONE = {"http11.send_request_body.complete", "http11.send_request_body.failed"}


def http_client(tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """Return a client for all carriers; it is closed by whom it was made for.

    It follows no redirect, since a message is not for others, and keeps connections for seconds.
    `tls` says whom to believe; without it the authorities that come with httpx.
    """
    return httpx.AsyncClient(
        verify=tls or _authorities(),
        follow_redirects=False,
        timeout=httpx.Timeout(Waits().opening),
        limits=httpx.Limits(max_keepalive_connections=20, keepalive_expiry=5.0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpWay:
    """What all carriers share that speak HTTP."""

    client: httpx.AsyncClient
    clock: Clock
    waits: Waits = field(default_factory=Waits)

    @asynccontextmanager
    async def handover(self, request: httpx.Request, judge: Judge) -> AsyncIterator["HttpHandover"]:
        """Connect; leaving the block before the answer came breaks the connection off.

        The request must have a body. Raises `NotSentError` where there is no connection in time.
        """
        handover = HttpHandover(self.client, request, judge, self.waits)
        try:
            await handover.connect()
            yield handover
        finally:
            await handover.drop()


class HttpHandover:
    """A request before an open connection."""

    def __init__(
        self, client: httpx.AsyncClient, request: httpx.Request, judge: Judge, waits: Waits
    ) -> None:
        """Nothing happens yet."""
        request.extensions = {**request.extensions, "trace": self._trace}
        self._judge = judge
        self._waits = waits
        self._go = asyncio.Event()
        self._connected = asyncio.Event()
        self._written = asyncio.Event()
        self._head_failed = False
        self._half_open: Any = None
        self._answer = asyncio.create_task(client.send(request))

    async def connect(self) -> None:
        """Wait for the connection."""
        if not await self._happened(self._connected, self._waits.opening):
            raise NotSentError(Fault.TEMPORARY, "timeout")
        if not self._connected.is_set():
            try:
                await self._answer
            except httpx.TimeoutException:
                raise NotSentError(Fault.TEMPORARY, "timeout") from None
            except httpx.TransportError:
                raise NotSentError(Fault.TEMPORARY, "no_connection") from None

    async def write(self) -> None:
        """Let the request go, and wait until it is the kernel's."""
        self._go.set()
        if not await self._happened(self._written, self._waits.writing):
            raise OutcomeUnknownError("slow_write")
        if self._head_failed:
            # Of the body nothing was tried, so there is no message that could have been taken.
            raise NotSentError(Fault.TEMPORARY, "connection_lost")

    async def answer(self) -> str | None:
        """Wait for the answer, and judge it."""
        try:
            async with asyncio.timeout(self._waits.answer):
                response = await self._answer
        except (TimeoutError, httpx.TimeoutException):
            raise OutcomeUnknownError("timeout") from None
        except httpx.TransportError:
            raise OutcomeUnknownError("connection_lost") from None
        return self._judge(response)

    async def drop(self) -> None:
        """Break off what is not over."""
        self._answer.cancel()
        await asyncio.wait([self._answer])
        if not self._answer.cancelled():
            self._answer.exception()
        if self._half_open is not None:
            # Cancelled while TLS begins, httpcore leaves the connection to the garbage collection.
            await self._half_open.aclose()

    async def _happened(self, event: asyncio.Event, seconds: float) -> bool:
        """Say whether it happened in time, or never will."""
        waiting = asyncio.create_task(event.wait())
        try:
            done, _ = await asyncio.wait(
                [waiting, self._answer], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        return bool(done)

    async def _trace(self, name: str, info: dict[str, Any]) -> None:
        if name.endswith(CONNECTED):
            self._half_open = info["return_value"]
            _make_room(self._half_open)
        elif name == BEGINS and info["request"].method != b"CONNECT":
            # A proxy's CONNECT goes the same way, before there is a connection to the provider.
            self._half_open = None
            self._connected.set()
            await self._go.wait()
        elif self._go.is_set() and (name == HEAD_FAILED or name in BODY_DONE):
            self._head_failed = self._head_failed or name == HEAD_FAILED
            self._written.set()


@cache
def _authorities() -> ssl.SSLContext:
    """Loaded once in a process, and where somebody needs them."""
    return httpx.create_ssl_context()


def _make_room(stream: Any) -> None:
    """Room for all of the request, so that it is the kernel's as soon as it is written."""
    connected = stream.get_extra_info("socket")
    if connected is not None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
