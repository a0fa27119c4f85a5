"""An appointment: one patient's claim on one time slot, from booking to outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.refusals import BookingNotActive, CancelTooLate
from booking_system.shared_kernel.aggregate import Aggregate, DomainEvent
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    PatientId,
    ServiceId,
    SlotId,
    UserId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period


class AppointmentStatus(StrEnum):
    """Where an appointment stands."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    """What is still owed for it."""

    NOT_REQUIRED = "not_required"
    UNPAID = "unpaid"


class Canceller(StrEnum):
    """Which side cancelled."""

    PATIENT = "patient"
    CLINIC = "clinic"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentBooked(DomainEvent):
    """Somebody booked."""

    name: ClassVar[str] = "booking.created"

    appointment_id: AppointmentId
    time_slot_id: SlotId
    clinic_id: ClinicId
    doctor_id: DoctorId
    patient_id: PatientId
    starts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCancelled(DomainEvent):
    """Somebody cancelled; the slot is free."""

    name: ClassVar[str] = "booking.cancelled"

    appointment_id: AppointmentId
    time_slot_id: SlotId
    clinic_id: ClinicId
    doctor_id: DoctorId
    patient_id: PatientId
    cancelled_by: Canceller


@dataclass(eq=False, kw_only=True)
class Appointment(Aggregate):
    """Instants in UTC; the price and the notice to cancel are those of the day of booking."""

    id: AppointmentId
    reference: str
    status: AppointmentStatus
    payment_status: PaymentStatus
    time_slot_id: SlotId
    clinic_id: ClinicId
    doctor_id: DoctorId
    patient_id: PatientId
    service_id: ServiceId | None
    period: Period
    mode: Mode
    reason: str | None
    price: Money | None
    cancel_notice: timedelta
    booked_by: UserId
    cancelled_by: Canceller | None = None
    cancel_reason: str | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime

    @classmethod
    def book(cls, attempt: BookingAttempt, *, identity: AppointmentId, reference: str) -> Self:
        """Make the appointment of an attempt that has passed every rule."""
        slot, service, patient = attempt.the_slot, attempt.service, attempt.patient
        assert patient is not None, "the rules let no attempt without a patient pass"
        assert attempt.clinic is not None, "a slot always has a clinic"
        owed = service is not None and service.is_paid_for
        appointment = cls(
            id=identity,
            reference=reference,
            status=AppointmentStatus.CONFIRMED,
            payment_status=PaymentStatus.UNPAID if owed else PaymentStatus.NOT_REQUIRED,
            time_slot_id=slot.id,
            clinic_id=slot.clinic_id,
            doctor_id=slot.doctor_id,
            patient_id=patient.id,
            service_id=attempt.service_id,
            period=slot.period,
            mode=slot.mode,
            reason=attempt.reason,
            price=None if service is None else service.price,
            cancel_notice=attempt.clinic.cancel_notice,
            booked_by=attempt.actor.user_id,
            created_at=attempt.now,
            updated_at=attempt.now,
        )
        appointment.record(
            AppointmentBooked(
                occurred_at=attempt.now,
                appointment_id=appointment.id,
                time_slot_id=slot.id,
                clinic_id=slot.clinic_id,
                doctor_id=slot.doctor_id,
                patient_id=patient.id,
                starts_at=slot.period.starts_at,
            )
        )
        return appointment

    @property
    def is_active(self) -> bool:
        """Say whether it still claims its slot."""
        return self.status is not AppointmentStatus.CANCELLED

    @property
    def cancel_until(self) -> datetime:
        """The last instant at which the patient may cancel."""
        return self.period.starts_at - self.cancel_notice

    def may_be_cancelled(self, by: Canceller, *, now: datetime) -> bool:
        """The clinic may while it is active; the patient until the notice begins."""
        if not self.is_active:
            return False
        return by is Canceller.CLINIC or now <= self.cancel_until

    def cancel(self, by: Canceller, *, reason: str | None, now: datetime) -> None:
        """Let go of the slot. Raises `BookingNotActive`, or `CancelTooLate` for the patient."""
        if not self.is_active:
            raise BookingNotActive
        if not self.may_be_cancelled(by, now=now):
            raise CancelTooLate
        self.status = AppointmentStatus.CANCELLED
        self.cancelled_by, self.cancel_reason = by, reason
        self.version += 1
        self.updated_at = now
        self.record(
            AppointmentCancelled(
                occurred_at=now,
                appointment_id=self.id,
                time_slot_id=self.time_slot_id,
                clinic_id=self.clinic_id,
                doctor_id=self.doctor_id,
                patient_id=self.patient_id,
                cancelled_by=by,
            )
        )
