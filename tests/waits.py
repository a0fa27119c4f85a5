"""Waits until others wait."""

import asyncio

from booking_system.platform.postgres.transaction import Database
from tests.patience import PATIENCE

WAITING = """SELECT count(*) FROM pg_stat_activity
 WHERE wait_event_type = 'Lock' AND datname = current_database()"""


async def until_waiting(database: Database, count: int = 1) -> None:
    """Returns as soon as so many statements wait for a lock.

    Each look is a transaction of its own: within one PostgreSQL shows no process that came later.
    """
    async with asyncio.timeout(PATIENCE), database.reading() as connection:
        while await connection.fetchval(WAITING) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
