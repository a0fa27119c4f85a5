"""Cancellations as they are written: by booking one, by the desk many at once."""

from collections.abc import Sequence

import asyncpg

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.records import change_statements
from booking_system.booking.records.change_statements import Cancelling
from booking_system.booking.records.settling import Left, settle, unblock
from booking_system.platform.postgres.outbox import events_text
from booking_system.scheduling.records.ended_holds import END_HOLDS
from booking_system.scheduling.records.refilling import refill_freed
from booking_system.shared_kernel.identifiers import SlotId


async def release(connection: asyncpg.Connection, appointments: Sequence[Appointment]) -> None:
    """Write cancellations of one moment and one side; calendars follow in the background."""
    if appointments:
        slot_ids = await cancelled(connection, appointments)
        now = appointments[0].updated_at
        await refill_freed(connection, slot_ids, locked=(), now=now)


async def cancelled(
    connection: asyncpg.Connection, appointments: Sequence[Appointment]
) -> list[SlotId]:
    """Write cancellations of one moment in one statement; return the slots that they had."""
    first = appointments[0]
    change = first.last_change
    assert change is not None, "what is released was cancelled"
    slot_ids = [slot_id for one in appointments for slot_id in one.time_slot_ids]
    await unblock(connection, appointments)
    cancelling = Cancelling(
        appointment_ids=[one.id for one in appointments],
        versions=[one.version for one in appointments],
        revisions=[one.revision for one in appointments],
        slot_ids=slot_ids,
        occurred_at=change.occurred_at,
        by_user_id=change.user_id,
        side=change.side,
        reason=change.reason,
        events=events_text(event for one in appointments for event in one.pull_events()),
    )
    await change_statements.CANCEL.execute(connection, cancelling)
    if waited := [one.id for one in appointments if one.pay_by is not None]:
        await END_HOLDS.execute(connection, hold_ids=waited, now=change.occurred_at)
    left = [Left.by(one) for one in appointments]
    await settle(connection, left, slot_ids, change)
    return slot_ids
