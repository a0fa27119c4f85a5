"""Booking in memory: holds, removals, and changes of one slot."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_system.booking.application.ports import BookingWish, HoldWork
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt, HoldFacts
from booking_system.booking.domain.holding import (
    HeldSlot,
    Holder,
    Quota,
)
from booking_system.booking.domain.lifecycle import OPEN
from booking_system.booking.domain.span import Span
from booking_system.desk.application.removal_ports import RemovalWork
from booking_system.desk.domain.removal import Kind, Removable
from booking_system.desk.domain.removal_told import told_of
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.application.ports import ClinicOfDoctor
from booking_system.scheduling.domain.events import SlotEvent
from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.domain.time_slot import ClosedBecause, TimeSlot
from booking_system.shared_kernel.identifiers import DoctorId, HoldId, SlotId
from tests.booking.memory import Memory, Rows
from tests.booking.memory_facts import attempt_of, ending
from tests.booking.scene import ACTORS


def _quota(rows: Rows, wish: BookingWish, holder: Holder, now: datetime) -> HoldFacts:
    quota, actor = holder.quota(wish.patient_id), holder.actor

    def is_theirs(hold: Hold) -> bool:
        if actor is None:
            return hold.network == holder.network
        is_own = hold.patient_id is not None and hold.patient_id == actor.patient_id
        return hold.user_id == actor.user_id and is_own == (quota is Quota.PATIENT)

    holds = [one.hold for one in rows.slots.values() if one.hold is not None]
    own = rows.slots[wish.slot_id].hold if wish.slot_id in rows.slots else None
    held = {one.id for one in holds if one.until > now and is_theirs(one)}
    held -= set() if own is None else {own.id}
    return HoldFacts(open_holds=len(held), most_holds=quota.most)


def _held(rows: Rows, hold_id: HoldId) -> HeldSlot | None:
    kept = [
        slot
        for slot in sorted(
            [*rows.slots.values(), *rows.deleted.values()], key=lambda one: one.period.starts_at
        )
        if slot.hold is not None and slot.hold.id == hold_id
    ]
    slots = [slot for slot in kept if slot.id in rows.places]
    slots.sort(key=lambda slot: rows.places[slot.id])
    if not slots or slots[0].hold is None:
        return None
    around = tuple(slot for slot in kept if slot not in slots)
    hold = slots[0].hold
    patient = None if hold.patient_id is None else rows.patients.get(hold.patient_id)
    made_by_patient = patient is not None and patient.user_id == hold.user_id
    staff = {actor.user_id for actor in ACTORS if slots[0].clinic_id in actor.staff_of}
    is_abandoned = hold.user_id is not None and not made_by_patient and hold.user_id not in staff
    return HeldSlot(
        span=Span(slots=tuple(slots), around=around), hold=hold, is_abandoned=is_abandoned
    )


class MemoryHoldWork:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._ending: frozenset[HoldId] = frozenset()

    async def attempt(self, wish: BookingWish, holder: Holder, *, now: datetime) -> BookingAttempt:
        attempt = attempt_of(self._rows, wish, holder.actor, now, costs_nothing=True)
        if attempt.slot is not None and not _is_enough(attempt):
            self._ending = ending(attempt)
        return replace(attempt, holding=_quota(self._rows, wish, holder, now))

    async def lock(self, hold_id: HoldId) -> HeldSlot | None:
        return _held(self._rows, hold_id)

    async def place(self, held: HeldSlot, *, now: datetime) -> None:
        for slot in list(self._rows.slots.values()):
            if slot.hold is not None and slot.hold.id in self._ending:
                self._rows.put_slot(replace(slot, hold=None))
        for slot in held.span.touched:
            self._rows.places.pop(slot.id, None)
            self._rows.put_slot(replace(self._rows.slots[slot.id], hold=held.hold))
        self._rows.places |= {slot.id: n for n, slot in enumerate(held.span.slots, start=1)}
        self._rows.outbox.append(held.held(now=now))

    async def release(self, held: HeldSlot, *, now: datetime) -> None:
        for slot in held.span.touched:
            self._rows.put_slot(replace(self._rows.slots[slot.id], hold=None))
        self._rows.outbox.append(held.released(now=now))


def _is_enough(attempt: BookingAttempt) -> bool:
    """Say whether one statement of PostgreSQL finds the slot to be all that is needed."""
    slot, service = attempt.the_slot, attempt.service
    if slot.hold is not None and slot.hold.blocks is not None:
        return False
    if service is None:
        return True
    need = service.need
    return not need.before and not need.after and need.duration <= slot.period.length


class MemoryHolds:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[HoldWork]:
        async with self._memory.transaction() as rows:
            yield MemoryHoldWork(rows)

    async def show(self, hold_id: HoldId) -> HeldSlot | None:
        return _held(self._memory.rows, hold_id)

    async def attempt(
        self, wish: BookingWish, *, actor: Actor | None, now: datetime
    ) -> BookingAttempt:
        return attempt_of(self._memory.rows, wish, actor, now, costs_nothing=True)


class MemoryRemovalWork:
    """Of doctors and patients; the scene has no clinic that goes."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def _kept(self, kind: Kind) -> dict[Any, Any]:
        kept: dict[Kind, dict[Any, Any]] = {
            Kind.DOCTOR: self._rows.doctors,
            Kind.PATIENT: self._rows.patients,
        }
        return kept[kind]

    async def lock(self, kind: Kind, identity: UUID) -> Removable | None:
        found = self._kept(kind).get(identity)
        if found is None:
            return None
        about: dict[str, Any] = {"is_removed": found.removed_at is not None}
        if kind is Kind.DOCTOR:
            about["clinic_id"] = found.clinic_id
        else:
            about["has_account"] = found.user_id is not None
            about["known_to"] = frozenset(
                c for c, patient in self._rows.known if patient == identity
            )
        return Removable(kind=kind, id=identity, version=found.version, **about)

    async def close_slots(self, found: Removable, *, now: datetime) -> None:
        because = ClosedBecause.DOCTOR_REMOVED
        for slot in self._of_doctor(found):
            is_kept = slot.closed_because is None or slot.hold is not None
            if slot.period.starts_at > now and is_kept:
                because_of = slot.closed_because or because
                self._rows.put_slot(replace(slot, closed_because=because_of, hold=None))

    async def reopen_slots(self, found: Removable) -> None:
        for slot in self._of_doctor(found):
            if slot.closed_because is ClosedBecause.DOCTOR_REMOVED:
                self._rows.put_slot(replace(slot, closed_because=None))

    def _of_doctor(self, found: Removable) -> list[TimeSlot]:
        if found.kind is not Kind.DOCTOR:
            return []
        return [slot for slot in self._rows.slots.values() if slot.doctor_id == found.id]

    async def affected(self, found: Removable, *, now: datetime) -> Sequence[Appointment]:
        whose = f"{found.kind.value}_id"
        to_come = [
            self._rows.card(one).appointment
            for one in self._rows.appointments.values()
            if getattr(one, whose) == found.id and one.status in OPEN and one.period.starts_at > now
        ]
        return sorted(to_come, key=lambda one: (one.time_slot_id, one.id))

    async def release(self, appointments: Sequence[Appointment]) -> None:
        self._rows.release(appointments)

    async def check_place_is_free(self, found: Removable) -> None:
        """The places of doctors and patients are never given away."""

    async def mark(self, found: Removable, *, removed_at: datetime | None, now: datetime) -> None:
        kept = self._kept(found.kind)
        kept[found.id] = replace(
            kept[found.id], removed_at=removed_at, version=kept[found.id].version + 1
        )
        self._rows.outbox += told_of(found, removed=removed_at is not None, now=now)


class MemoryRemoval:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[RemovalWork]:
        async with self._memory.transaction() as rows:
            yield MemoryRemovalWork(rows)


class MemorySlots:
    """What changes one slot; nobody offers any in the scene."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicOfDoctor | None:
        doctor = self._rows.doctors[doctor_id]
        if doctor.removed_at is not None:
            return None
        zone = self._rows.clinics[doctor.clinic_id].facts.time_zone
        return ClinicOfDoctor(doctor.clinic_id, zone)

    async def lock(self, slot_id: SlotId) -> TimeSlot | None:
        return self._rows.slots.get(slot_id)

    async def lock_calendar_of(self, slot_id: SlotId) -> None:
        """One at a time as it is."""

    async def refill(self, slot: TimeSlot, *, now: datetime) -> None:
        """Nobody has weekly hours in the scene."""

    async def is_away(self, slot: TimeSlot) -> bool:
        """Nobody takes time off in the scene."""
        return False

    async def save(self, slot: TimeSlot) -> None:
        self._rows.put_slot(slot)

    async def record(self, event: SlotEvent) -> None:
        self._rows.outbox.append(event)

    async def delete(self, slot: TimeSlot, *, now: datetime) -> None:
        assert slot.appointment_id is None
        self._rows.deleted[slot.id] = slot
        del self._rows.slots[slot.id]


class MemoryScheduling:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemorySlots]:
        async with self._memory.transaction() as rows:
            yield MemorySlots(rows)
