"""How alembic reaches the database: through the program's own connection, or by the settings."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from booking_system.bootstrap.tables import metadata
from booking_system.platform.postgres.hosts import engine_options
from booking_system.platform.postgres.url import sqlalchemy_url

ONE_AT_A_TIME = 7_240_517_001
"""The advisory lock that keeps two starting instances from migrating at once."""


def migrate(connection: Connection) -> None:
    """All in one transaction: a database is migrated, or as it was."""
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})"))
        context.run_migrations()


async def migrate_by_settings() -> None:
    """For the `alembic` command."""
    names = ("MIGRATION_URL", "DATABASE_DIRECT_URL", "DATABASE_URL")
    url = next(filter(None, (os.environ.get(f"BOOKING_{name}") for name in names)))
    place, options = engine_options(sqlalchemy_url(url), {})
    engine = create_async_engine(place, poolclass=pool.NullPool, **options)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(migrate_by_settings())
else:
    migrate(given)
