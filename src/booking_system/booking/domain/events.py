"""What booking tells the rest of the world: ids and times, nothing of a patient."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.booking.domain.party import Side
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    HoldId,
    PatientId,
    SlotId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentEvent(DomainEvent):
    """Something happened to an appointment, which is in these slots now, the first by itself.

    `version` counts all changes, `revision` those that were worth a word to people: booked, moved,
    cancelled. Times in UTC.
    """

    appointment_id: AppointmentId
    version: int
    revision: int
    status: AppointmentStatus
    time_slot_id: SlotId
    time_slot_ids: tuple[SlotId, ...]
    clinic_id: ClinicId
    doctor_id: DoctorId
    patient_id: PatientId
    starts_at: datetime
    ends_at: datetime


TOLD = (
    *("version", "revision", "status", "time_slot_id", "time_slot_ids"),
    *("clinic_id", "doctor_id", "patient_id"),
)
"""What an `AppointmentEvent` has of its appointment by the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentBooked(AppointmentEvent):
    """Somebody booked; a hold of theirs is over with it, where there was one."""

    name: ClassVar[str] = "booking.created"

    hold_id: HoldId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCancelled(AppointmentEvent):
    """Somebody cancelled; the slot is free."""

    name: ClassVar[str] = "booking.cancelled"

    cancelled_by: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentRescheduled(AppointmentEvent):
    """It went to another slot; its former slot is free."""

    name: ClassVar[str] = "booking.rescheduled"

    left_time_slot_id: SlotId
    left_time_slot_ids: tuple[SlotId, ...]
    left_doctor_id: DoctorId
    left_starts_at: datetime
    rescheduled_by: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCheckedIn(AppointmentEvent):
    """The patient is there."""

    name: ClassVar[str] = "booking.checked_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCompleted(AppointmentEvent):
    """It took place."""

    name: ClassVar[str] = "booking.completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientDidNotShow(AppointmentEvent):
    """The patient did not come."""

    name: ClassVar[str] = "booking.no_show"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkUndone(AppointmentEvent):
    """The last mark was a mistake."""

    name: ClassVar[str] = "booking.undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotInherited(AppointmentEvent):
    """It was overbooked, and owns its slot now."""

    name: ClassVar[str] = "booking.slot_inherited"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientConfirmed(AppointmentEvent):
    """The patient said that they will come."""

    name: ClassVar[str] = "booking.patient_confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentConfirmed(AppointmentEvent):
    """What had to be paid first was paid."""

    name: ClassVar[str] = "booking.confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentExpired(AppointmentEvent):
    """It was not paid in time, and its slots are free."""

    name: ClassVar[str] = "booking.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEvent(DomainEvent):
    """Something happened to the hold of a slot, and of those that it takes with it.

    All that it keeps lies between the two instants (UTC).
    """

    hold_id: HoldId
    time_slot_id: SlotId
    time_slot_ids: tuple[SlotId, ...]
    clinic_id: ClinicId
    doctor_id: DoctorId
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotWasHeld(HoldEvent):
    """Somebody keeps the slots until an instant (UTC), made anew or extended.

    Then it is over without another event, unless it was released, or booked, or an absence of the
    doctor took its slots before.
    """

    name: ClassVar[str] = "slot.held"

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldWasReleased(HoldEvent):
    """Its owner gave the slots back before the hold was over."""

    name: ClassVar[str] = "slot.released"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientsMerged(DomainEvent):
    """Two records of one patient are one; all that was the merged one's is the patient's."""

    name: ClassVar[str] = "patient.merged"

    patient_id: PatientId
    merged_patient_id: PatientId
