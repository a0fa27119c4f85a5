"""Looks through a pooler in transaction mode: whether its sessions are as the API needs them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.transaction import DEADLINES, PLANNING, engine_for
from booking_system.platform.postgres.url import sqlalchemy_url

TRIES = 3
"""A pooler lends out the session that came back last, so that two who come in turn get the same."""
NO_STATEMENTS = {"26000", "42P05"}
"""SQLSTATE: a prepared statement is not there; or another of its name is there already."""
UNPREPARED = (
    "BOOKING_DATABASE_URL leads through a pooler that keeps no prepared statements: PgBouncer 1.21 "
    "or newer does, with max_prepared_statements above 0."
)
UNREACHABLE = (
    "The pooler at BOOKING_DATABASE_URL lets nobody through; BOOKING_DATABASE_DIRECT_URL leads to "
    "the database."
)
ELSEWHERE = (
    "BOOKING_DATABASE_DIRECT_URL leads to another database than BOOKING_DATABASE_URL: what one "
    "instance tells the others would not arrive."
)
SESSION = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)"
WHERE = (
    "SELECT current_database() || ' ' || system_identifier || ' ' || pg_is_in_recovery()"
    " FROM pg_control_system()"
)


async def refused(settings: Settings) -> list[str]:
    """Say what production does not start with. Raises `DatabaseProblemError`."""
    if not settings.is_pooled:
        return []
    async with _connected(settings) as (one, other):
        if not await keeps_statements(one, other):
            return [UNPREPARED]
        found = await _unset(one, DEADLINES)
        there = await one.fetchval(WHERE)
    async with _connected(settings, is_direct=True) as (direct, _):
        is_same = await direct.fetchval(WHERE) == there
    return found if is_same else [ELSEWHERE, *found]


async def advised(settings: Settings) -> list[str]:
    """Say what costs time only. Raises `DatabaseProblemError`."""
    if not settings.is_pooled:
        return []
    async with _connected(settings) as (one, other):
        return await _unset(one, PLANNING) if await keeps_statements(one, other) else []


async def keeps_statements(one: asyncpg.Connection, other: asyncpg.Connection) -> bool:
    """Say whether two clients may give two statements the same name, as two processes do."""
    try:
        for _ in range(TRIES):
            name = f"booking_check_{secrets.token_hex(8)}"
            first = await one.prepare("SELECT 1", name=name)
            second = await other.prepare("SELECT 2", name=name)
            if (await first.fetchval(), await second.fetchval()) != (1, 2):
                return False
    except asyncpg.PostgresError as error:
        if error.sqlstate in NO_STATEMENTS:
            return False
        raise
    return True


async def _unset(connection: asyncpg.Connection, wanted: dict[str, str]) -> list[str]:
    """Sentences about settings that sessions come without; shorter deadlines are as good."""
    found = dict(await connection.fetch(SESSION, list(wanted)))
    role = await connection.fetchval("SELECT quote_ident(current_user)")
    return [
        f"BOOKING_DATABASE_URL leads through a pooler whose sessions have {name} = "
        f"{found.get(name)}: `ALTER ROLE {role} SET {name} = '{value}'`, then `RECONNECT` on the "
        "pooler's console."
        for name, value in wanted.items()
        if not _is_good(name, str(found.get(name)), value)
    ]


def _is_good(name: str, found: str, wanted: str) -> bool:
    # None at all is written 0.
    return found == wanted or (name in DEADLINES and 0 < int(found) < int(wanted))


@asynccontextmanager
async def _connected(
    settings: Settings, *, is_direct: bool = False
) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    """Two connections on the way that requests go, or past the pooler."""
    url = settings.direct_url if is_direct else settings.database_url
    assert url is not None
    engine = engine_for(sqlalchemy_url(url), pool_size=2, is_pooled=not is_direct)
    try:
        async with engine.connect() as one, engine.connect() as other:
            first, second = await one.get_raw_connection(), await other.get_raw_connection()
            assert isinstance(first.driver_connection, asyncpg.Connection)
            assert isinstance(second.driver_connection, asyncpg.Connection)
            yield first.driver_connection, second.driver_connection
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise DatabaseProblemError(UNREACHABLE) from error
    finally:
        await engine.dispose()
