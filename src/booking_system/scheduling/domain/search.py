"""A search for slots: what it asks for, and what it finds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.local_time import local_text
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    PatientId,
    ServiceId,
    SlotId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period

USUAL_RANGE = timedelta(days=7)
LONGEST_RANGE = timedelta(days=62)
SHIFT = timedelta(hours=2)
"""By so much clocks change at most: so much longer can as many days on a wall be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """A patient's appointments, as far as somebody may be told of them.

    The patient is told of all. Of anybody else's question only those count that are in the clinic
    whose slot it is about: where else a patient goes is no clinic's to know.
    """

    patient_id: PatientId
    are_all_told: bool

    @classmethod
    def told_to(cls, actor: Actor | None, patient_id: PatientId) -> Self:
        """Return what may be told to this caller, who may ask about the patient."""
        is_own = actor is not None and actor.patient_id == patient_id
        return cls(patient_id=patient_id, are_all_told=is_own)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedNeed:
    """An appointment to be moved, as far as a search for it has to know it.

    What was agreed for it, even where its service says something else by now: how long it lasts,
    the time that is kept free `before` and `after` it, its price. `starts_at` is when it begins
    today, in UTC.
    """

    appointment_id: AppointmentId
    clinic_id: ClinicId
    doctor_id: DoctorId
    patient_id: PatientId
    service_id: ServiceId | None
    starts_at: datetime
    duration: timedelta
    before: timedelta
    after: timedelta
    mode: Mode
    price: Money | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFilter:
    """Which slots are wanted: all has to hold that is named, and None is any.

    With a service: those in which it could begin. With an appointment that `moves`: those in which
    it could, as it was agreed and as if it were not there. No slot is wanted for whose time one of
    the `visits` is another appointment already.
    """

    clinic_id: ClinicId | None = None
    doctor_id: DoctorId | None = None
    service_id: ServiceId | None = None
    specialty: str | None = None
    language: str | None = None
    mode: Mode | None = None
    visits: Visits | None = None
    moves: AgreedNeed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSearch(SlotFilter):
    """A page of the slots that begin in a period. `after` is the sort key of the last one seen."""

    period: Period
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FittingService:
    """What would be booked in a slot, and when it would end. UTC.

    Of an appointment that moves: as it was agreed; without a service it has neither id nor name.
    """

    id: ServiceId | None
    name: str | None
    ends_at: datetime
    duration: timedelta
    price: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSlot:
    """An open slot with what a patient wants to know of it. Instants in UTC."""

    id: SlotId
    clinic_id: ClinicId
    clinic_name: str
    time_zone: str
    doctor_id: DoctorId
    doctor_name: str
    doctor_title: str | None
    specialty: str | None
    photo_url: str | None
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    service: FittingService | None = None

    def as_shown(self) -> dict[str, object]:
        """Return the slot as every client of ours sees one, in a list or as an alternative."""
        return {
            "id": self.id,
            "clinic_id": self.clinic_id,
            "doctor_id": self.doctor_id,
            "doctor": {
                "id": self.doctor_id,
                "full_name": self.doctor_name,
                "title": self.doctor_title,
                "specialty": self.specialty,
                "photo_url": self.photo_url,
            },
            "clinic": {"id": self.clinic_id, "name": self.clinic_name},
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "local_starts_at": local_text(self.starts_at, self.time_zone),
            "local_ends_at": local_text(self.ends_at, self.time_zone),
            "time_zone": self.time_zone,
            "mode": self.mode,
            "service": self._service_shown(),
        }

    def _service_shown(self) -> dict[str, object] | None:
        service = self.service
        if service is None:
            return None
        price = service.price
        return {
            "id": service.id,
            "name": service.name,
            "starts_at": self.starts_at,
            "ends_at": service.ends_at,
            "local_ends_at": local_text(service.ends_at, self.time_zone),
            "duration_minutes": service.duration // timedelta(minutes=1),
            "price": price and {"amount": price.amount, "currency": price.currency},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Stretches of time that a doctor, or the whole clinic where none is named, is to be away."""

    clinic_id: ClinicId
    doctor_id: DoctorId | None = None
    periods: tuple[Period, ...]


def search_range(since: datetime | None, until: datetime | None, *, now: datetime) -> Period:
    """Return the range to search: seven days from now unless asked otherwise.

    Raises `Invalid` for one that ends before it starts or is longer than 62 days.
    """
    starts_at = since or now
    ends_at = until or starts_at + USUAL_RANGE
    if ends_at <= starts_at:
        raise Invalid.field("/to", "must be after from", "ends_too_early")
    if ends_at - starts_at > LONGEST_RANGE + SHIFT:
        raise Invalid.field("/to", f"at most {LONGEST_RANGE.days} days after from", "too_long")
    return Period(starts_at, ends_at)
