"""Days of a calendar in PostgreSQL: one statement for each kind of thing, in one snapshot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from booking_system.booking.adapters.rows import card_of, slot_of
from booking_system.booking.adapters.statements import CARD, CARD_JOINS, SLOT
from booking_system.booking.domain.attempt import DoctorFacts
from booking_system.desk.adapters import absence_statements
from booking_system.desk.application.show_day import CalendarSnapshot
from booking_system.desk.domain.day import CalendarPage, DayBooking, DayDoctor, DaySlot
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.absence import LONGEST_TIME_OFF, Place
from booking_system.scheduling.records.absences import (
    CLOSURES_MEETING,
    TIME_OFF_MEETING,
    TimeOffMeeting,
    closure_of,
    time_off_of,
)
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId
from booking_system.shared_kernel.period import Period

LONGEST = timedelta(hours=24)
"""No slot and no appointment lasts longer: with that, an index leads to those that overlap."""

OVERLAPS = "{one}.{whose} = $1 AND {one}.starts_at > $2 AND {one}.starts_at < $4"

SLOTS = f"""SELECT {SLOT}, s.outside_availability
 FROM time_slots s JOIN doctors d ON d.id = s.doctor_id
 WHERE {OVERLAPS.format(one="s", whose="{whose}")} AND s.ends_at > $3 AND s.deleted_at IS NULL
 AND (d.deleted_at IS NULL OR s.appointment_id IS NOT NULL)
 ORDER BY s.starts_at, s.id"""  # noqa: S608

BOOKINGS = f"""SELECT {CARD}, EXISTS (SELECT FROM time_slots s
  WHERE s.id = ANY(a.time_slot_ids) AND s.outside_availability) AS outside_availability, k.known_as
 {CARD_JOINS} LEFT JOIN clinic_patients k ON k.clinic_id = a.clinic_id
  AND k.patient_id = a.patient_id
 WHERE {OVERLAPS.format(one="a", whose="{whose}")} AND a.ends_at > $3
 AND a.status <> 'cancelled' ORDER BY a.starts_at, a.id"""  # noqa: S608

DOCTOR = "d.id, d.full_name, d.title, d.specialty, d.photo_url"

DOCTORS = f"""SELECT {DOCTOR}, false AS is_removed FROM doctors d
  WHERE d.{{whose}} = $1 AND d.deleted_at IS NULL
 UNION ALL
 SELECT {DOCTOR}, true FROM doctors d WHERE d.id = ANY($2::uuid[]) AND d.deleted_at IS NOT NULL
 ORDER BY full_name, id"""  # noqa: S608


class PostgresCalendarSnapshot:
    """Reads what a snapshot shows."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction whose statements all see the same moment."""
        self._connection = connection

    async def clinic(self, clinic_id: ClinicId) -> Place | None:
        """Read it."""
        row = await self._connection.fetchrow(absence_statements.CLINIC, clinic_id)
        return None if row is None else Place(**dict(row))

    async def doctor(self, doctor_id: DoctorId) -> Place | None:
        """Read it."""
        row = await self._connection.fetchrow(absence_statements.DOCTOR, doctor_id)
        return None if row is None else Place(**dict(row))

    async def page(self, place: Place, period: Period) -> CalendarPage:
        """Five statements."""
        since, until = period.starts_at, period.ends_at
        is_of_clinic = place.doctor_id is None
        whose, doctors = ("clinic_id", "clinic_id") if is_of_clinic else ("doctor_id", "id")
        which = place.clinic_id if is_of_clinic else place.doctor_id
        values = (which, since - LONGEST, since, until)
        slots = await self._connection.fetch(SLOTS.format(whose=whose), *values)
        bookings = await self._connection.fetch(BOOKINGS.format(whose=whose), *values)
        met = {row["doctor_id"] for row in (*slots, *bookings)}
        there = await self._connection.fetch(DOCTORS.format(whose=doctors), which, list(met))
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
