"""What staff were told of a patient's other appointments, in PostgreSQL: ids and times only."""

from datetime import timedelta
from functools import partial

from sqlalchemy import insert

from booking_system.booking.application.overlaps import ToldOverlap
from booking_system.booking.records.tables import told_overlaps
from booking_system.platform.postgres.phrases import ago, given
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7

ADD = Statement(insert(told_overlaps).values({one.name: given(one) for one in told_overlaps.c}))

OLD_TOLD_OVERLAPS = Chore.deleting(
    told_overlaps,
    over=told_overlaps.c.told_at < ago(timedelta(days=365)),
    oldest_first=told_overlaps.c.told_at,
)


class PostgresToldOverlaps:
    """Keeps them for a year."""

    def __init__(self, database: Database) -> None:
        """Each is stored by a transaction of its own: what told it was undone."""
        self._database = database

    async def add(self, told: ToldOverlap) -> None:
        """Insert, behind the end of the whole that the refusal undoes, if there is one."""
        await self._database.apart(partial(self._insert, told))

    async def _insert(self, told: ToldOverlap) -> None:
        async with self._database.driver_transaction() as connection:
            await ADD.execute(
                connection,
                id=uuid7(),
                user_id=told.user_id,
                patient_id=told.patient_id,
                time_slot_id=told.slot_id,
                told_at=told.told_at,
            )
