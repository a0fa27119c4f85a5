"""A way to PostgreSQL that lets in as PgBouncer does: not who asks for settings of a session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL

from tests.identity.relay import Relay

TRACKED = {"user", "database", "client_encoding", "application_name", "timezone", "datestyle"}
"""Of these the names are known, or given to each session that is lent out (docs of PgBouncer)."""


class Doorman(Relay):
    """Counts who came in."""

    def __init__(self, url: URL, folder: Path) -> None:
        super().__init__(url, folder)
        self.let_in = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(4)
        message = head + await reader.readexactly(int.from_bytes(head) - 4)
        words = message[8:].rstrip(b"\0").decode().split("\0")
        refused = [name for name in words[::2] if name.lower() not in TRACKED]
        if refused:
            writer.write(_error(f"unsupported startup parameter: {refused[0]}"))
            writer.close()
            return
        self.let_in += 1
        await self._between(reader, writer, begun=message)


def _error(text: str) -> bytes:
    fields = b"".join(
        kind + value.encode() + b"\0"
        for kind, value in ((b"S", "FATAL"), (b"C", "08P01"), (b"M", text))
    )
    return b"E" + (len(fields) + 5).to_bytes(4) + fields + b"\0"


@asynccontextmanager
async def doorman(url: URL, folder: Path) -> AsyncIterator[Doorman]:
    """Listens in `folder`."""
    one = Doorman(url, folder)
    async with one.opened():
        yield one
