"""A booking attempt: all the facts that a rule may look at, read inside one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.refusals import SlotNotFound
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import AppointmentId, PatientId, ServiceId
from booking_system.shared_kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicFacts:
    """The clinic, and the numbers of its policy."""

    name: str
    time_zone: str
    minimum_notice: timedelta
    cancel_notice: timedelta
    horizon: timedelta
    most_open_bookings: int
    offers_services: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFacts:
    """The doctor, as the appointment shows one."""

    full_name: str
    title: str | None
    specialty: str | None
    photo_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """The patient, and what else they have booked."""

    id: PatientId
    full_name: str
    is_known_here: bool
    is_busy: bool
    open_bookings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """The service that was asked for, as the clinic offers it today."""

    id: ServiceId
    name: str
    duration: timedelta
    price: Money | None
    is_paid_for: bool
    is_offered_by_doctor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingAttempt:
    """Somebody tries to book a slot for a patient at one instant.

    Everything is None that does not exist; rules that come after `slot_exists` use `the_slot`.
    Where an appointment is moved, `moves` is its id: the actor is a party to it already, and what
    else the patient has booked is counted without it.
    """

    now: datetime
    actor: Actor
    slot: TimeSlot | None
    clinic: ClinicFacts | None = None
    doctor: DoctorFacts | None = None
    patient: PatientFacts | None = None
    service_id: ServiceId | None = None
    service: ServiceFacts | None = None
    reason: str | None = None
    moves: AppointmentId | None = None

    @property
    def the_slot(self) -> TimeSlot:
        """The slot. Raises `SlotNotFound`."""
        if self.slot is None:
            raise SlotNotFound
        return self.slot


BookingRule = Callable[[BookingAttempt], None]
"""Returns to let the attempt pass; raises a refusal to turn it away."""
