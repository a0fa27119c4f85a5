"""The two databases: a server each, so that neither pushes the other out of memory."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from booking_lab.bench.plan import BenchProblem
from booking_lab.bench.run import own_server
from booking_lab.bench.scale.plan import FRESH_DAYS
from booking_lab.scale.load import load_scale
from booking_lab.scale.size import Size
from booking_system.bootstrap import migrations
from booking_system.bootstrap.container import build, close
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.settings import Settings

Loading = Callable[[int, int], None]

PRESENT = """SELECT (SELECT count(*) FROM doctors) AS doctors, max(horizon_days) AS days,
 min(created_at) AS loaded_at FROM clinics"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A filled database: the folder of its API, its server, and what it holds.

    `load_seconds` is None where it was there already.
    """

    folder: Path
    server: EmbeddedPostgres
    version: str
    slots: int
    size_bytes: int
    load_seconds: float | None


@contextmanager
def place_in(
    folder: Path, size: Size, *, postgres_bin: Path | None, is_kept: bool, loading: Loading
) -> Iterator[Place]:
    """Start the server in `folder`, fill its database unless it is full, stop it afterwards.

    Unless `is_kept`, nothing is left. Raises `BenchProblem`, `DatabaseProblemError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    running = _kept_server if is_kept else own_server
    with running(folder, postgres_bin) as server:
        yield asyncio.run(_filled(folder, server, size, loading))
    if not is_kept:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _kept_server(folder: Path, postgres_bin: Path | None) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder, binaries=postgres_bin)
    try:
        server.start()
        yield server
    finally:
        server.stop()


async def _filled(folder: Path, server: EmbeddedPostgres, size: Size, loading: Loading) -> Place:
    await migrations.upgrade(server.url)
    connection = await asyncpg.connect(server.url)
    try:
        seconds = None
        if not await _is_there(connection, size, folder):
            seconds = await _loaded(folder, server.url, size, loading)
        # Also after a migration that made an index.
        await connection.execute("VACUUM (ANALYZE)")
        return Place(
            folder=folder,
            server=server,
            version=str(await connection.fetchval("SHOW server_version")),
            slots=await connection.fetchval("SELECT count(*) FROM time_slots"),
            size_bytes=await connection.fetchval("SELECT pg_database_size(current_database())"),
            load_seconds=seconds,
        )
    finally:
        await connection.close()


async def _is_there(connection: asyncpg.Connection, size: Size, folder: Path) -> bool:
    """A load is one transaction, so what is there is whole. Raises `BenchProblem`."""
    present = await connection.fetchrow(PRESENT)
    if present["loaded_at"] is None:
        return False
    age = datetime.now(UTC) - present["loaded_at"]
    if (present["doctors"], present["days"]) != (size.doctors, size.days):
        raise BenchProblem(f"The database in {folder} has another size: remove the folder.")
    if age > timedelta(days=FRESH_DAYS):
        raise BenchProblem(f"The database in {folder} is {age.days} days old: remove the folder.")
    return True


async def _loaded(folder: Path, url: str, size: Size, loading: Loading) -> float:
    container = build(Settings(database_url=url, migration_url=None, data_dir=folder))
    try:
        report = await load_scale(container, url, size, even_if_not_empty=False, progress=loading)
    finally:
        await close(container)
    return report.seconds
