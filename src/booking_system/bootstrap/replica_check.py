"""Says what an operator should know of the replica that the settings name."""

from typing import Any

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.leases import Leases
from booking_system.platform.postgres.searches import QUICK, REPLAYED
from booking_system.platform.postgres.transaction import engine_for

NAME = "BOOKING_DATABASE_REPLICA_URL"


async def advice(settings: Settings) -> list[str]:
    """Ask it; searches go on without it in any case, so nothing of this is an error."""
    if settings.replica is None:
        return []
    leases = Leases(engine_for(settings.replica, pool_size=1, deadlines=QUICK), size=1)
    try:
        async with leases.leased() as lease:
            found: Any = await REPLAYED.fetchrow(lease.driver)
    except (TimeoutError, OSError, SQLAlchemyError, asyncpg.PostgresError):
        return [f"{NAME} cannot be reached: searches read the database alone."]
    finally:
        await leases.close()
    if found[1] is None:
        return [f"{NAME} is no replica: searches read the database alone."]
    return []
