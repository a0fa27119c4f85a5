"""Times at which nobody is to come: one doctor's time off, and the days a clinic is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.local_time import day_of
from booking_system.scheduling.domain.search import Cover
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId, ClosureId, DoctorId, TimeOffId
from booking_system.shared_kernel.period import Period

LONGEST_TIME_OFF = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceCalendar:
    """Whose calendar it is: a doctor's, or where `doctor_id` is None the whole clinic's."""

    clinic_id: ClinicId
    doctor_id: DoctorId | None = None
    time_zone: str

    def is_kept_by(self, actor: Actor) -> bool:
        """Say whether they may close it: a doctor's, whoever schedules; a clinic's, its staff."""
        if self.doctor_id is not None:
            return actor.schedules(self.clinic_id, self.doctor_id)
        return actor.works_at(self.clinic_id) or actor.manages(self.clinic_id)

    def is_seen_by(self, actor: Actor) -> bool:
        """Say whether they may see who comes: the clinic's staff, and of their own the doctor.

        A platform administrator may not: patient data is none of theirs.
        """
        return actor.works_at(self.clinic_id) or self.doctor_id in actor.doctor_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOff:
    """A doctor is away. Instants in UTC."""

    id: TimeOffId
    clinic_id: ClinicId
    doctor_id: DoctorId
    period: Period
    reason: str | None
    created_at: datetime
    version: int = 1

    @property
    def because(self) -> ClosedBecause:
        """Why its slots are closed."""
        return ClosedBecause.TIME_OFF

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return it with another `starts_at`, `ends_at` (instants) or `reason`, where given.

        Raises `Invalid` as `time_off_of` does.
        """
        period = time_off_of(
            changes.get("starts_at", self.period.starts_at),
            changes.get("ends_at", self.period.ends_at),
        )
        reason = changes.get("reason", self.reason)
        return replace(self, period=period, reason=reason, version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A clinic is closed for one day, from midnight to midnight by its clock. Instants in UTC."""

    id: ClosureId
    clinic_id: ClinicId
    date: date
    period: Period
    reason: str | None
    created_at: datetime
    version: int = 1

    @property
    def because(self) -> ClosedBecause:
        """Why its slots are closed."""
        return ClosedBecause.CLOSURE

    def changed(self, changes: Mapping[str, Any], time_zone: str) -> Self:
        """Return it with another `date` or `reason`, where given.

        Raises `NonexistentLocalTime` for a day that the zone skipped.
        """
        day: date = changes.get("date", self.date)
        period = self.period if day == self.date else day_of(day, time_zone)
        reason = changes.get("reason", self.reason)
        return replace(self, date=day, period=period, reason=reason, version=self.version + 1)

    def moved_to(self, period: Period) -> Self:
        """Return it at the time that its date has by another clock."""
        return replace(self, period=period, version=self.version + 1)


Absence = TimeOff | Closure


def time_off_of(starts_at: datetime, ends_at: datetime) -> Period:
    """Return when the doctor is away.

    Raises `Invalid` where that ends before it starts or is longer than 366 days.
    """
    if ends_at <= starts_at:
        raise Invalid.field("/ends_at", "must be after starts_at", "ends_too_early")
    if ends_at - starts_at > LONGEST_TIME_OFF:
        raise Invalid.field("/ends_at", "at most 366 days after starts_at", "too_long")
    return Period(starts_at, ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsencePage:
    """Which time off or closures are listed, by start; of those behind `after`, `limit` and one.

    Time off that ends after `since` and starts before `before` (UTC), closures of the days from
    `first` on and before `until`; None: whenever.
    """

    since: datetime | None = None
    before: datetime | None = None
    first: date | None = None
    until: date | None = None
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


def cover_of(place: AbsenceCalendar, absences: Sequence[Absence]) -> Cover:
    """Return what they cover together."""
    return Cover(
        clinic_id=place.clinic_id,
        doctor_id=place.doctor_id,
        periods=tuple(absence.period for absence in absences),
    )
