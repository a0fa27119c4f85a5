"""Booking in memory: the rows of the fake, what constrains them, and a transaction over them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.history import Entry
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    PatientId,
    ServiceId,
    SlotId,
)
from tests.booking import scene


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRequest:
    """What is kept of an idempotency key."""

    fingerprint: bytes
    appointment_id: AppointmentId
    created_at: datetime
    replays: int = 0


@dataclass(kw_only=True)
class Rows:
    """All that is stored. The values are never changed in place, so a copy of each dict is enough.

    `slots` holds those that are not deleted; those that are keep only their place in `deleted`.
    """

    clinics: dict[ClinicId, scene.Clinic]
    doctors: dict[DoctorId, scene.Doctor]
    patients: dict[PatientId, scene.Patient]
    services: dict[ServiceId, scene.Service]
    slots: dict[SlotId, TimeSlot]
    known: set[tuple[ClinicId, PatientId]]
    deleted: dict[SlotId, TimeSlot] = field(default_factory=dict)
    appointments: dict[AppointmentId, Appointment] = field(default_factory=dict)
    history: dict[tuple[AppointmentId, int], Entry] = field(default_factory=dict)
    outbox: list[DomainEvent] = field(default_factory=list)
    keys: dict[tuple[str, str, str], NamedRequest] = field(default_factory=dict)

    @classmethod
    def of_the_scene(cls) -> "Rows":
        return cls(
            clinics={one.id: one for one in scene.CLINICS},
            doctors={one.id: one for one in scene.DOCTORS},
            patients={one.id: one for one in scene.PATIENTS},
            services={one.facts.id: one for one in scene.SERVICES},
            slots={one.id: one for one in scene.SLOTS},
            known=set(scene.KNOWN),
        )

    def copied(self) -> "Rows":
        return Rows(**{it.name: copy(getattr(self, it.name)) for it in fields(self)})

    def active(self) -> list[Appointment]:
        return [one for one in self.appointments.values() if one.is_active]

    def put_slot(self, slot: TimeSlot) -> None:
        """Store it as its next version. Raises `SlotAlreadyBooked` where it is booked and held."""
        if slot.hold is not None and slot.appointment_id is not None:
            raise SlotAlreadyBooked
        self.slots[slot.id] = replace(slot, version=self.slots[slot.id].version + 1)

    def put_appointment(self, appointment: Appointment) -> None:
        """Store it. Raises what the constraints of PostgreSQL come out as."""
        others = [one for one in self.active() if one.id != appointment.id]
        codes = frozenset() if appointment.override is None else appointment.override.codes
        assert not appointment.overbooked or SlotAlreadyBooked.code in codes
        if appointment.is_active and not appointment.overbooked:
            for other in (one for one in others if not one.overbooked):
                if other.time_slot_id == appointment.time_slot_id:
                    raise SlotAlreadyBooked
                if other.doctor_id == appointment.doctor_id and _meet(other, appointment):
                    raise SlotAlreadyBooked
        if appointment.is_active and not appointment.patient_doubled:
            for other in (one for one in others if not one.patient_doubled):
                if other.patient_id == appointment.patient_id and _meet(other, appointment):
                    raise PatientOverlap
        if any(
            other.reference == appointment.reference and other.id != appointment.id
            for other in self.appointments.values()
        ):
            raise Transient("the reference is another's")
        self.appointments[appointment.id] = replace(appointment, last_change=None)

    def put_change(self, appointment: Appointment) -> None:
        """Store what was done to an appointment: itself, an entry of its history and its event."""
        change, events = appointment.last_change, appointment.pull_events()
        assert change is not None
        assert (appointment.id, change.version) not in self.history
        self.history[appointment.id, change.version] = change
        self.outbox += events
        self.put_appointment(appointment)

    def leave(self, slot_ids: Sequence[SlotId], leaving: set[AppointmentId], by: Entry) -> None:
        """Free the slots of those who leave, each for whoever was overbooked in it first."""
        for slot_id in sorted(set(slot_ids)):
            slot = self.slots[slot_id]
            if slot.appointment_id not in leaving:
                continue
            self.put_slot(replace(slot, appointment_id=None))
            waiting = [
                one for one in self.active() if one.overbooked and one.time_slot_id == slot_id
            ]
            if waiting:
                heir = replace(min(waiting, key=lambda one: (one.created_at, one.id)))
                heir.inherit_slot(by)
                self.put_change(heir)
                self.put_slot(replace(self.slots[slot_id], appointment_id=heir.id))

    def release(self, appointments: Sequence[Appointment]) -> None:
        """Store cancellations of one moment and one side."""
        for appointment in appointments:
            self.put_change(appointment)
        if appointments:
            change = appointments[0].last_change
            assert change is not None
            slots, leaving = zip(*((one.time_slot_id, one.id) for one in appointments), strict=True)
            # All of them are gone before anybody inherits.
            self.leave(slots, set(leaving), change)

    def card(self, appointment: Appointment) -> AppointmentCard:
        """A copy for whoever asks, so that only what is stored counts."""
        clinic = self.clinics[appointment.clinic_id].facts
        wanted = appointment.service_id
        service = None if wanted is None else self.services[wanted].facts.name
        return AppointmentCard(
            appointment=replace(appointment),
            clinic_name=clinic.name,
            time_zone=clinic.time_zone,
            doctor=self.doctors[appointment.doctor_id].facts,
            patient_name=self.patients[appointment.patient_id].full_name,
            service_name=service,
        )


class Memory:
    """What the adapters share."""

    def __init__(self) -> None:
        self.rows = Rows.of_the_scene()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Rows]:
        """Leaving the block keeps everything, an exception undoes everything."""
        before = self.rows.copied()
        try:
            yield self.rows
        except BaseException:
            self.rows = before
            raise


def _meet(one: Appointment, other: Appointment) -> bool:
    return one.period.overlaps(other.period)
