"""What calendars show, read from PostgreSQL: one statement for each kind of entry."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, false, null, or_, select, true, union_all

from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics, doctors, patients
from booking_system.identity.records.tables import users
from booking_system.integrations.domain.calendar_feed import (
    BACK,
    AppointmentEntry,
    BusyEntry,
    CalendarContent,
    CalendarFeed,
    Details,
    FeedPlace,
    FeedScope,
    shown_name,
)
from booking_system.platform.postgres.phrases import an_id, days, how_many, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.records.tables import closures, time_off
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, PatientId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

MOST = 5_000
"""Entries of a kind: a doctor with thirty appointments a day for half a year."""
LONGEST_TIME_OFF = timedelta(days=366)
a, c, d, p, u = appointments.c, clinics.c, doctors.c, patients.c, users.c
WHOSE, SINCE, NOW = an_id("whose"), instant("since"), instant("now")

CLINIC_OF: Statement[Any] = Statement(
    select(d.clinic_id)
    .select_from(doctors.join(clinics, c.id == d.clinic_id))
    .where(d.id == an_id("doctor_id"), d.deleted_at.is_(None), c.deleted_at.is_(None))
)

_LOCALE = select(u.locale).where(u.id == an_id("user_id")).scalar_subquery().label("locale")

PLACES: dict[FeedScope, Statement[Any]] = {
    FeedScope.DOCTOR: Statement(
        select(d.clinic_id, d.full_name.label("name"), _LOCALE)
        .select_from(doctors.join(clinics, c.id == d.clinic_id))
        .where(d.id == WHOSE, d.deleted_at.is_(None), c.deleted_at.is_(None))
    ),
    FeedScope.PATIENT: Statement(
        select(null().label("clinic_id"), null().label("name"), _LOCALE).where(
            p.id == WHOSE, p.deleted_at.is_(None)
        )
    ),
}


def _appointments(whose: ColumnElement[Any], other: ColumnElement[Any]) -> Select[Any]:
    """Of one doctor or patient, by the index of theirs; `other` is the name of the other party."""
    joined = (
        appointments.join(clinics, c.id == a.clinic_id)
        .join(doctors, d.id == a.doctor_id)
        .join(patients, p.id == a.patient_id)
    )
    return (
        select(
            a.id,
            a.revision,
            a.status,
            a.created_at,
            a.starts_at,
            a.ends_at,
            a.mode,
            other.label("other"),
            c.name.label("clinic_name"),
            c.address,
        )
        .select_from(joined)
        .where(
            whose == WHOSE,
            a.starts_at >= SINCE,
            # What staff booked further ahead comes when the horizon does.
            a.starts_at < NOW + days(c.horizon_days + 1),
            or_(a.status != "cancelled", a.updated_at >= SINCE),
        )
        .order_by(a.starts_at, a.id)
        .limit(how_many("most"))
    )


APPOINTMENTS: dict[FeedScope, Statement[Any]] = {
    FeedScope.DOCTOR: Statement(_appointments(a.doctor_id, p.full_name)),
    FeedScope.PATIENT: Statement(_appointments(a.patient_id, d.full_name)),
}


def _busy() -> Any:
    o, k = time_off.c, closures.c
    clinic_id = select(d.clinic_id).where(d.id == WHOSE).scalar_subquery()
    horizon = select(NOW + days(c.horizon_days + 1)).where(c.id == clinic_id).scalar_subquery()
    off = select(o.id, o.version, o.created_at, o.starts_at, o.ends_at, false()).where(
        o.doctor_id == WHOSE,
        o.deleted_at.is_(None),
        # None is longer than that: with it, the index leads to those that run.
        o.starts_at > SINCE - LONGEST_TIME_OFF,
        o.ends_at > SINCE,
        o.starts_at < horizon,
    )
    closed = select(k.id, k.version, k.created_at, k.starts_at, k.ends_at, true()).where(
        k.clinic_id == clinic_id,
        k.deleted_at.is_(None),
        k.starts_at >= SINCE,
        k.starts_at < horizon,
    )
    both = union_all(off, closed).subquery("busy")
    names = ("id", "version", "made_at", "starts_at", "ends_at", "is_closure")
    columns = [column.label(name) for column, name in zip(both.c, names, strict=True)]
    return select(*columns).order_by(both.c.starts_at, both.c.id).limit(how_many("most"))


BUSY: Statement[Any] = Statement(_busy())


class PostgresCalendarReader:
    """Reads them; each statement sees what is there when it runs."""

    def __init__(self, database: Database) -> None:
        """Nothing is written."""
        self._database = database

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicId | None:
        """Read one."""
        async with self._database.reading() as connection:
            clinic_id: ClinicId | None = await CLINIC_OF.fetchval(connection, doctor_id=doctor_id)
        return clinic_id

    async def place(self, feed: CalendarFeed, patient_id: PatientId | None) -> FeedPlace | None:
        """Read it with the language of the link's owner."""
        whose = feed.doctor_id or patient_id
        if whose is None:
            return None
        async with self._database.reading() as connection:
            row = await PLACES[feed.scope].fetchrow(connection, whose=whose, user_id=feed.user_id)
        return None if row is None else FeedPlace(**dict(row))

    async def content(
        self,
        feed: CalendarFeed,
        place: FeedPlace,
        patient_id: PatientId | None,
        *,
        details: Details,
        now: datetime,
    ) -> CalendarContent:
        """Read by the indexes of the doctor's, or the patient's, appointments and absences."""
        about = {
            "whose": feed.doctor_id or patient_id,
            "since": now - BACK,
            "now": now,
            "most": MOST,
        }
        is_doctors = feed.scope is FeedScope.DOCTOR
        async with self._database.reading() as connection:
            rows = await APPOINTMENTS[feed.scope].fetch(connection, **about)
            busy = await BUSY.fetch(connection, **about) if is_doctors else []
        return CalendarContent(
            scope=feed.scope,
            name=place.name,
            locale=place.locale,
            appointments=tuple(
                _appointment_of(
                    row, shown_name(row["other"], details) if is_doctors else row["other"]
                )
                for row in rows
            ),
            busy=tuple(_busy_of(row) for row in busy),
        )


def _appointment_of(row: Any, with_whom: str | None) -> AppointmentEntry:
    return AppointmentEntry(
        id=row["id"],
        revision=row["revision"],
        is_cancelled=row["status"] == "cancelled",
        booked_at=row["created_at"],
        period=Period(row["starts_at"], row["ends_at"]),
        mode=Mode(row["mode"]),
        with_whom=with_whom,
        clinic_name=row["clinic_name"],
        clinic_address=row["address"],
    )


def _busy_of(row: Any) -> BusyEntry:
    return BusyEntry(
        id=row["id"],
        version=row["version"],
        made_at=row["made_at"],
        period=Period(row["starts_at"], row["ends_at"]),
        is_closure=row["is_closure"],
    )
