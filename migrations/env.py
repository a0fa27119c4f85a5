"""How alembic reaches the database: through the program's own connection, or by the settings."""

import asyncio
import os
from collections.abc import Collection

from alembic import context
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from booking_system.bootstrap.migrations import LOCK_WAIT, alone, connected
from booking_system.bootstrap.schema_fit import FIRST, remark_of
from booking_system.bootstrap.tables import metadata


def migrate(connection: Connection) -> None:
    """Each migration in a transaction of its own: it is done, or nothing of it is.

    It waits for no table longer than requests may, which would queue behind it.
    """
    connection.execute(text(f"SET lock_timeout = '{LOCK_WAIT}'"))
    # Alembic begins and ends transactions only where none is open.
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        on_version_apply=[remark],
    )
    with context.begin_transaction():
        context.run_migrations()


def remark(*, ctx: MigrationContext, heads: Collection[str], **_: object) -> None:
    """Say in the database which programs may work on it now."""
    assert ctx.connection is not None
    revision = next(iter(heads), None)
    said = "NULL" if revision is None else f"'{remark_of(revision, oldest_program(revision))}'"
    ctx.connection.execute(text(f"COMMENT ON TABLE alembic_version IS {said}"))


def oldest_program(revision: str) -> str:
    """Return the oldest schema whose program may work on this one."""
    if revision < FIRST:
        return revision
    later = context.script.iterate_revisions(revision, FIRST)
    return max((getattr(script.module, "serves_from", FIRST) for script in later), default=FIRST)


async def migrate_by_settings() -> None:
    """For the `alembic` command."""
    names = ("MIGRATION_URL", "DATABASE_DIRECT_URL", "DATABASE_URL")
    url = next(filter(None, (os.environ.get(f"BOOKING_{name}") for name in names)))
    async with connected(url) as connection, alone(connection):
        await connection.run_sync(migrate)
        await connection.commit()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(migrate_by_settings())
else:
    migrate(given)
