"""A receiver of webhooks: a real server, which answers as a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from standardwebhooks import Webhook, webhooks

from booking_system.shared_kernel.clock import Clock

Answer = Callable[["Got"], Awaitable[bytes | None]]


@dataclass(frozen=True)
class Got:
    """A request as it arrived."""

    head: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None = None

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


def said(status: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} Example", *headers, f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


def always(status: int, *headers: str, body: str = "") -> Answer:
    async def answer(_: Got) -> bytes:
        return said(status, *headers, body=body)

    return answer


def in_turn(*answers: bytes) -> Answer:
    """One after the other, the last one from then on."""
    left = list(answers)

    async def answer(_: Got) -> bytes:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


async def never(_: Got) -> bytes | None:
    await asyncio.Event().wait()
    return None


async def slammed(_: Got) -> bytes | None:
    return None


@dataclass
class Receiver:
    """What came, and what is answered; `connections` counts those that were opened."""

    port: int = 0
    scheme: str = "http"
    arrived: list[Got] = field(default_factory=list)
    connections: int = 0
    answer: Answer = field(default_factory=lambda: always(204))
    names: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?from=here"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.arrived]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (one.partition(": ") for one in fields)
        }
        body = await reader.readexactly(int(headers["content-length"]))
        got = Got(head, headers, body, self.names[-1] if self.names else None)
        self.arrived.append(got)
        if (answer := await self.answer(got)) is not None:
            writer.write(answer)
            await writer.drain()


@asynccontextmanager
async def receiving(
    answer: Answer | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    if answer is not None:
        receiver.answer = answer
    if tls is not None:
        receiver.scheme = "https"

        def remember(_: Any, name: str | None, __: Any) -> None:
            receiver.names.append(name)

        tls.sni_callback = remember
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    tasks = asyncio.all_tasks()
    try:
        yield receiver
    finally:
        server.close()
        for task in asyncio.all_tasks() - tasks - {asyncio.current_task()}:
            if "serve" in repr(task.get_coro()):
                task.cancel()


def verified(got: Got, secret: str, at: Clock) -> Any:
    """What the receiver's library reads at an instant; it raises where a signature is wrong."""

    class Then(webhooks.datetime):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return at.now()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "datetime", Then)
        return Webhook(secret).verify(got.body, got.headers)
