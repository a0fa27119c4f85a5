"""Marks of an appointment in PostgreSQL: an early end gives the rest of its time back."""

from datetime import datetime

import asyncpg
from sqlalchemy import any_, select

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.records import change_statements, span_changes
from booking_system.booking.records.change_statements import Marking
from booking_system.booking.records.settling import Left, change_of, settle, share_less, unblock
from booking_system.platform.postgres.phrases import ids
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotHeld,
    SlotUnavailable,
)
from booking_system.scheduling.records.slots import slot_columns, slot_of
from booking_system.scheduling.records.tables import time_slots
from booking_system.shared_kernel.identifiers import SlotId

ITS_SLOTS = Statement(
    select(*slot_columns(time_slots)).where(
        time_slots.c.id == any_(ids("slot_ids")), time_slots.c.deleted_at.is_(None)
    )
)


async def mark(connection: asyncpg.Connection, appointment: Appointment) -> list[SlotId]:
    """Write mark, history and event in one statement; return the slots that it gave back."""
    change, released_at = appointment.last_change, appointment.released_at
    assert change is not None, "what is marked was changed"
    if released_at is not None:
        await unblock(connection, [appointment])
    await change_statements.MARK.execute(
        connection,
        Marking(
            change=change_of(appointment),
            status=appointment.status,
            previous_status=appointment.previous_status,
            released_at=released_at,
        ),
    )
    if released_at is None:
        return []
    rows = await change_statements.FREE_THE_REST.fetch(
        connection,
        appointment_id=appointment.id,
        slot_ids=appointment.time_slot_ids,
        released_at=released_at,
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
    rows = await ITS_SLOTS.fetch(connection, slot_ids=appointment.time_slot_ids)
    slots = [slot_of(row, appointment.id) for row in rows]
    if len(slots) < len(appointment.time_slot_ids):
        raise SlotUnavailable
    for slot in slots:
        if slot.hold_in_force(now) is not None:
            raise SlotHeld
        if slot.appointment_id is not None and not appointment.overbooked:
            raise SlotAlreadyBooked
    await change_statements.TAKE_BACK.execute(
        connection, appointment_id=appointment.id, slot_ids=appointment.time_slot_ids
    )
    change = appointment.last_change
    assert change is not None, "what is undone was changed"
    await mark(connection, appointment)
    if appointment.reaches_further:
        await span_changes.BLOCK.execute(connection, appointment_id=appointment.id)
    if appointment.overbooked or appointment.patient_doubled:
        await share_less(connection, appointment.id, change)
