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
    HoldId,
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
    `marks` says around which appointments a slot is kept clear, `places` where it is among those
    that its hold is to book.
    """

    clinics: dict[ClinicId, scene.Clinic]
    doctors: dict[DoctorId, scene.Doctor]
    patients: dict[PatientId, scene.Patient]
    services: dict[ServiceId, scene.Service]
    slots: dict[SlotId, TimeSlot]
    known: set[tuple[ClinicId, PatientId]]
    deleted: dict[SlotId, TimeSlot] = field(default_factory=dict)
    marks: dict[SlotId, list[AppointmentId]] = field(default_factory=dict)
    places: dict[SlotId, int] = field(default_factory=dict)
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
        same = {it.name: copy(getattr(self, it.name)) for it in fields(self)}
        return Rows(**same | {"marks": {slot_id: [*ids] for slot_id, ids in self.marks.items()}})

    def active(self) -> list[Appointment]:
        return [one for one in self.appointments.values() if one.is_active]

    def put_slot(self, slot: TimeSlot) -> None:
        """Store it as its next version. Raises `SlotAlreadyBooked` where it is booked and held."""
        if slot.hold is not None and slot.appointment_id is not None:
            raise SlotAlreadyBooked
        if slot.hold is None:
            self.places.pop(slot.id, None)
        blocked, version = bool(self.marks.get(slot.id)), self.slots[slot.id].version + 1
        self.slots[slot.id] = replace(slot, is_blocked=blocked, version=version)

    def put_appointment(self, appointment: Appointment) -> None:
        """Store it. Raises what the constraints of PostgreSQL come out as."""
        others = [one for one in self.active() if one.id != appointment.id]
        codes = frozenset() if appointment.override is None else appointment.override.codes
        assert not appointment.overbooked or SlotAlreadyBooked.code in codes
        if appointment.is_active and not appointment.overbooked:
            for other in (one for one in others if not one.overbooked):
                if other.time_slot_id == appointment.time_slot_id:
                    raise SlotAlreadyBooked
                is_close = other.blocked.overlaps(appointment.blocked)
                if other.doctor_id == appointment.doctor_id and is_close:
                    raise SlotAlreadyBooked
        if appointment.is_active and not appointment.patient_doubled:
            for other in (one for one in others if not one.patient_doubled):
                is_then = other.period.overlaps(appointment.period)
                if other.patient_id == appointment.patient_id and is_then:
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

    def enter(self, appointment: Appointment, ending: frozenset[HoldId]) -> None:
        """Own all slots that nobody has, keep those around clear; the holds are over."""
        for slot in self._of(appointment.time_slot_ids):
            owner = appointment.id
            if appointment.overbooked and slot.appointment_id is not None:
                owner = slot.appointment_id
            self.put_slot(replace(slot, appointment_id=owner, hold=None))
        for slot in list(self.slots.values()):
            if slot.hold is not None and slot.hold.id in ending:
                self.put_slot(replace(slot, hold=None))
        for slot in self._around(appointment) if appointment.has_buffers else []:
            self.marks.setdefault(slot.id, []).append(appointment.id)
            self.put_slot(self.slots[slot.id])

    def unblock(self, leaving: set[AppointmentId]) -> None:
        for slot_id, marks in list(self.marks.items()):
            left = [one for one in marks if one not in leaving]
            if left != marks:
                self.marks[slot_id] = left
                self.put_slot(self.slots[slot_id])

    def leave(self, slot_ids: Sequence[SlotId], leaving: set[AppointmentId]) -> list[SlotId]:
        """Return the slots that were theirs."""
        left = [slot for slot in self._of(slot_ids) if slot.appointment_id in leaving]
        for slot in left:
            self.put_slot(replace(slot, appointment_id=None))
        return [slot.id for slot in left]

    def hand_over(self, slot_ids: Sequence[SlotId], by: Entry) -> None:
        """Each free slot is for whoever was overbooked in it first; who has all is so no more."""
        given: dict[SlotId, AppointmentId] = {}
        for slot in self._of(slot_ids):
            waiting = [
                one for one in self.active() if one.overbooked and slot.id in one.time_slot_ids
            ]
            if waiting and slot.appointment_id is None:
                given[slot.id] = min(waiting, key=lambda one: (one.created_at, one.id)).id
        for slot_id, heir_id in given.items():
            self.put_slot(replace(self.slots[slot_id], appointment_id=heir_id))
        for heir_id in sorted(set(given.values())):
            heir = replace(self.appointments[heir_id])
            owners = {slot.appointment_id for slot in self._of(heir.time_slot_ids)}
            is_clear = not any(
                one.doctor_id == heir.doctor_id and one.blocked.overlaps(heir.blocked)
                for one in self.active()
                if not one.overbooked
            )
            if owners == {heir_id} and is_clear:
                heir.inherit_slot(by)
                self.put_change(heir)

    def _of(self, slot_ids: Sequence[SlotId]) -> list[TimeSlot]:
        return [self.slots[slot_id] for slot_id in dict.fromkeys(slot_ids)]

    def _around(self, appointment: Appointment) -> list[TimeSlot]:
        return [
            slot
            for slot in self.slots.values()
            if slot.doctor_id == appointment.doctor_id
            and slot.id not in appointment.time_slot_ids
            and slot.period.overlaps(appointment.blocked)
        ]

    def release(self, appointments: Sequence[Appointment]) -> None:
        """Store cancellations of one moment and one side."""
        leaving = {one.id for one in appointments}
        self.unblock(leaving)
        for appointment in appointments:
            self.put_change(appointment)
        if appointments:
            change = appointments[0].last_change
            assert change is not None
            slots = [slot_id for one in appointments for slot_id in one.time_slot_ids]
            # All of them are gone before anybody inherits.
            self.leave(slots, leaving)
            self.hand_over(slots, change)

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
