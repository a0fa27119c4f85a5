"""Brings a database to the schema that this version of the program works with."""

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


class DatabaseProblemError(Exception):
    """The database cannot be used; the text says why in a sentence, without its password."""


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to a revision; instances that start together take turns.

    Raises `DatabaseProblemError` where it cannot be reached, is too old, or has a revision that
    this version of the program does not know.
    """
    async with connected(url) as connection:
        await connection.run_sync(_upgrade, revision)
        await connection.commit()


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision, `base` for the empty one."""
    async with connected(url) as connection:
        await connection.run_sync(_with_config, command.downgrade, revision)
        await connection.commit()


async def is_at_head(url: str) -> bool:
    """Say whether the schema is the one of this version. Raises `DatabaseProblemError`."""
    async with connected(url) as connection:
        return await revision_of(connection) == newest()


async def revision_of(connection: AsyncConnection) -> str | None:
    """Return the revision of the database; None for an empty one."""
    return await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )


@cache
def newest() -> str | None:
    """Return the revision that this version of the program works with; the files are read once."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def revisions() -> list[str]:
    """Return all revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]


def _upgrade(connection: Connection, revision: str) -> None:
    known = revisions()
    present = MigrationContext.configure(connection).get_current_revision()
    if present is not None and present not in known:
        raise DatabaseProblemError(
            f"The database has schema {present}, which this version does not know: "
            "it was used by a newer version."
        )
    _with_config(connection, command.upgrade, revision)


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
