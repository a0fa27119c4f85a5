"""Time off and closures in PostgreSQL: closes slots in bulk, in the order of all locks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.records.cards import card_of
from booking_system.booking.records.releasing import release
from booking_system.desk.adapters import absence_statements as statements
from booking_system.desk.adapters.absence_statements import (
    Absences,
    Closing,
    Over,
    StillOver,
)
from booking_system.desk.application.absence_ports import AbsenceWork
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.absence import (
    Absence,
    AbsenceCalendar,
    AbsencePage,
    Closure,
    TimeOff,
)
from booking_system.scheduling.domain.events import CalendarCause
from booking_system.scheduling.records import absences as records
from booking_system.scheduling.records import refilling
from booking_system.scheduling.records.absences import closure_of, time_off_of
from booking_system.scheduling.records.calendar_statements import TAKE_TIME
from booking_system.scheduling.records.calendar_told import hull, tell_calendar
from booking_system.scheduling.records.refilling import lock_calendar
from booking_system.shared_kernel.identifiers import ClinicId, ClosureId, DoctorId, TimeOffId
from booking_system.shared_kernel.period import Period

MOST_REFILLED = 10
"""Calendars of doctors that are refilled at once; more of them a second later."""
LONGEST_SLOT = timedelta(hours=24)


class PostgresAbsenceWork:
    """One such transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def doctor(self, doctor_id: DoctorId, *, lock: bool) -> AbsenceCalendar | None:
        """Lock in a statement of its own: what it waited for is read behind it."""
        if lock:
            await TAKE_TIME.fetchval(self._connection)
            await lock_calendar(self._connection, doctor_id)
        return await self._place(statements.DOCTOR, doctor_id)

    async def clinic(self, clinic_id: ClinicId, *, lock: bool) -> AbsenceCalendar | None:
        """Offers of slots, and rules, share the clinic: they wait for this lock."""
        if lock:
            await TAKE_TIME.fetchval(self._connection)
            await statements.LOCK_CLINIC.fetchval(self._connection, whose=clinic_id)
        return await self._place(statements.CLINIC, clinic_id)

    async def _place(self, statement: Statement[Any], identity: UUID) -> AbsenceCalendar | None:
        row = await statement.fetchrow(self._connection, whose=identity)
        return None if row is None else AbsenceCalendar(**dict(row))

    async def time_off(self, time_off_id: TimeOffId) -> TimeOff | None:
        """Read one."""
        row = await records.ONE_TIME_OFF.fetchrow(self._connection, time_off_id=time_off_id)
        return None if row is None else time_off_of(row)

    async def closure(self, clinic_id: ClinicId, closure_id: ClosureId) -> Closure | None:
        """Read one."""
        row = await records.ONE_CLOSURE.fetchrow(
            self._connection, clinic_id=clinic_id, closure_id=closure_id
        )
        return None if row is None else closure_of(row)

    async def closures_on(self, clinic_id: ClinicId, days: Sequence[date]) -> Sequence[Closure]:
        """Read them in one statement."""
        rows = await records.CLOSURES_ON.fetch(self._connection, clinic_id=clinic_id, days=days)
        return [closure_of(row) for row in rows]

    async def some_closures(self, closure_ids: Sequence[UUID]) -> Sequence[Closure]:
        """Read them in one statement."""
        rows = await records.SOME_CLOSURES.fetch(self._connection, closure_ids=closure_ids)
        return [closure_of(row) for row in rows]

    async def time_off_page(self, doctor_id: DoctorId, page: AbsencePage) -> Sequence[TimeOff]:
        """Read by keyset on `(starts_at, id)`."""
        start, identity = page.after or (None, None)
        wanted = records.TimeOffPage(
            doctor_id, page.since, page.before, start, identity, page.limit + 1
        )
        rows = await records.TIME_OFF_PAGE.fetch(self._connection, wanted)
        return [time_off_of(row) for row in rows]

    async def closure_page(self, clinic_id: ClinicId, page: AbsencePage) -> Sequence[Closure]:
        """Read by keyset on `(starts_at, id)`."""
        start, identity = page.after or (None, None)
        wanted = records.ClosurePage(
            clinic_id, page.first, page.until, start, identity, page.limit + 1
        )
        rows = await records.CLOSURE_PAGE.fetch(self._connection, wanted)
        return [closure_of(row) for row in rows]

    async def add(self, absences: Sequence[Absence]) -> None:
        """Insert them."""
        for one in absences:
            said = (one.period.starts_at, one.period.ends_at, one.reason, one.created_at)
            if isinstance(one, TimeOff):
                row = records.NewTimeOff(one.id, one.clinic_id, one.doctor_id, *said)
                await records.ADD_TIME_OFF.execute(self._connection, row)
            else:
                day = records.NewClosure(one.id, one.clinic_id, one.date, *said)
                await records.ADD_CLOSURE.execute(self._connection, day)

    async def end(self, absence: Absence, *, now: datetime) -> None:
        """Mark it first, so that it is not what keeps its own slots closed."""
        ends = records.END_TIME_OFF if isinstance(absence, TimeOff) else records.END_CLOSURE
        await ends.execute(self._connection, absence_id=absence.id, now=now)
        await statements.LOCK_CLOSED.fetchval(self._connection, absence_id=absence.id)
        await self._reopen(absence, None, now)

    async def save(self, absence: Absence) -> None:
        """Write all that may change."""
        during = (absence.period.starts_at, absence.period.ends_at)
        said = (*during, absence.reason, absence.version)
        if isinstance(absence, TimeOff):
            changed = records.ChangedTimeOff(absence.id, *said)
            await records.SAVE_TIME_OFF.execute(self._connection, changed)
        else:
            day = records.ChangedClosure(absence.id, absence.date, *said)
            await records.SAVE_CLOSURE.execute(self._connection, day)

    async def open_left(self, absence: Absence, *, now: datetime) -> None:
        """One statement; `close_slots` has locked what it concerns."""
        await self._reopen(absence, absence.period, now)

    async def opening_slots(self, absence: Absence, *, now: datetime) -> int:
        """One statement."""
        over = Over(absence.id, absence.period.starts_at, absence.period.ends_at)
        counted: int = await statements.OPENING.fetchval(self._connection, StillOver(over, now))
        return counted

    async def _reopen(self, absence: Absence, period: Period | None, now: datetime) -> None:
        """Open them; the time of those that the hours do not want follows the hours.

        The lock of the clinic is a lock of all of its calendars.
        """
        since, until = (None, None) if period is None else (period.starts_at, period.ends_at)
        over = Over(absence.id, since, until)
        rows = await statements.REOPEN.fetch(self._connection, over)
        left = [row for row in rows if row["outside_availability"]]
        at_once = sorted({row["doctor_id"] for row in left})[:MOST_REFILLED]
        await refilling.refill_freed(
            self._connection, [row["id"] for row in left], locked=at_once, now=now
        )
        opened = hull(Period(row["starts_at"], row["ends_at"]) for row in rows)
        if opened is not None:
            await self._tell(absence, opened, now)

    async def _tell(self, absence: Absence, during: Period, now: datetime) -> None:
        is_time_off = isinstance(absence, TimeOff)
        await tell_calendar(
            self._connection,
            absence.clinic_id,
            absence.doctor_id if isinstance(absence, TimeOff) else None,
            since=during.starts_at,
            until=during.ends_at,
            because=CalendarCause.TIME_OFF if is_time_off else CalendarCause.CLOSURE,
            now=now,
        )

    async def open_slots(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime
    ) -> int:
        """One statement."""
        if not absences:
            return 0
        about = _absences(place, absences, now)
        counted: int = await _of(place).open_slots.fetchval(self._connection, about)
        return counted

    async def close_slots(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime
    ) -> int:
        """Lock in one statement; the next ones end holds and close what they see behind it.

        What a rule had left behind for one of these holds goes in the background.
        """
        about, of = _absences(place, absences, now), _of(place)
        await of.lock_slots.fetchval(self._connection, about)
        ended = await of.end_holds.fetch(self._connection, about)
        closing = Closing(about, absences[0].because)
        closed = await of.close.fetch(self._connection, closing)
        if changed := hull(Period(row["starts_at"], row["ends_at"]) for row in (*ended, *closed)):
            await self._tell(absences[0], changed, now)
        free = {row["id"] for row in (*ended, *closed) if row["appointment_id"] is None}
        left = {row["id"] for row in (*ended, *closed) if row["outside_availability"]}
        if free & left:
            await refilling.refill_freed(self._connection, list(free & left), locked=(), now=now)
        return sum(row["appointment_id"] is None for row in closed)

    async def count_affected(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime
    ) -> int:
        """One statement."""
        about = _absences(place, absences, now)
        count: int = await _of(place).count_affected.fetchval(self._connection, about)
        return count

    async def affected(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime, lock: bool
    ) -> Sequence[Appointment]:
        """Read in a statement of its own, which sees what was booked before the slots closed."""
        if not absences:
            return []
        of, about = _of(place), _absences(place, absences, now)
        reading = of.affected_locked if lock else of.affected
        rows = await reading.fetch(self._connection, about)
        found = [card_of(row).appointment for row in rows]
        return sorted(found, key=lambda one: (one.period.starts_at, one.id))

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """One statement for all of them."""
        await release(self._connection, appointments)


class PostgresAbsences:
    """Opens such transactions."""

    def __init__(self, database: Database) -> None:
        """No constraint of these tables is the last word: whoever writes holds a lock."""
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AbsenceWork]:
        """Open one transaction."""
        async with self._database.driver_transaction() as connection:
            yield PostgresAbsenceWork(connection)


def _of(place: AbsenceCalendar) -> Any:
    return statements.OF_CLINIC if place.doctor_id is None else statements.OF_DOCTOR


def _absences(place: AbsenceCalendar, absences: Sequence[Absence], now: datetime) -> Absences:
    starts = [one.period.starts_at for one in absences]
    ends = [one.period.ends_at for one in absences]
    return Absences(
        whose=place.clinic_id if place.doctor_id is None else place.doctor_id,
        absence_ids=[one.id for one in absences],
        starts=starts,
        ends=ends,
        now=now,
        earliest=min(starts) - LONGEST_SLOT,
        latest=max(ends),
    )
