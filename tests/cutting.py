"""A link to PostgreSQL that breaks at the worst moment: just before a COMMIT, or just after it.

It knows as much of the protocol (PostgreSQL documentation, "Message Formats") as it takes to see
where a message begins: nothing that merely contains the word is mistaken for a COMMIT.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from pathlib import Path

NO_STARTUP = {80877102, 80877103, 80877104}
"""Codes of requests that come before the startup message: to cancel, for TLS, for GSSAPI."""
SIMPLE_QUERY = b"Q"
CHUNK = 65536


class Fate(StrEnum):
    """What becomes of a COMMIT."""

    PASSED = "passed"
    CUT_BEFORE = "cut before"
    """PostgreSQL never hears of it."""
    CUT_AFTER = "cut after"
    """PostgreSQL has committed and nobody hears of that."""


class CuttingLink:
    """Passes everything on, and cuts `share` of the COMMITs, half of them before."""

    def __init__(self, socket: Path, *, share: float, seed: int = 1) -> None:
        """`socket` is PostgreSQL's own; nothing is cut before `is_cutting`."""
        self.is_cutting = False
        self.fates: Counter[Fate] = Counter()
        self._socket = socket
        self._share = share
        self._dice = random.Random(seed)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Yields the port on 127.0.0.1."""
        handling = set[asyncio.Task[None]]()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            handling.add(task)
            task.add_done_callback(handling.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in handling:
                task.cancel()
            await asyncio.gather(*handling, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, reader, inner_writer)
        ways = [
            asyncio.create_task(link.forth()),
            asyncio.create_task(link.back(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for one in (writer, inner_writer):
                one.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    def decide(self) -> Fate:
        fate = Fate.PASSED
        if self.is_cutting:
            if self._dice.random() < self._share:
                fate = self._dice.choice([Fate.CUT_BEFORE, Fate.CUT_AFTER])
            self.fates[fate] += 1
        return fate


class _Link:
    """One connection; both ways end when it is cut."""

    def __init__(
        self, whole: CuttingLink, reader: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        self._whole = whole
        self._reader = reader
        self._server = server
        self._has_to_end = False

    async def forth(self) -> None:
        """From the client, message by message."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while await self._startup():
                pass
            while await self._message():
                pass

    async def back(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """From the server; the answer to a COMMIT that is cut after it goes nowhere."""
        with suppress(OSError):
            while (chunk := await server.read(CHUNK)) and not self._has_to_end:
                client.write(chunk)
                await client.drain()

    async def _startup(self) -> bool:
        """Pass one request on; say whether the startup message is yet to come."""
        head = await self._reader.readexactly(8)
        rest = await self._reader.readexactly(int.from_bytes(head[:4]) - 8)
        await self._pass_on(head + rest)
        return int.from_bytes(head[4:]) in NO_STARTUP

    async def _message(self) -> bool:
        """Pass one message on; say whether the link still stands."""
        head = await self._reader.readexactly(5)
        body = await self._reader.readexactly(int.from_bytes(head[1:]) - 4)
        fate = Fate.PASSED
        if head[:1] == SIMPLE_QUERY and body.rstrip(b"\0; \n").upper() == b"COMMIT":
            fate = self._whole.decide()
        if fate is Fate.CUT_BEFORE:
            return False
        # Set first: the answer may be there before this task goes on.
        self._has_to_end = fate is Fate.CUT_AFTER
        await self._pass_on(head + body)
        if fate is Fate.CUT_AFTER:
            await asyncio.Event().wait()
        return True

    async def _pass_on(self, data: bytes) -> None:
        self._server.write(data)
        await self._server.drain()
