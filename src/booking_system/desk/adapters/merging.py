"""Merging two records of a patient in PostgreSQL, so that nothing is left with the duplicate.

Locks, in this order: both records, the queue of the duplicate's holds, its slots, then against
bookings the duplicate once more, then its appointments. A booking, too, locks its slot before it
meets the patient.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.booking.records.hold_queue import queue_as
from booking_system.desk.adapters import merge_statements as statements
from booking_system.desk.adapters.merge_statements import Following
from booking_system.desk.application.merge_ports import MergeWork
from booking_system.desk.domain.merging import Merge, PatientRecord
from booking_system.directory.records import merged_patients as records
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import events_text
from booking_system.platform.postgres.transaction import Database
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
        both = {"stays": patient_id, "duplicate": duplicate_id}
        await records.LOCK_RECORDS.execute(self._connection, **both)
        rows = await records.RECORDS.fetch(self._connection, **both)
        found = {row["id"]: _record_of(row) for row in rows}
        if len(found) < len(both):
            return None
        return Merge(staying=found[patient_id], duplicate=found[duplicate_id])

    async def stop(self, merge: Merge) -> None:
        """Raise `Transient` where the duplicate got an appointment while slots were waited for."""
        whose = merge.duplicate.id
        await queue_as(self._connection, whose)
        rows = await statements.LOCK_SLOTS.fetch(self._connection, duplicate=whose)
        await records.STOP_BOOKINGS.execute(self._connection, duplicate=whose)
        locked = [row["id"] for row in rows]
        if await statements.IS_NEW.fetchval(self._connection, duplicate=whose, locked=locked):
            raise Transient("somebody booked for the duplicate meanwhile")

    async def overlaps(self, merge: Merge) -> bool:
        """Look at what both claim."""
        is_so: bool = await statements.OVERLAP.fetchval(self._connection, **_both(merge))
        return is_so

    async def merge(self, merge: Merge, *, now: datetime) -> None:
        """One statement for each kind of thing."""
        both, event = _both(merge), merge.merged(now=now)
        following = Following(**both, now=now, because=SHARED_BECAUSE)
        await statements.FOLLOW.execute(self._connection, following)
        await statements.HOLDS_FOLLOW.execute(self._connection, **both)
        await records.ACQUAINTANCE_FOLLOWS.execute(self._connection, **both)
        await records.REFERENCES_FOLLOW.execute(self._connection, **both)
        await records.FILL.execute(self._connection, now=now, **both)
        await statements.GO.execute(self._connection, now=now, events=events_text([event]), **both)


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


def _both(merge: Merge) -> dict[str, UUID]:
    return {"stays": merge.staying.id, "duplicate": merge.duplicate.id}


def _record_of(row: asyncpg.Record) -> PatientRecord:
    return PatientRecord(**dict(row) | {"known_to": frozenset(row["known_to"])})
