"""Booking in memory: the transaction of bookings, and what reads them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from booking_system.booking.application.ports import (
    BookingSearch,
    BookingWish,
    BookingWork,
    MoveWish,
    Scope,
)
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.history import Action, Entry
from booking_system.booking.domain.party import Side
from booking_system.directory.domain.references import ExternalIdTaken, Noted
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.idempotency import (
    KEPT_FOR,
    IdempotencyKey,
    IdempotencyKeyReused,
)
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, HoldId, SlotId
from tests.booking.memory import Memory, NamedRequest, Rows
from tests.booking.memory_facts import attempt_of, ending, moving_of


class MemoryBookingWork:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._attempt: BookingAttempt | None = None

    async def attempt(self, wish: BookingWish, *, actor: Actor, now: datetime) -> BookingAttempt:
        self._attempt = attempt_of(self._rows, wish, actor, now)
        return self._attempt

    def _ending(self) -> frozenset[HoldId]:
        """The holds of all slots that were looked at."""
        assert self._attempt is not None
        return ending(self._attempt)

    async def add(self, appointment: Appointment, key: IdempotencyKey | None = None) -> None:
        rows = self._rows
        if key is not None:
            if _name(key) in rows.keys:
                raise Transient("the key was used before")
            rows.keys[_name(key)] = NamedRequest(
                fingerprint=key.fingerprint,
                appointment_id=appointment.id,
                created_at=appointment.created_at,
            )
        rows.outbox += appointment.pull_events()
        rows.share(appointment)
        rows.put_appointment(appointment)
        rows.enter(appointment, self._ending())

    async def note_outside(
        self, appointment_id: AppointmentId, clinic_id: ClinicId, noted: Noted
    ) -> None:
        name = (clinic_id, noted["external_id"])
        if noted["external_id"] is not None and name in self._rows.noted:
            raise ExternalIdTaken
        self._rows.noted[name] = appointment_id

    async def earlier(self, key: IdempotencyKey, *, now: datetime) -> AppointmentId | None:
        keys = self._rows.keys
        stored = keys.get(_name(key))
        if stored is None or stored.created_at <= now - KEPT_FOR:
            keys.pop(_name(key), None)
            return None
        if stored.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused
        keys[_name(key)] = replace(stored, replays=stored.replays + 1)
        return stored.appointment_id

    async def lock(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        found = self._rows.appointments.get(appointment_id)
        return None if found is None else self._rows.card(found)

    async def release(self, appointments: Sequence[Appointment]) -> None:
        self._rows.release(appointments)

    async def mark(self, appointment: Appointment) -> None:
        self._rows.mark(appointment)

    async def take_back(self, appointment: Appointment, *, now: datetime) -> None:
        self._rows.take_back(appointment, now)

    async def lock_with(
        self, slot_id: SlotId, appointment_id: AppointmentId
    ) -> AppointmentCard | None:
        return await self.lock(appointment_id)

    async def attempt_to_move(
        self, appointment: Appointment, wish: MoveWish, *, actor: Actor, now: datetime
    ) -> BookingAttempt:
        booking = BookingWish(
            slot_id=wish.slot_id,
            patient_id=appointment.patient_id,
            service_id=appointment.service_id,
            override=wish.override,
        )
        self._attempt = attempt_of(self._rows, booking, actor, now, moves=moving_of(appointment))
        return self._attempt

    async def move(self, appointment: Appointment) -> None:
        change = appointment.last_change
        assert change is not None
        self._rows.unblock({appointment.id})
        old = self._rows.appointments[appointment.id]
        left = self._rows.leave(old.time_slot_ids, {appointment.id})
        self._rows.share(appointment)
        self._rows.put_change(appointment)
        self._rows.enter(appointment, self._ending())
        self._rows.settle([old], left, change)


def _name(key: IdempotencyKey) -> tuple[str, str, str]:
    return key.owner, key.operation, key.key


class MemoryBooking:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[BookingWork]:
        async with self._memory.transaction() as rows:
            yield MemoryBookingWork(rows)


class MemoryBookingReader:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def find(self, search: BookingSearch, scope: Scope) -> Sequence[AppointmentCard]:
        wanted = {
            name: getattr(search, name)
            for name in ("clinic_id", "doctor_id", "patient_id", "status", "reference")
            if getattr(search, name) is not None
        }
        found = [
            one
            for one in self._memory.rows.appointments.values()
            if _is_within(one, scope)
            and all(getattr(one, name) == value for name, value in wanted.items())
            and (search.since is None or one.period.starts_at >= search.since)
            and (search.until is None or one.period.starts_at < search.until)
        ]
        found.sort(key=_place, reverse=search.latest_first)
        if search.after is not None:
            sign = -1 if search.latest_first else 1
            found = [one for one in found if _compared(_place(one), search.after) == sign]
        return [self._memory.rows.card(one) for one in found[: search.limit + 1]]

    async def show(self, appointment_id: AppointmentId, scope: Scope) -> AppointmentCard | None:
        found = self._memory.rows.appointments.get(appointment_id)
        if found is None or not _is_within(found, scope):
            return None
        return self._memory.rows.card(found)

    async def history(self, appointment_id: AppointmentId, scope: Scope) -> Sequence[Entry]:
        rows, found = self._memory.rows, self._memory.rows.appointments.get(appointment_id)
        if found is None or not _is_within(found, scope):
            return []
        later = [entry for (whose, _), entry in sorted(rows.history.items()) if whose == found.id]
        moved_from = [entry.left for entry in later if entry.left is not None]
        is_own = rows.patients[found.patient_id].user_id == found.booked_by
        booked = Entry(
            version=1,
            action=Action.BOOKED,
            occurred_at=found.created_at,
            side=Side.PATIENT if is_own else Side.CLINIC,
            user_id=found.booked_by,
            entered=[*moved_from, found.place][0],
        )
        return [booked, *later]


def _place(appointment: Appointment) -> tuple[datetime, AppointmentId]:
    return appointment.period.starts_at, appointment.id


def _compared(one: tuple[datetime, UUID], other: tuple[datetime, UUID]) -> int:
    return (one > other) - (one < other)


def _is_within(appointment: Appointment, scope: Scope) -> bool:
    return (
        appointment.patient_id == scope.patient_id
        or appointment.doctor_id in scope.doctor_ids
        or appointment.clinic_id in scope.clinic_ids
    )
