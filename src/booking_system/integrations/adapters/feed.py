"""The feed in PostgreSQL."""

from collections.abc import Sequence

import asyncpg

from booking_system.integrations.domain.feed import FeedEvent, FeedState
from booking_system.platform.postgres.feed import READ, READ_OF_CLINIC
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import ClinicId


class PostgresFeed:
    """Reads it."""

    def __init__(self, database: Database) -> None:
        """Nothing is written."""
        self._database = database

    async def behind(
        self, after: int, *, most: int, clinic_id: ClinicId | None
    ) -> tuple[FeedState, Sequence[FeedEvent]]:
        """Read both in one statement."""
        async with self._database.reading() as connection:
            if clinic_id is None:
                rows = await READ.fetch(connection, after=after, most=most)
            else:
                rows = await READ_OF_CLINIC.fetch(
                    connection, after=after, most=most, clinic_id=clinic_id
                )
        first = rows[0]
        state = FeedState(epoch=first["epoch"], head=first["head"], oldest=first["oldest"])
        return state, [_event_of(row) for row in rows if row["seq"] is not None]


def _event_of(row: asyncpg.Record) -> FeedEvent:
    return FeedEvent(
        seq=row["seq"],
        id=row["id"],
        name=row["name"],
        clinic_id=row["clinic_id"],
        occurred_at=row["occurred_at"],
        data=row["payload"],
    )
