"""Marks of an appointment in PostgreSQL: an early end gives the rest of its time back."""

from datetime import datetime

import asyncpg

from booking_system.booking.adapters import lifecycle_statements, span_statements
from booking_system.booking.adapters.rows import slot_of
from booking_system.booking.adapters.settling import Left, change_of, settle, share_less, unblock
from booking_system.booking.adapters.statements import SLOT
from booking_system.booking.domain.appointment import Appointment
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotHeld,
    SlotUnavailable,
)
from booking_system.shared_kernel.identifiers import SlotId

ITS_SLOTS = f"SELECT {SLOT} FROM time_slots s WHERE s.id = ANY($1) AND s.deleted_at IS NULL"  # noqa: S608


async def mark(connection: asyncpg.Connection, appointment: Appointment) -> list[SlotId]:
    """Write mark, history and event in one statement; return the slots that it gave back."""
    change, released_at = appointment.last_change, appointment.released_at
    assert change is not None, "what is marked was changed"
    if released_at is not None:
        await unblock(connection, [appointment])
    await connection.execute(
        lifecycle_statements.MARK,
        *change_of(appointment),
        appointment.status,
        appointment.previous_status,
        released_at,
    )
    if released_at is None:
        return []
    rows = await connection.fetch(
        lifecycle_statements.FREE_THE_REST, appointment.id, appointment.time_slot_ids, released_at
    )
    freed = [row["id"] for row in rows]
    await settle(connection, [Left.by(appointment)], freed, change)
    return freed


async def take_back(
    connection: asyncpg.Connection, appointment: Appointment, *, now: datetime
) -> None:
    """Own all slots again, then write the mark that was undone.

    Raises `SlotUnavailable`, `SlotAlreadyBooked`, `SlotHeld` for a slot that is gone, booked or
    held by now; an overbooked appointment takes what is left.
    """
    rows = await connection.fetch(ITS_SLOTS, appointment.time_slot_ids)
    slots = [slot_of(row, appointment.id) for row in rows]
    if len(slots) < len(appointment.time_slot_ids):
        raise SlotUnavailable
    for slot in slots:
        if slot.hold_in_force(now) is not None:
            raise SlotHeld
        if slot.appointment_id is not None and not appointment.overbooked:
            raise SlotAlreadyBooked
    await connection.execute(
        lifecycle_statements.TAKE_BACK, appointment.id, appointment.time_slot_ids
    )
    change = appointment.last_change
    assert change is not None, "what is undone was changed"
    await mark(connection, appointment)
    if appointment.reaches_further:
        await connection.execute(span_statements.BLOCK, appointment.id)
    if appointment.overbooked or appointment.patient_doubled:
        await share_less(connection, appointment.id, change)
