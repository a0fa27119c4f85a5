"""What staff were told of a patient's other appointments, in PostgreSQL: ids and times only."""

from functools import partial

from booking_system.booking.application.overlaps import ToldOverlap
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7

ADD = """INSERT INTO told_overlaps (id, user_id, patient_id, time_slot_id, told_at)
 VALUES ($1, $2, $3, $4, $5)"""

OLD_TOLD_OVERLAPS = Chore(
    "told_overlaps",
    """DELETE FROM told_overlaps WHERE id IN (
  SELECT id FROM told_overlaps WHERE told_at < now() - interval '365 days'
  ORDER BY told_at LIMIT $1 FOR UPDATE SKIP LOCKED)""",
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
            await connection.execute(
                ADD, uuid7(), told.user_id, told.patient_id, told.slot_id, told.told_at
            )
