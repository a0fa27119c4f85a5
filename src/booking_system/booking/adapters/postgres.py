"""Booking in PostgreSQL: the transaction that no slot is sold twice in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.adapters import (
    attempting,
    lifecycle_statements,
    marking,
    span_statements,
    statements,
)
from booking_system.booking.adapters.rows import Asked, card_of
from booking_system.booking.adapters.settling import Left, change_of, settle, unblock
from booking_system.booking.application.ports import BookingWish, BookingWork, MoveWish
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt, MovingFacts
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.identity.domain.actor import Actor
from booking_system.platform.postgres import idempotency
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import payload_text
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked
from booking_system.scheduling.records.refilling import lock_calendar, refill_freed
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import AppointmentId, DoctorId, SlotId

LEAVING = """SELECT id, doctor_id, patient_id, blocked_from AS since, blocked_until AS until
 FROM appointments WHERE id = $1"""

CALENDARS_OF = """SELECT DISTINCT s.doctor_id FROM appointments a
 JOIN time_slots s ON s.id = ANY(a.time_slot_ids) WHERE a.id = $1 AND s.outside_availability"""

REFUSALS: Refusals = {
    "uq_appointments_reference": Transient,
    "pk_idempotency_keys": Transient,
    "uq_appointments_active_slot": SlotAlreadyBooked,
    "ex_appointments_doctor_never_twice": SlotAlreadyBooked,
    "ex_appointments_patient_never_twice": PatientOverlap,
}


async def release(connection: asyncpg.Connection, appointments: Sequence[Appointment]) -> None:
    """Write cancellations of one moment and one side; calendars follow in the background."""
    if appointments:
        slot_ids = await _release(connection, appointments)
        now = appointments[0].updated_at
        await refill_freed(connection, slot_ids, locked=(), now=now)


async def _release(
    connection: asyncpg.Connection, appointments: Sequence[Appointment]
) -> list[SlotId]:
    """Write them in one statement; return the slots that they had."""
    first, events = appointments[0], [one.pull_events()[0] for one in appointments]
    change = first.last_change
    assert change is not None, "what is released was cancelled"
    slot_ids = [slot_id for one in appointments for slot_id in one.time_slot_ids]
    await unblock(connection, appointments)
    await connection.execute(
        statements.RELEASE,
        [one.id for one in appointments],
        [one.version for one in appointments],
        [uuid7() for _ in appointments],
        [payload_text(event) for event in events],
        first.cancelled_by,
        first.cancel_reason,
        first.updated_at,
        change.user_id,
        slot_ids,
    )
    left = [Left.by(one) for one in appointments]
    await settle(connection, left, slot_ids, change)
    return slot_ids


async def lock_calendars_of(
    connection: asyncpg.Connection, appointment_id: AppointmentId
) -> frozenset[DoctorId]:
    """Lock the calendar whose hours take over what the appointment may give back; often none.

    A doctor's row comes before any slot.
    """
    doctors = [row["doctor_id"] for row in await connection.fetch(CALENDARS_OF, appointment_id)]
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

    async def attempt(self, wish: BookingWish, *, actor: Actor, now: datetime) -> BookingAttempt:
        """Lock `FOR UPDATE` and read, in one statement where the slot is enough."""
        reading = await attempting.locked(self._connection, Asked(wish, actor, now))
        self._ending = reading.ending
        return reading.attempt

    async def add(self, appointment: Appointment, key: IdempotencyKey | None = None) -> None:
        """Write appointment, ownership, acquaintance, event and key in one statement."""
        values = _values(appointment)
        if key is None:
            done = await self._connection.execute(statements.ADD, *values)
        else:
            named = (key.owner, key.operation, key.key, key.fingerprint)
            done = await self._connection.execute(statements.ADD_NAMED, *values, *named)
        if done == statements.NOTHING:
            raise Transient("the patient went meanwhile")
        await self._keep_clear(appointment)

    async def _keep_clear(self, appointment: Appointment) -> None:
        """Mark the slots around it, and end the holds that it was booked with, or in spite of."""
        if self._ending:
            now = appointment.updated_at
            await self._connection.execute(statements.END_HOLDS, self._ending, now)
        if appointment.reaches_further:
            await self._connection.execute(span_statements.BLOCK, appointment.id)

    async def earlier(self, key: IdempotencyKey, *, now: datetime) -> AppointmentId | None:
        """Look for the stored answer, which names the one appointment."""
        stored = await idempotency.earlier(self._connection, key, now=now)
        return None if stored is None else AppointmentId(stored.resource_ids[0])

    async def lock(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        """Lock in the order of all: the slot first, then the appointment."""
        self._calendars = await lock_calendars_of(self._connection, appointment_id)
        self._note(await self._connection.fetch(statements.LOCK_SLOTS_OF, appointment_id))
        return await self._lock_card(appointment_id)

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """Write the cancellations, free the slots, store history and events."""
        freed = await _release(self._connection, appointments)
        await self._refill(freed, appointments[0].updated_at)

    async def mark(self, appointment: Appointment) -> None:
        """Write mark, history and event in one statement; an early end gives the rest back."""
        freed = await marking.mark(self._connection, appointment)
        await self._refill(freed, appointment.updated_at)

    async def take_back(self, appointment: Appointment, *, now: datetime) -> None:
        """Own the slots again, if nobody has them by now."""
        await marking.take_back(self._connection, appointment, now=now)

    async def lock_with(
        self, slot_id: SlotId, appointment_id: AppointmentId
    ) -> AppointmentCard | None:
        """Lock all slots in one statement, then the appointment."""
        self._calendars = await lock_calendars_of(self._connection, appointment_id)
        self._note(
            await self._connection.fetch(span_statements.LOCK_TO_MOVE, slot_id, appointment_id)
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
            self._connection, Asked(booking, actor, now, moving), locked_ids=self._locked
        )
        self._ending = reading.ending
        return reading.attempt

    async def move(self, appointment: Appointment) -> None:
        """Leave the old slots, then write appointment, new slots, history and event."""
        change = appointment.last_change
        assert change is not None, "what is moved left a slot"
        gone = Left(**dict(await self._connection.fetchrow(LEAVING, appointment.id)))
        await self._connection.execute(span_statements.UNBLOCK, [appointment.id])
        left = await self._connection.fetch(span_statements.LEAVE, appointment.id)
        await self._connection.execute(
            lifecycle_statements.MOVE,
            *change_of(appointment),
            appointment.doctor_id,
            appointment.period.ends_at,
            appointment.mode,
            *_override_of(appointment),
            *_span_of(appointment),
        )
        await self._keep_clear(appointment)
        slot_ids = [row["id"] for row in left]
        await settle(self._connection, [gone], slot_ids, change)
        await self._refill(slot_ids, change.occurred_at)

    async def _lock_card(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        """Raise `Transient` where the appointment went elsewhere while its slots were awaited."""
        row = await self._connection.fetchrow(statements.LOCK_CARD, appointment_id)
        if row is None:
            return None
        if not self._locked.issuperset(row["time_slot_ids"]):
            raise Transient("the appointment was moved meanwhile")
        if self._outside.intersection(row["time_slot_ids"]) and not self._calendars:
            raise Transient("the hours were changed meanwhile")
        return card_of(row)


def _values(appointment: Appointment) -> tuple[object, ...]:
    price = appointment.price
    (event,) = appointment.pull_events()
    return (
        appointment.id,
        appointment.reference,
        appointment.status,
        appointment.payment_status,
        appointment.time_slot_id,
        appointment.clinic_id,
        appointment.doctor_id,
        appointment.patient_id,
        appointment.service_id,
        appointment.period.starts_at,
        appointment.period.ends_at,
        appointment.mode,
        appointment.reason,
        None if price is None else price.amount,
        None if price is None else price.currency,
        appointment.cancel_notice // timedelta(minutes=1),
        appointment.booked_by,
        appointment.created_at,
        uuid7(),
        event.name,
        payload_text(event),
        *_override_of(appointment),
        *_span_of(appointment),
        appointment.duration // timedelta(minutes=1),
    )


def _span_of(appointment: Appointment) -> tuple[object, ...]:
    """Return the values that say which slots it has, and when its doctor has to be free."""
    blocked = appointment.blocked
    return (appointment.time_slot_ids, blocked.starts_at, blocked.ends_at)


def _override_of(appointment: Appointment) -> tuple[object, ...]:
    """Return the values that say what staff set aside: two marks, the codes, the reason."""
    override = appointment.override
    if override is None:
        return (False, False, None, None)
    codes = sorted(override.codes)
    return (appointment.overbooked, appointment.patient_doubled, codes, override.reason)


class PostgresBooking:
    """Opens booking's transactions."""

    def __init__(self, database: Database) -> None:
        """`database` need not know booking's constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[BookingWork]:
        """Open one transaction."""
        async with self._database.driver_transaction() as connection:
            yield PostgresBookingWork(connection)
