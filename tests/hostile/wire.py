"""A client without manners: sends whatever bytes it is given, and reads what comes back."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.patience import PATIENCE

BARE = b"Invalid HTTP request received."


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    headers: dict[str, str]
    head: bytes
    body: bytes

    @property
    def is_bare(self) -> bool:
        """The server's own word for what is no HTTP: our application never saw it."""
        return self.status == 400 and self.body == BARE


class Silence(Exception):
    """Neither an answer nor the end of the connection in time."""


class Line:
    """One connection that is kept as long as the server keeps it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, raw: bytes) -> list[Answer]:
        """Send on the kept connection; once more on a new one where it had been closed."""
        is_new = self._streams is None
        answers = await self._try(raw)
        if not answers and not is_new:
            answers = await self._try(raw)
        return answers

    async def alone(self, raw: bytes, *, hang_up: bool) -> list[Answer]:
        """Send on a connection of its own and read to its end; `hang_up` after the last byte."""
        await self.close()
        reader, writer = await self._open()
        try:
            writer.write(raw)
            if hang_up:
                writer.write_eof()
            answers = await _read(reader)
            if answers and not hang_up:
                with contextlib.suppress(OSError):
                    writer.write_eof()
            while answers and (more := await _read(reader)):
                answers += more
        except ConnectionError:
            return []
        else:
            return answers
        finally:
            await self.close()

    async def close(self) -> None:
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address, limit=2**20)
        return self._streams

    async def _try(self, raw: bytes) -> list[Answer]:
        reader, writer = await self._open()
        try:
            writer.write(raw)
            answers = await _read(reader)
        except (ConnectionError, Silence):
            await self.close()
            raise
        if not answers or answers[-1].headers.get("connection") == "close":
            await self.close()
        return answers


async def _read(reader: asyncio.StreamReader) -> list[Answer]:
    """Read one response, past what is only preliminary; empty at the end of the connection."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status, headers = int(head.split(b" ", 2)[1]), dict(_fields(head))
                if status >= 200:
                    body = await _body(reader, status, headers)
                    return [Answer(status, headers, head, body)]
    except TimeoutError:
        raise Silence from None
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return []


async def _body(reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bytes:
    if status in {204, 304}:
        return b""
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    assert headers.get("transfer-encoding") != "chunked", "no answer of ours is of unknown length"
    return await reader.read()


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.split(b"\r\n")[1:]:
        if line:
            name, _, value = line.partition(b":")
            yield name.decode("latin-1").lower(), value.strip().decode("latin-1")
