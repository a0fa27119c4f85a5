"""Booking in memory: the rows of the fake, what constrains them, and a transaction over them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.history import Entry
from booking_system.booking.domain.lifecycle import OPEN
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotHeld,
    SlotUnavailable,
)
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
from tests.booking import memory_claims as claims
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
    that its hold is to book. Of a marked appointment, `doctor_shared` and `patient_shared` is what
    others have of its time.
    """

    clinics: dict[ClinicId, scene.Clinic]
    doctors: dict[DoctorId, scene.Doctor]
    patients: dict[PatientId, scene.Patient]
    services: dict[ServiceId, scene.Service]
    slots: dict[SlotId, TimeSlot]
    taken_on: set[tuple[ClinicId, PatientId]]
    deleted: dict[SlotId, TimeSlot] = field(default_factory=dict)
    marks: dict[SlotId, list[AppointmentId]] = field(default_factory=dict)
    places: dict[SlotId, int] = field(default_factory=dict)
    appointments: dict[AppointmentId, Appointment] = field(default_factory=dict)
    history: dict[tuple[AppointmentId, int], Entry] = field(default_factory=dict)
    outbox: list[DomainEvent] = field(default_factory=list)
    keys: dict[tuple[str, str, str], NamedRequest] = field(default_factory=dict)
    noted: dict[tuple[ClinicId, str | None], AppointmentId] = field(default_factory=dict)
    doctor_shared: dict[AppointmentId, claims.Time] = field(default_factory=dict)
    patient_shared: dict[AppointmentId, claims.Time] = field(default_factory=dict)

    @classmethod
    def of_the_scene(cls) -> "Rows":
        return cls(
            clinics={one.id: one for one in scene.CLINICS},
            doctors={one.id: one for one in scene.DOCTORS},
            patients={one.id: one for one in scene.PATIENTS},
            services={one.facts.id: one for one in scene.SERVICES},
            slots={one.id: one for one in scene.SLOTS},
            taken_on=set(scene.KNOWN),
        )

    def copied(self) -> "Rows":
        same = {it.name: copy(getattr(self, it.name)) for it in fields(self)}
        return Rows(**same | {"marks": {slot_id: [*ids] for slot_id, ids in self.marks.items()}})

    @property
    def known(self) -> set[tuple[ClinicId, PatientId]]:
        """Which clinic knows whom: not because of what was cancelled."""
        return self.taken_on | {(one.clinic_id, one.patient_id) for one in self.active()}

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

    def doctor_time(self, one: Appointment) -> claims.Time:
        return claims.claimed(one, one.blocked, self.doctor_shared.get(one.id, ()))

    def patient_time(self, one: Appointment) -> claims.Time:
        return claims.claimed(one, one.period, self.patient_shared.get(one.id, ()))

    def _others(self, one: Appointment) -> list[Appointment]:
        return [other for other in self.active() if other.id != one.id]

    def share(self, one: Appointment) -> None:
        """Let a marked appointment share what others have of its time, and nothing else."""
        self.doctor_shared.pop(one.id, None)
        self.patient_shared.pop(one.id, None)
        if one.overbooked:
            self.doctor_shared[one.id] = self._of_others(one, "doctor")
        if one.patient_doubled:
            self.patient_shared[one.id] = self._of_others(one, "patient")

    def _of_others(self, one: Appointment, whose: str) -> claims.Time:
        is_doctor = whose == "doctor"
        times = [
            self.doctor_time(other) if is_doctor else self.patient_time(other)
            for other in self._others(one)
            if getattr(other, f"{whose}_id") == getattr(one, f"{whose}_id")
        ]
        return claims.common(
            claims.together(times), claims.of(one.blocked if is_doctor else one.period)
        )

    def put_appointment(self, appointment: Appointment) -> None:
        """Store it. Raises what the constraints of PostgreSQL come out as."""
        codes = frozenset() if appointment.override is None else appointment.override.codes
        assert not appointment.overbooked or SlotAlreadyBooked.code in codes
        assert appointment.overbooked == (appointment.id in self.doctor_shared)
        for other in self._others(appointment):
            is_open = {one.status in OPEN and not one.overbooked for one in (other, appointment)}
            if is_open == {True} and other.time_slot_id == appointment.time_slot_id:
                raise SlotAlreadyBooked
        for other in self._others(appointment):
            both = self.doctor_time(other), self.doctor_time(appointment)
            if other.doctor_id == appointment.doctor_id and claims.common(*both):
                raise SlotAlreadyBooked
        for other in self._others(appointment):
            both = self.patient_time(other), self.patient_time(appointment)
            if other.patient_id == appointment.patient_id and claims.common(*both):
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
        for slot in self._around(appointment) if appointment.reaches_further else []:
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

    def settle(self, left: Sequence[Appointment], slot_ids: Sequence[SlotId], by: Entry) -> None:
        """Free slots are for those who were overbooked in them first; marks end with conflicts."""
        marked = [one for one in self._marked() if any(_met(one, other) for other in left)]
        marked = [one for one in marked if one.id not in {other.id for other in left}]
        for slot in self._of(slot_ids) if marked else []:
            waiting = [
                one for one in self._marked() if one.overbooked and slot.id in one.time_slot_ids
            ]
            if waiting and slot.appointment_id is None:
                self.put_slot(replace(slot, appointment_id=waiting[0].id))
        for one in marked:
            self.share_less(one.id, by)

    def _marked(self) -> list[Appointment]:
        marked = [
            one
            for one in self.appointments.values()
            if one.status in OPEN and (one.overbooked or one.id in self.patient_shared)
        ]
        return sorted(marked, key=lambda one: (one.created_at, one.id))

    def share_less(self, appointment_id: AppointmentId, by: Entry) -> None:
        heir = replace(self.appointments[appointment_id])
        if heir.overbooked:
            self.doctor_shared[heir.id] = self._of_others(heir, "doctor")
        if heir.id in self.patient_shared:
            self.patient_shared[heir.id] = self._of_others(heir, "patient")
            if not self.patient_shared[heir.id]:
                del self.patient_shared[heir.id]
        owners = {slot.appointment_id for slot in self._of(heir.time_slot_ids)}
        if heir.overbooked and not self.doctor_shared[heir.id] and owners == {heir.id}:
            del self.doctor_shared[heir.id]
            heir.inherit_slot(by)
            self.put_change(heir)

    def mark(self, appointment: Appointment) -> None:
        """Store a mark; an early end gives back what is not over."""
        change, released_at = appointment.last_change, appointment.released_at
        assert change is not None
        if released_at is not None and appointment.reaches_further:
            self.unblock({appointment.id})
        self.put_change(appointment)
        if released_at is not None:
            rest = [
                slot.id
                for slot in self._of(appointment.time_slot_ids)
                if slot.period.ends_at > released_at
            ]
            freed = self.leave(rest, {appointment.id})
            self.settle([appointment], freed, change)

    def take_back(self, appointment: Appointment, now: datetime) -> None:
        """Store that a mark was undone, and own all slots again."""
        change = appointment.last_change
        assert change is not None
        if any(slot_id not in self.slots for slot_id in appointment.time_slot_ids):
            raise SlotUnavailable
        slots = sorted(self._of(appointment.time_slot_ids), key=lambda slot: slot.id)
        for slot in slots:
            if slot.hold_in_force(now) is not None:
                raise SlotHeld
            is_taken = slot.appointment_id not in {None, appointment.id}
            if is_taken and not appointment.overbooked:
                raise SlotAlreadyBooked
        for slot in slots:
            if slot.appointment_id is None:
                self.put_slot(replace(slot, appointment_id=appointment.id, hold=None))
        self.put_change(appointment)
        if appointment.reaches_further:
            for slot in self._around(appointment):
                self.marks.setdefault(slot.id, []).append(appointment.id)
                self.put_slot(self.slots[slot.id])
        if appointment.overbooked or appointment.id in self.patient_shared:
            self.share_less(appointment.id, change)

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
            self.settle(appointments, slots, change)

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


def _met(one: Appointment, left: Appointment) -> bool:
    """Say whether a marked appointment may have shared the time of one that leaves."""
    of_doctor = one.overbooked and one.doctor_id == left.doctor_id
    return (of_doctor and one.blocked.overlaps(left.blocked)) or (
        one.patient_id == left.patient_id and one.period.overlaps(left.blocked)
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
