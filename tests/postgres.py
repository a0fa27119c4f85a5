"""Real PostgreSQL for tests: one embedded server per worker, a migrated template, quick clones."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg

from booking_system.bootstrap import migrations
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from tests.budget import MADE

TEMPLATE = "template_migrated"
IN_MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes: more than the files of all workers' servers."""


class TestServer:
    """A server with a migrated template, from which each test gets a database of its own."""

    __test__ = False

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    def url(self, database: str) -> str:
        return self.server.url_for(database)

    async def prepare(self) -> None:
        await self.execute(f"CREATE DATABASE {TEMPLATE}")
        await migrations.upgrade(self.url(TEMPLATE))

    async def execute(self, statement: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, *, template: str = TEMPLATE) -> AsyncIterator[str]:
        """A database of its own; yields its address."""
        MADE["databases"] += 1
        name = f"t_{uuid4().hex}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            await self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def memory_with_room() -> Path | None:
    """A folder whose files are in memory, where there is one: nothing is written to a disk then."""
    if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM:
        return IN_MEMORY
    return None


@contextmanager
def running_server(*, durable: bool = False, **more: str) -> Iterator[TestServer]:
    """Start one; `more` are settings of its own."""
    MADE["PostgreSQL servers"] += 1
    memory = None if durable else memory_with_room()
    with tempfile.TemporaryDirectory(prefix="booking-tests-", dir=memory) as folder:
        Path(folder).chmod(0o755)
        settings = {"max_connections": "200", "shared_buffers": "128MB", **more}
        server = EmbeddedPostgres(Path(folder), durable=durable, settings=settings)
        server.start()
        try:
            yield TestServer(server)
        finally:
            server.stop()
