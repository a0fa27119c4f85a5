"""Servers that serve what they are given."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def listening(serve: Callable[..., Any], **how: Any) -> AsyncIterator[int]:
    """Serve connections, and wait for none of them at the end."""
    talks: set[asyncio.Task[Any]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()
            talks.discard(task)

    where = {} if "sock" in how else {"host": "127.0.0.1", "port": 0}
    server = await asyncio.start_server(kept, **where, **how)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks)
        await server.wait_closed()
