"""Calendar feeds: a secret link that a calendar program reads, and what it may tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId, UserId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

CalendarFeedId = NewType("CalendarFeedId", UUID)

MOST_OF_A_USER = 20
BACK = timedelta(days=30)
"""So far back a feed reaches, and so long it tells that an appointment was cancelled."""


class FeedScope(StrEnum):
    """Whose calendar it is: the caller's own appointments as a patient, or a doctor's."""

    PATIENT = "patient"
    DOCTOR = "doctor"


class Details(StrEnum):
    """What a doctor's feed says of patients."""

    NONE = "none"
    INITIALS = "initials"
    NAMES = "names"


IN_ORDER = list(Details)
"""From the least to the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlace:
    """Whose calendar a feed is about, as the directory has it now. `locale` is its reader's."""

    clinic_id: ClinicId | None
    name: str | None
    locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFeed:
    """A link as its owner sees it; `doctor_id` goes with the scope of a doctor. Times in UTC."""

    id: CalendarFeedId
    user_id: UserId
    scope: FeedScope
    doctor_id: DoctorId | None
    details: Details
    created_at: datetime

    def may_tell(self, actor: Actor, clinic_id: ClinicId | None) -> Details | None:
        """Return the most that it may tell with the owner's rights of today; None: nothing at all.

        Names are for the doctor alone, as a link may be passed on; the clinic's desk gets initials.
        """
        if self.scope is FeedScope.PATIENT:
            return Details.NONE if actor.patient_id is not None else None
        if self.doctor_id in actor.doctor_ids:
            return Details.NAMES
        if clinic_id is not None and actor.works_at(clinic_id):
            return Details.INITIALS
        return None

    def told(self, allowed: Details) -> Details:
        """Return what it tells: what was asked for, as far as that is allowed."""
        return min(self.details, allowed, key=IN_ORDER.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentEntry:
    """An appointment as a calendar shows it. `with_whom` is the other party, as far as told."""

    id: AppointmentId
    revision: int
    is_cancelled: bool
    booked_at: datetime
    period: Period
    mode: Mode
    with_whom: str | None
    clinic_name: str
    clinic_address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyEntry:
    """Time off of the doctor, or a closure of the clinic; why is told to nobody."""

    id: UUID
    version: int
    made_at: datetime
    period: Period
    is_closure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarContent:
    """All that a feed tells at one moment."""

    scope: FeedScope
    name: str | None
    locale: str | None
    appointments: tuple[AppointmentEntry, ...]
    busy: tuple[BusyEntry, ...]


def initials_of(full_name: str) -> str:
    """Return the first letter of each part of a name."""
    parts = full_name.replace("-", " ").split()
    return "".join(f"{part[0].upper()}." for part in parts)


def shown_name(full_name: str, details: Details) -> str | None:
    """Return what may be told of a patient's name."""
    if details is Details.NONE:
        return None
    return initials_of(full_name) if details is Details.INITIALS else full_name
