"""Ends every session of the installation: nobody knows which of them should go on."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.domain.session import EndedBecause
from booking_system.identity.records.tables import sessions


async def end_all(connection: AsyncConnection, *, now: datetime) -> None:
    """End those that have not ended yet; `now` is UTC. No process may serve meanwhile."""
    await connection.execute(
        update(sessions)
        .where(sessions.c.ended_at.is_(None))
        .values(ended_at=now, ended_because=EndedBecause.ENDED_BY_ADMIN)
    )
