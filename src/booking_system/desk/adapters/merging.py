"""Merging two records of a patient in PostgreSQL, so that nothing is left with the duplicate.

Locks, in this order: both records, the queue of the duplicate's holds, its slots, then against
bookings the duplicate once more, then its appointments. A booking, too, locks its slot before it
meets the patient.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from booking_system.booking.adapters.holding import queue_as
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.desk.adapters import merge_statements
from booking_system.desk.application.merge_ports import MergeWork
from booking_system.desk.domain.merging import Merge, PatientRecord
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import payload_text
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import PatientId

REFUSALS: Refusals = {"ex_appointments_patient_never_twice": PatientOverlap}
SHARED_BECAUSE = "Two records of one patient were merged."


class PostgresMergeWork:
    """One such transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def lock(self, patient_id: PatientId, duplicate_id: PatientId) -> Merge | None:
        """Take the rows by ascending id `FOR NO KEY UPDATE`; foreign keys to them go through."""
        both = (patient_id, duplicate_id)
        await self._connection.execute(merge_statements.LOCK_RECORDS, *both)
        rows = await self._connection.fetch(merge_statements.RECORDS, *both)
        found = {row["id"]: _record_of(row) for row in rows}
        if len(found) < len(both):
            return None
        return Merge(staying=found[patient_id], duplicate=found[duplicate_id])

    async def stop(self, merge: Merge) -> None:
        """Raise `Transient` where the duplicate got an appointment while slots were waited for."""
        whose = merge.duplicate.id
        await queue_as(self._connection, whose)
        rows = await self._connection.fetch(merge_statements.LOCK_SLOTS, whose)
        await self._connection.execute(merge_statements.STOP_BOOKINGS, whose)
        locked = [row["id"] for row in rows]
        if await self._connection.fetchval(merge_statements.IS_NEW, whose, locked):
            raise Transient("somebody booked for the duplicate meanwhile")

    async def overlaps(self, merge: Merge) -> bool:
        """Look at what both claim."""
        both = (merge.staying.id, merge.duplicate.id)
        is_so: bool = await self._connection.fetchval(merge_statements.OVERLAP, *both)
        return is_so

    async def merge(self, merge: Merge, *, now: datetime) -> None:
        """One statement for each kind of thing."""
        both, event = (merge.staying.id, merge.duplicate.id), merge.merged(now=now)
        await self._connection.execute(merge_statements.FOLLOW, *both, now, SHARED_BECAUSE)
        await self._connection.execute(merge_statements.HOLDS_FOLLOW, *both)
        await self._connection.execute(merge_statements.ACQUAINTANCE_FOLLOWS, *both)
        await self._connection.execute(merge_statements.FILL, *both, now)
        await self._connection.execute(merge_statements.GO, *both, now)
        await self._connection.execute(
            merge_statements.TELL, uuid7(), event.name, payload_text(event), now
        )


class PostgresMerging:
    """Opens such transactions."""

    def __init__(self, database: Database) -> None:
        """`database` need not know the constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MergeWork]:
        """Open one transaction."""
        async with self._database.driver_transaction() as connection:
            yield PostgresMergeWork(connection)


def _record_of(row: asyncpg.Record) -> PatientRecord:
    return PatientRecord(**dict(row) | {"known_to": frozenset(row["known_to"])})
