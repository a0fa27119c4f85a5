"""Booking in PostgreSQL: the transaction that no slot is sold twice in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from secrets import randbits

import asyncpg

from booking_system.booking.adapters import statements
from booking_system.booking.adapters.rows import attempt_of, card_of
from booking_system.booking.application.ports import BookingWish, BookingWork
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.reference import reference_from
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.identity.domain.actor import Actor
from booking_system.platform.postgres import idempotency
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import payload_text
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import AppointmentId

REFUSALS: Refusals = {
    "uq_appointments_reference": Transient,
    "pk_idempotency_keys": Transient,
    "uq_appointments_active_slot": SlotAlreadyBooked,
    "ex_appointments_doctor_never_twice": SlotAlreadyBooked,
    "ex_appointments_patient_never_twice": PatientOverlap,
}


async def release(connection: asyncpg.Connection, appointments: Sequence[Appointment]) -> None:
    """Write cancellations of one moment and one side in one statement."""
    if not appointments:
        return
    first, events = appointments[0], [one.pull_events()[0] for one in appointments]
    await connection.execute(
        statements.RELEASE,
        [one.id for one in appointments],
        [one.time_slot_id for one in appointments],
        [one.version for one in appointments],
        [uuid7() for _ in appointments],
        [payload_text(event) for event in events],
        first.cancelled_by,
        first.cancel_reason,
        first.updated_at,
    )


class PostgresBookingWork:
    """One booking transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def attempt(self, wish: BookingWish, *, actor: Actor, now: datetime) -> BookingAttempt:
        """Lock the slot's row `FOR UPDATE` and read every fact in the same statement.

        After a wait the slot is as it is now, the other facts as they were before the wait.
        """
        row = await self._connection.fetchrow(
            statements.ATTEMPT, wish.slot_id, wish.patient_id, wish.service_id, now
        )
        return attempt_of(row, wish, actor, now)

    async def add(self, appointment: Appointment, key: IdempotencyKey | None = None) -> None:
        """Write appointment, ownership, acquaintance, event and key in one statement."""
        if key is None:
            await self._connection.execute(statements.ADD, *_values(appointment))
            return
        await self._connection.execute(
            statements.ADD_NAMED,
            *_values(appointment),
            key.owner,
            key.operation,
            key.key,
            key.fingerprint,
            f"/v1/bookings/{appointment.id}",
        )

    async def earlier(self, key: IdempotencyKey, *, now: datetime) -> AppointmentId | None:
        """Look for the stored answer, which names the one appointment."""
        stored = await idempotency.earlier(self._connection, key, now=now)
        return None if stored is None else AppointmentId(stored.resource_ids[0])

    async def lock(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        """Lock in the order of all: the slot first, then the appointment."""
        if await self._connection.fetchval(statements.LOCK_SLOT_OF, appointment_id) is None:
            return None
        row = await self._connection.fetchrow(statements.LOCK_CARD, appointment_id)
        return None if row is None else card_of(row)

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """Write the cancellations, free the slots, store the events."""
        await release(self._connection, appointments)


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
    )


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


class RandomReferences:
    """The real maker of booking references."""

    def new(self) -> str:
        """Return one of 6.5 × 10¹¹; a rare collision makes the booking fail and be retried."""
        return reference_from(randbits(64))
