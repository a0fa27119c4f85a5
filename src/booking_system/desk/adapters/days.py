"""Days of a calendar in PostgreSQL: one statement for each kind of thing, in one snapshot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from booking_system.booking.domain.attempt import DoctorFacts
from booking_system.booking.records.cards import card_of
from booking_system.desk.adapters import absence_statements
from booking_system.desk.adapters.day_statements import LONGEST, OF_CLINIC, OF_DOCTOR, Time
from booking_system.desk.application.show_day import CalendarSnapshot
from booking_system.desk.domain.day import CalendarPage, DayBooking, DayDoctor, DaySlot
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.absence import LONGEST_TIME_OFF, AbsenceCalendar
from booking_system.scheduling.records.absences import (
    CLOSURES_MEETING,
    TIME_OFF_MEETING,
    TimeOffMeeting,
    closure_of,
    time_off_of,
)
from booking_system.scheduling.records.slots import slot_of
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId
from booking_system.shared_kernel.period import Period


class PostgresCalendarSnapshot:
    """Reads what a snapshot shows."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction whose statements all see the same moment."""
        self._connection = connection

    async def clinic(self, clinic_id: ClinicId) -> AbsenceCalendar | None:
        """Read it."""
        row = await absence_statements.CLINIC.fetchrow(self._connection, whose=clinic_id)
        return None if row is None else AbsenceCalendar(**dict(row))

    async def doctor(self, doctor_id: DoctorId) -> AbsenceCalendar | None:
        """Read it."""
        row = await absence_statements.DOCTOR.fetchrow(self._connection, whose=doctor_id)
        return None if row is None else AbsenceCalendar(**dict(row))

    async def page(self, place: AbsenceCalendar, period: Period) -> CalendarPage:
        """Five statements."""
        since, until = period.starts_at, period.ends_at
        of = OF_CLINIC if place.doctor_id is None else OF_DOCTOR
        which = place.clinic_id if place.doctor_id is None else place.doctor_id
        some = Time(whose=which, earliest=since - LONGEST, since=since, until=until)
        slots = await of.slots.fetch(self._connection, some)
        bookings = await of.bookings.fetch(self._connection, some)
        met = {row["doctor_id"] for row in (*slots, *bookings)}
        there = await of.doctors.fetch(self._connection, whose=which, met=list(met))
        met_by = TimeOffMeeting(
            clinic_id=place.clinic_id,
            doctor_ids=[row["id"] for row in there],
            since=since,
            until=until,
            until_and_longest=until + LONGEST_TIME_OFF,
        )
        time_off = await TIME_OFF_MEETING.fetch(self._connection, met_by)
        closures = await CLOSURES_MEETING.fetch(
            self._connection, clinic_id=place.clinic_id, since=since, until=until
        )
        return CalendarPage(
            doctors=[_day_doctor_of(row) for row in there],
            slots=[_day_slot_of(row) for row in slots],
            bookings=[_day_booking_of(row) for row in bookings],
            time_off=[time_off_of(row) for row in time_off],
            closures=[closure_of(row) for row in closures],
        )


class PostgresCalendars:
    """Opens snapshots."""

    def __init__(self, database: Database) -> None:
        """Nothing is written, so no constraint has to be explained."""
        self._database = database

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[CalendarSnapshot]:
        """Open one."""
        async with self._database.snapshot() as connection:
            yield PostgresCalendarSnapshot(connection)


def _day_doctor_of(row: Any) -> DayDoctor:
    about = DoctorFacts(
        full_name=row["full_name"],
        title=row["title"],
        specialty=row["specialty"],
        photo_url=row["photo_url"],
    )
    return DayDoctor(id=row["id"], about=about, is_removed=row["is_removed"])


def _day_slot_of(row: Any) -> DaySlot:
    return DaySlot(
        slot=slot_of(row),
        kept_free_for=row["blocked_by"] or (),
        is_outside_availability=row["outside_availability"],
    )


def _day_booking_of(row: Any) -> DayBooking:
    return DayBooking(
        card=card_of(row),
        known_as=row["known_as"],
        is_outside_availability=row["outside_availability"],
    )
