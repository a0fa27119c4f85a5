"""Brings a database to the schema that this version of the program works with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from booking_system.bootstrap.schema_fit import OF_THE_DATABASE, Schema
from booking_system.platform.postgres.hosts import engine_options
from booking_system.platform.postgres.url import sqlalchemy_url

ROOT = Path(__file__).parents[3]
OLDEST = 15
"""`UNIQUE NULLS NOT DISTINCT` came with PostgreSQL 15."""
PATIENT = {
    "lock_timeout": "30000",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""In milliseconds; the role's own deadlines, if it has any, are for requests."""
THROUGH_A_POOLER = (
    "a pooler is in between, which lends sessions out: BOOKING_DATABASE_DIRECT_URL (or "
    "BOOKING_MIGRATION_URL) has to lead past it"
)
ONE_AT_A_TIME = 7_240_517_001
"""The advisory lock that keeps two starting instances from migrating at once."""
LOOK_SECONDS = 0.2
LOOKS = 3000
"""Until an instance waits no longer for another instance, which migrates: ten minutes."""
LOCK_WAIT = "500ms"
"""How long a migration waits for a table: requests queue behind it, and do so for a second."""
TRIES = 120
REST_SECONDS = 0.5
"""Between two tries, in which requests go on. All of them take two minutes."""
IN_USE = (
    "The tables were in use all the time: a transaction is open for minutes (pg_stat_activity "
    "shows it). What was migrated so far is kept; run `booking-system migrate` again later."
)
_LOCK_NOT_AVAILABLE = "55P03"


class DatabaseProblemError(Exception):
    """The database cannot be used; the text says why in a sentence, without its password."""


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to a revision; instances that start together take turns.

    A database that is ahead is left as it is, where this version works on it as well. Raises
    `DatabaseProblemError` where it cannot be reached, is too old, has a revision that this version
    of the program does not know, or is in use all the time.
    """
    async with connected(url) as connection, alone(connection):
        schema = await schema_of(connection)
        if not schema.is_ahead_of(own := newest()):
            await _in_pauses(connection, command.upgrade, revision)
        elif problem := schema.problem(own):
            raise DatabaseProblemError(problem)


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision, `base` for the empty one. Raises as `upgrade` does."""
    async with connected(url) as connection, alone(connection):
        schema = await schema_of(connection)
        if schema.is_ahead_of(newest()):
            raise DatabaseProblemError(
                f"The database has schema {schema.revision}, which this version does not know: "
                "only the newer version that made it can take it back."
            )
        if revision not in {"base", *revisions()}:
            raise DatabaseProblemError(f"{revision} is no schema that this version knows.")
        await _in_pauses(connection, command.downgrade, revision)


async def problem_of(url: str) -> str | None:
    """Say in a sentence why this version cannot work on the database, if so.

    Raises `DatabaseProblemError` where it cannot be reached.
    """
    async with connected(url) as connection:
        return (await schema_of(connection)).problem(newest())


async def schema_of(connection: AsyncConnection) -> Schema:
    """Return what the database says of itself."""
    if await revision_of(connection) is None:
        return Schema(None)
    return Schema(*(await connection.execute(text(OF_THE_DATABASE))).one())


async def revision_of(connection: AsyncConnection) -> str | None:
    """Return the revision of the database; None for an empty one."""
    return await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )


@asynccontextmanager
async def alone(connection: AsyncConnection) -> AsyncIterator[None]:
    """Keep others from migrating for as long as the block lasts.

    Others look again and again and wait in no statement: an index that is made beside the requests
    waits for every statement that began before it. Raises `DatabaseProblemError`.
    """
    for _ in range(LOOKS):
        if await _told(connection, f"SELECT pg_try_advisory_lock({ONE_AT_A_TIME})"):
            break
        await asyncio.sleep(LOOK_SECONDS)
    else:
        raise DatabaseProblemError("Another instance is migrating the database: try again later.")
    try:
        yield
    finally:
        if not connection.closed and not connection.invalidated:
            await connection.rollback()
            await _told(connection, f"SELECT pg_advisory_unlock({ONE_AT_A_TIME})")


async def _told(connection: AsyncConnection, question: str) -> object:
    answer: object = (await connection.execute(text(question))).scalar_one()
    await connection.commit()
    return answer


async def _in_pauses(connection: AsyncConnection, run: Any, revision: str) -> None:
    """Run it, and where a lock is not to be had let the requests go on before the next try."""
    for _ in range(TRIES):
        try:
            await connection.run_sync(_with_config, run, revision)
            await connection.commit()
        except DBAPIError as error:
            await connection.rollback()
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
        else:
            return
        await asyncio.sleep(REST_SECONDS)
    raise DatabaseProblemError(IN_USE)


@cache
def newest() -> str:
    """Return the revision that this version of the program works with; the files are read once."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def revisions() -> list[str]:
    """Return all revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]


def _with_config(connection: Connection, run: Any, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    run(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """Open one connection, which waits for a lock for half a minute at most.

    Raises `DatabaseProblemError`, also for what its statements are refused with.
    """
    place, options = engine_options(sqlalchemy_url(url), {"timeout": 5, "server_settings": PATIENT})
    engine = create_async_engine(place, poolclass=pool.NullPool, hide_parameters=True, **options)
    try:
        async with engine.connect() as connection:
            await _refuse_old(connection)
            yield connection
    except (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.TargetServerAttributeNotMatched,
        asyncpg.InvalidAuthorizationSpecificationError,
    ) as error:
        raise DatabaseProblemError(f"The database cannot be reached: {_reason(error)}.") from error
    except DBAPIError as error:
        raise DatabaseProblemError(f"The database refused: {_reason(error)}.") from error
    finally:
        await engine.dispose()


async def _refuse_old(connection: AsyncConnection) -> None:
    number = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    if number // 10_000 < OLDEST:
        raise DatabaseProblemError(
            f"PostgreSQL {OLDEST} or newer is needed, this server is {number // 10_000}."
        )


def _reason(error: BaseException) -> str:
    """The server's own first line: schema and login errors quote no row values."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause.__cause__ or cause).strip().splitlines()
    if lines and "unsupported startup parameter" in lines[0]:
        return THROUGH_A_POOLER
    return lines[0].rstrip(".") if lines else type(cause).__name__
