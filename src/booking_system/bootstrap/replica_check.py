"""Says what an operator should know of the replica that the settings name."""

from typing import Any

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.leases import Leases
from booking_system.platform.postgres.searches import QUICK, REPLAYED
from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.platform.postgres.url import sqlalchemy_url

NAME = "BOOKING_DATABASE_REPLICA_URL"
SYSTEM = "SELECT system_identifier FROM pg_control_system()"
"""A number that a server has in common with its replicas alone."""


async def advice(settings: Settings) -> list[str]:
    """Ask it; searches go on without it in any case, so nothing of this is an error."""
    if settings.replica is None:
        return []
    assert settings.database_url is not None
    leases = Leases(engine_for(settings.replica, pool_size=1, deadlines=QUICK), size=1)
    try:
        async with leases.leased() as lease:
            found: Any = await REPLAYED.fetchrow(lease.driver)
            system = await lease.driver.fetchval(SYSTEM)
    except (TimeoutError, OSError, SQLAlchemyError, asyncpg.PostgresError):
        return [f"{NAME} cannot be reached: searches read the database alone."]
    finally:
        await leases.close()
    if found[1] is None:
        return [f"{NAME} is no replica: searches read the database alone."]
    database = Database.at(sqlalchemy_url(settings.database_url), pool_size=1)
    try:
        async with database.reading() as connection:
            if system != await connection.fetchval(SYSTEM):
                return [f"{NAME} is a replica of another database: take it out."]
    finally:
        await database.close()
    return []
