"""Removing and restoring in PostgreSQL: closes slots in bulk, in the order of all locks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.records.cards import card_of
from booking_system.booking.records.releasing import release
from booking_system.desk.adapters import removal_statements as statements
from booking_system.desk.application.removal_ports import RemovalWork
from booking_system.desk.domain.refusals import RestoreConflict
from booking_system.desk.domain.removal import Kind, Removable
from booking_system.desk.domain.removal_told import told_of
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import RECORD, events_text
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.scheduling.records import calendar_work
from booking_system.scheduling.records.calendar_statements import TAKE_TIME
from booking_system.shared_kernel.errors import Transient

REFUSALS: Refusals = {"uq_clinics_slug": RestoreConflict, "uq_patients_user_id": RestoreConflict}

BECAUSE = {
    Kind.DOCTOR: ClosedBecause.DOCTOR_REMOVED,
    Kind.CLINIC: ClosedBecause.CLINIC_REMOVED,
}
ASK_FOR_PLANS: dict[Kind, Callable[..., Awaitable[None]]] = {
    Kind.DOCTOR: calendar_work.ask_doctor,
    Kind.CLINIC: calendar_work.ask_clinic,
}
TellStaff = Callable[..., Awaitable[None]]
"""Makes the roles in a clinic, or those of one of its doctors, be read anew, with a transaction."""


class PostgresRemovalWork:
    """One such transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection, tell_staff: TellStaff) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection
        self._tell_staff = tell_staff

    async def lock(self, kind: Kind, identity: UUID) -> Removable | None:
        """Take the row `FOR NO KEY UPDATE`, which lets foreign keys to it through."""
        await TAKE_TIME.fetchval(self._connection)
        row = await statements.LOCK[kind].fetchrow(self._connection, identity=identity)
        if row is None:
            return None
        about = dict(row)
        return Removable(kind=kind, **about | {"known_to": frozenset(about.get("known_to", ()))})

    async def close_slots(self, found: Removable, *, now: datetime) -> None:
        """One statement for all of them; no booking of what goes is under way behind it.

        Raises `Transient` where somebody booked for the patient, or the service, while slots were
        waited for.
        """
        about = {"identity": found.id, "now": now}
        if found.kind in statements.STOP_BOOKINGS:
            await self._stop_bookings(found.kind, about)
        else:
            closes = statements.CLOSE_SLOTS[found.kind]
            await closes.execute(self._connection, because=BECAUSE[found.kind], **about)

    async def _stop_bookings(self, kind: Kind, about: dict[str, Any]) -> None:
        """Slots come before the row of the patient or the service, as for everybody who books."""
        rows = await statements.LOCK_SLOTS[kind].fetch(self._connection, **about)
        locked = {row["id"] for row in rows}
        stops = statements.STOP_BOOKINGS[kind]
        await stops.fetchval(self._connection, identity=about["identity"])
        rows = await statements.SLOTS_NOW[kind].fetch(self._connection, **about)
        if not locked.issuperset(row["id"] for row in rows):
            raise Transient("somebody booked for what is to go meanwhile")

    async def reopen_slots(self, found: Removable) -> None:
        """A clinic's slots stay closed where their doctor is removed."""
        if found.kind in BECAUSE:
            reopens = statements.REOPEN_SLOTS[found.kind]
            await reopens.execute(self._connection, identity=found.id, because=BECAUSE[found.kind])

    async def affected(self, found: Removable, *, now: datetime) -> Sequence[Appointment]:
        """Read in a statement of its own, which sees what was booked before the slots closed."""
        reading = statements.AFFECTED[found.kind]
        rows = await reading.fetch(self._connection, identity=found.id, now=now)
        return [card_of(row).appointment for row in rows]

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """One statement for all of them."""
        await release(self._connection, appointments)

    async def check_place_is_free(self, found: Removable) -> None:
        """Only a clinic's slug can be taken meanwhile."""
        if found.kind is Kind.CLINIC:
            occupant = await statements.OCCUPANT.fetchval(self._connection, identity=found.id)
            if occupant is not None:
                detail = "Another clinic has its slug by now."
                raise RestoreConflict(detail, occupied_by=occupant)

    async def mark(self, found: Removable, *, removed_at: datetime | None, now: datetime) -> None:
        """Write the mark, the new version, and what is told of it."""
        marks = statements.MARK[found.kind]
        await marks.execute(self._connection, identity=found.id, removed_at=removed_at, now=now)
        if told := told_of(found, removed=removed_at is not None, now=now):
            await RECORD.execute(self._connection, events=events_text(told))
        if found.kind in BECAUSE:
            # Roles end with it, and hold again when it is back.
            doctor_id = found.id if found.kind is Kind.DOCTOR else None
            await self._tell_staff(self._connection, found.clinic_id, doctor_id)
        if removed_at is None and found.kind in ASK_FOR_PLANS:
            # The hours, the horizon or the clinic's clock may have changed meanwhile.
            await ASK_FOR_PLANS[found.kind](
                self._connection, found.id, due_at=now, planned_until=now
            )


class PostgresRemoval:
    """Opens such transactions."""

    def __init__(self, database: Database, *, tell_staff: TellStaff) -> None:
        """`database` need not know the constraints; this adds them."""
        self._database = database.knowing(REFUSALS)
        self._tell_staff = tell_staff

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[RemovalWork]:
        """Open one transaction."""
        async with self._database.driver_transaction() as connection:
            yield PostgresRemovalWork(connection, self._tell_staff)
