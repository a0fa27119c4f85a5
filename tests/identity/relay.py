"""A way to the database that a test can cut, or let fall silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy import URL

from tests.patience import turns

SOCKET = ".s.PGSQL.5432"


class Relay:
    """Passes bytes between a socket in `folder` and the server's own.

    While it `is_silent`, what comes is swallowed, both ways, and nobody is told.
    """

    def __init__(self, url: URL, folder: Path) -> None:
        port = url.query.get("port", "5432")
        self._behind = f"{url.query['host']}/.s.PGSQL.{port}"
        self._place = folder / SOCKET
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.is_silent = False
        self.url = url.update_query_dict({"host": str(folder), "port": "5432"})

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._place)

    async def open_port(self) -> int:
        """Listen on 127.0.0.1 instead, where users of this machine come by who may not enter."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Cut at the end of the block, and what is cut has noticed."""
        await self.open()
        try:
            yield
        finally:
            await self.cut()
            await turns()

    async def cut(self) -> None:
        self._server.close()
        self._place.unlink(missing_ok=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._between(reader, writer)

    async def _between(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes = b""
    ) -> None:
        """Pass on what comes, behind what was read already."""
        behind_reader, behind_writer = await asyncio.open_unix_connection(self._behind)
        self._writers += [writer, behind_writer]
        behind_writer.write(begun)
        for source, target in ((reader, behind_writer), (behind_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, target))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if not self.is_silent:
                    target.write(data)
                    await target.drain()
        target.close()
