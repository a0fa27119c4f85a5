"""All calendars of a clinic in PostgreSQL: moved to another clock by few statements."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from booking_system.desk.adapters import clinic_statements as statements
from booking_system.desk.adapters.clinic_statements import (
    BookingsToList,
    Clocks,
    SlotsToMove,
    Stretches,
)
from booking_system.desk.application.clinic_ports import ClinicCalendarWork
from booking_system.desk.domain.clock_change import (
    ClinicClock,
    MovedBooking,
    Stretch,
    wall_of,
)
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.absence import Closure
from booking_system.scheduling.domain.events import CalendarCause
from booking_system.scheduling.records import calendar_work
from booking_system.scheduling.records.absences import CLOSURES_SINCE, closure_of
from booking_system.scheduling.records.calendar_statements import TAKE_TIME
from booking_system.scheduling.records.calendar_told import tell_calendar
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId


class PostgresClinicCalendarWork:
    """One such transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def lock(self, clinic_id: ClinicId) -> ClinicClock | None:
        """Take the row `FOR NO KEY UPDATE`; plans and offers of slots share it, and wait."""
        await TAKE_TIME.fetchval(self._connection)
        row = await statements.LOCK.fetchrow(self._connection, clinic_id=clinic_id)
        return None if row is None else ClinicClock(**dict(row))

    async def last_start(self, clinic_id: ClinicId) -> datetime | None:
        """Two looks at the ends of indexes."""
        last: datetime | None = await statements.LAST_START.fetchval(
            self._connection, clinic_id=clinic_id
        )
        return last

    async def moved_bookings(
        self,
        clinic_id: ClinicId,
        stretches: Sequence[Stretch],
        zones: tuple[str, str],
        *,
        now: datetime,
        most: int,
    ) -> tuple[Sequence[MovedBooking], int]:
        """One statement; the clocks are read here, with our own zone data."""
        listed = BookingsToList(_stretches(clinic_id, stretches), now, most)
        rows = await statements.MOVED_BOOKINGS.fetch(self._connection, listed)
        found = [
            MovedBooking(
                id=row["id"],
                reference=row["reference"],
                doctor_id=row["doctor_id"],
                time_slot_id=row["time_slot_id"],
                starts_at=row["starts_at"],
                wall_was=wall_of(row["starts_at"], zones[0]),
                wall_is=wall_of(row["starts_at"], zones[1]),
            )
            for row in rows
        ]
        return found, rows[0]["moved"] if rows else 0

    async def lock_slots(self, clinic_id: ClinicId, *, now: datetime) -> None:
        """One statement."""
        await statements.LOCK_SLOTS.fetchval(self._connection, clinic_id=clinic_id, now=now)

    async def set_clocks(
        self, clinic_id: ClinicId, stretches: Sequence[Stretch], *, now: datetime
    ) -> int:
        """Two statements for any number of slots, and one event."""
        where = _stretches(clinic_id, stretches)
        told = await statements.WITHDRAW.execute(self._connection, SlotsToMove(where, now))
        clocks = Clocks(where, now, [one.ahead_now for one in stretches])
        await statements.SET_CLOCKS.execute(self._connection, clocks)
        withdrawn = int(told.rpartition(" ")[2])
        if withdrawn:
            await tell_calendar(
                self._connection,
                clinic_id,
                None,
                since=now,
                until=None,
                because=CalendarCause.TIME_ZONE,
                now=now,
            )
        return withdrawn

    async def closures_since(self, clinic_id: ClinicId, *, since: datetime) -> Sequence[Closure]:
        """One statement."""
        rows = await CLOSURES_SINCE.fetch(self._connection, clinic_id=clinic_id, since=since)
        return [closure_of(row) for row in rows]

    async def ask_for_plans(self, clinic_id: ClinicId, *, now: datetime) -> None:
        """One statement."""
        await calendar_work.ask_clinic(self._connection, clinic_id, due_at=now, planned_until=now)

    async def doctors(self, clinic_id: ClinicId, *, most: int) -> Sequence[DoctorId]:
        """One statement."""
        rows = await statements.DOCTORS.fetch(self._connection, clinic_id=clinic_id, most=most)
        return [row["id"] for row in rows]


class PostgresClinicCalendars:
    """Opens such transactions."""

    def __init__(self, database: Database) -> None:
        """No constraint of these tables is the last word: the clinic is locked."""
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[ClinicCalendarWork]:
        """Open one transaction, or a part of the whole that there is."""
        async with self._database.driver_transaction() as connection:
            yield PostgresClinicCalendarWork(connection)


def _stretches(clinic_id: ClinicId, stretches: Sequence[Stretch]) -> Stretches:
    since = [one.starts_at for one in stretches]
    return Stretches(clinic_id, since, [one.ends_at for one in stretches])
