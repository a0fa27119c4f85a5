"""Providers that speak HTTP and answer as they are told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from botocore.credentials import Credentials

from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.http_handover import HttpWay, http_client
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.carriers.waits import Waits
from tests.notifications.carriers.letters import PATIENT, Frozen
from tests.notifications.carriers.listening import listening

HANGS = b""
DROPS = None
TLS = ssl.create_default_context()
"""The same for all: to load the authorities anew takes longer than most tests."""


@dataclass
class Asked:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """Keeps what it is asked, then sends its answer, nothing (`HANGS`), or leaves (`DROPS`)."""

    answer: bytes | None = HANGS
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def only(self) -> Asked:
        (one,) = self.asked
        return one

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await _head(reader):
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(Asked(method, target, headers, body))
            if self.answer is None:
                return
            writer.write(self.answer)


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def says(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """An answer."""
    fields = {"Content-Length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    return f"HTTP/1.1 {status} Said\r\n{''.join(lines)}\r\n".encode() + body


@asynccontextmanager
async def a_provider(answer: bytes | None = HANGS) -> AsyncIterator[Provider]:
    provider = Provider(answer)
    async with listening(provider.serve) as port:
        provider.port = port
        yield provider


@asynccontextmanager
async def a_way(waits: Waits = PATIENT) -> AsyncIterator[HttpWay]:
    async with http_client(TLS) as client:
        yield HttpWay(client=client, clock=Frozen(), waits=waits)


def when_needed(way: HttpWay) -> HttpWhenNeeded:
    """One that was needed already."""
    http = HttpWhenNeeded(way.clock)
    http._way = way
    return http


def amazon_keys() -> AmazonKeys:
    """Keys that need not be looked for."""
    keys = AmazonKeys()
    keys._found = Credentials("AKIDEXAMPLE", "very/secret+key", "a-session")
    return keys
