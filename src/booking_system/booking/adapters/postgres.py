"""Booking in PostgreSQL: the transaction that no slot is sold twice in."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.adapters import (
    adding,
    attempting,
    marking,
    noting,
    span_locks,
)
from booking_system.booking.adapters.rows import AttemptRequest
from booking_system.booking.application.ports import BookingWish, BookingWork, MoveWish
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt, MovingFacts
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.booking.records import cards, change_statements, span_changes
from booking_system.booking.records.cards import CARDS, card_of
from booking_system.booking.records.change_statements import Moving
from booking_system.booking.records.releasing import cancelled
from booking_system.booking.records.settling import Left, change_of, settle
from booking_system.directory.domain.references import Noted
from booking_system.identity.domain.actor import Actor
from booking_system.platform.postgres import idempotency
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked
from booking_system.scheduling.records.ended_holds import END_HOLDS
from booking_system.scheduling.records.refilling import lock_calendar, refill_freed
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId, SlotId

REFUSALS: Refusals = {
    "uq_appointments_reference": Transient,
    "pk_idempotency_keys": Transient,
    "uq_appointments_active_slot": SlotAlreadyBooked,
    "ex_appointments_doctor_never_twice": SlotAlreadyBooked,
    "ex_appointments_patient_never_twice": PatientOverlap,
    **noting.REFUSALS,
}

LOCK_CARD = Statement(
    CARDS.where(cards.appointment.c.id == an_id("appointment_id")).with_for_update(
        of=cards.appointment
    )
)


async def lock_calendars_of(
    connection: asyncpg.Connection, appointment_id: AppointmentId
) -> frozenset[DoctorId]:
    """Lock the calendar whose hours take over what the appointment may give back; often none.

    A doctor's row comes before any slot.
    """
    rows = await span_changes.CALENDARS_OF.fetch(connection, appointment_id=appointment_id)
    doctors = [row["doctor_id"] for row in rows]
    for doctor_id in doctors:
        await lock_calendar(connection, doctor_id)
    return frozenset(doctors)


class PostgresBookingWork:
    """One booking transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection
        self._locked: set[UUID] = set()
        self._calendars: frozenset[DoctorId] = frozenset()
        self._outside: set[UUID] = set()
        self._ending: frozenset[UUID] = frozenset()
        self._attempt: BookingAttempt | None = None
        self._claim: Left | None = None

    async def attempt(self, wish: BookingWish, *, actor: Actor, now: datetime) -> BookingAttempt:
        """Lock `FOR UPDATE` and read, in one statement where the slot is enough."""
        reading = await attempting.locked(self._connection, AttemptRequest(wish, actor, now))
        self._ending = reading.ending
        self._attempt = reading.attempt
        return reading.attempt

    async def add(self, appointment: Appointment, key: IdempotencyKey | None = None) -> None:
        """Write appointment, ownership, acquaintance, first event and key in one statement."""
        if self._ending and appointment.is_waiting:
            # What it was booked with gives way to the hold that keeps its time from now on.
            await self._end_holds(appointment.created_at)
        assert self._attempt is not None, "what is added was judged"
        await adding.add(self._connection, appointment, self._attempt, key)
        await self._keep_clear(appointment)

    async def note_outside(
        self, appointment_id: AppointmentId, clinic_id: ClinicId, noted: Noted
    ) -> None:
        """Write beside the appointment."""
        await noting.note(self._connection, appointment_id, clinic_id, noted)

    async def _keep_clear(self, appointment: Appointment) -> None:
        """Mark the slots around it, and end the holds that it was booked with, or in spite of."""
        if self._ending:
            await self._end_holds(appointment.updated_at)
        if appointment.reaches_further and not appointment.is_waiting:
            await span_changes.BLOCK.execute(self._connection, appointment_id=appointment.id)

    async def _end_holds(self, now: datetime) -> None:
        await END_HOLDS.execute(self._connection, hold_ids=self._ending, now=now)
        self._ending = frozenset()

    async def earlier(self, key: IdempotencyKey, *, now: datetime) -> AppointmentId | None:
        """Look for the stored answer, which names the one appointment."""
        stored = await idempotency.earlier(self._connection, key, now=now)
        return None if stored is None else AppointmentId(stored.resource_ids[0])

    async def lock(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        """Lock in the order of all: the slot first, then the appointment."""
        self._calendars = await lock_calendars_of(self._connection, appointment_id)
        wanted = span_changes.LOCK_SLOTS_OF
        self._note(await wanted.fetch(self._connection, appointment_id=appointment_id))
        return await self._lock_card(appointment_id)

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """Write the cancellations, free the slots, store history and events."""
        freed = await cancelled(self._connection, appointments)
        await self._refill(freed, appointments[0].updated_at)

    async def mark(self, appointment: Appointment) -> None:
        """Write mark, history and event in one statement; an early end gives the rest back."""
        freed = await marking.mark(self._connection, appointment)
        await self._refill(freed, appointment.updated_at)

    async def confirm(self, appointment: Appointment) -> None:
        """Write it, history and event in one statement; no slot has to do with it."""
        await change_statements.CONFIRM.execute(self._connection, change_of(appointment))

    async def take_back(self, appointment: Appointment, *, now: datetime) -> None:
        """Own the slots again, if nobody has them by now."""
        await marking.take_back(self._connection, appointment, now=now)

    async def lock_with(
        self, slot_id: SlotId, appointment_id: AppointmentId
    ) -> AppointmentCard | None:
        """Lock all slots in one statement, then the appointment."""
        self._calendars = await lock_calendars_of(self._connection, appointment_id)
        self._note(
            await span_locks.LOCK_TO_MOVE.fetch(
                self._connection, slot_id=slot_id, appointment_id=appointment_id
            )
        )
        return await self._lock_card(appointment_id)

    def _note(self, rows: Sequence[Any]) -> None:
        self._locked = {row["id"] for row in rows}
        self._outside = {row["id"] for row in rows if row["outside_availability"]}

    async def _refill(self, slot_ids: Sequence[UUID], now: datetime) -> None:
        """Let the time of slots that no hours want any more follow those that are in force."""
        outside = self._outside.intersection(slot_ids)
        if outside:
            await refill_freed(self._connection, list(outside), locked=self._calendars, now=now)

    async def attempt_to_move(
        self, appointment: Appointment, wish: MoveWish, *, actor: Actor, now: datetime
    ) -> BookingAttempt:
        """Read behind the locks, so that every fact is as it is now."""
        booking = BookingWish(
            slot_id=wish.slot_id,
            patient_id=appointment.patient_id,
            service_id=appointment.service_id,
            override=wish.override,
        )
        moving = MovingFacts(
            id=appointment.id,
            doctor_id=appointment.doctor_id,
            starts_at=appointment.period.starts_at,
            need=appointment.need,
        )
        reading = await attempting.behind_locks(
            self._connection, AttemptRequest(booking, actor, now, moving), locked_ids=self._locked
        )
        self._ending = reading.ending
        return reading.attempt

    async def move(self, appointment: Appointment) -> None:
        """Leave the old slots, then write appointment, new slots, history and event."""
        change = appointment.last_change
        gone = self._claim
        assert change is not None, "what is moved left a slot"
        assert gone is not None, "what is moved was locked"
        whose = {"appointment_id": appointment.id}
        await span_changes.UNBLOCK.execute(self._connection, appointment_ids=[appointment.id])
        left = await change_statements.LEAVE_SLOTS.fetch(self._connection, **whose)
        await change_statements.MOVE.execute(self._connection, _moving(appointment))
        await self._keep_clear(appointment)
        slot_ids = [row["id"] for row in left]
        await settle(self._connection, [gone], slot_ids, change)
        await self._refill(slot_ids, change.occurred_at)

    async def _lock_card(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        """Raise `Transient` where the appointment went elsewhere while its slots were awaited."""
        row = await LOCK_CARD.fetchrow(self._connection, appointment_id=appointment_id)
        if row is None:
            return None
        if not self._locked.issuperset(row["time_slot_ids"]):
            raise Transient("the appointment was moved meanwhile")
        if self._outside.intersection(row["time_slot_ids"]) and not self._calendars:
            raise Transient("the hours were changed meanwhile")
        card = card_of(row)
        self._claim = Left.by(card.appointment)
        return card


def _moving(appointment: Appointment) -> Moving:
    blocked, override = appointment.blocked, appointment.override
    return Moving(
        change=change_of(appointment),
        revision=appointment.revision,
        doctor_id=appointment.doctor_id,
        ends_at=appointment.period.ends_at,
        mode=appointment.mode,
        overbooked=appointment.overbooked,
        patient_doubled=appointment.patient_doubled,
        override_codes=None if override is None else sorted(override.codes),
        override_reason=None if override is None else override.reason,
        time_slot_ids=appointment.time_slot_ids,
        blocked_from=blocked.starts_at,
        blocked_until=blocked.ends_at,
    )


class PostgresBooking:
    """Opens booking's transactions."""

    def __init__(self, database: Database) -> None:
        """`database` need not know booking's constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    def transaction(self) -> AbstractAsyncContextManager[BookingWork]:
        """Open one transaction."""
        return self._database.working(PostgresBookingWork)
