"""Reads what a booking is judged on: one statement where the slot is enough, else three."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.adapters import span_statements, statements
from booking_system.booking.adapters.rows import MINUTE, Asked, attempt_of, need_of, slot_of
from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.span import NearbySlot, Span, span_from
from booking_system.shared_kernel.errors import Transient

NEARBY = span_statements.nearby(statements.SLOT)
LOCK_NEARBY = NEARBY + span_statements.IN_ORDER


@dataclass(frozen=True, slots=True)
class Reading:
    """An attempt, and the holds that end with the booking although they keep other slots too."""

    attempt: BookingAttempt
    ending: frozenset[UUID] = frozenset()


async def locked(connection: asyncpg.Connection, asked: Asked) -> Reading:
    """Lock the slot `FOR UPDATE` and read every fact in the same statement.

    After a wait the slot is as it is now, the other facts as they were before the wait. Where the
    service needs more than the slot, all that it meets is locked first, by ascending id, and the
    facts are read behind the locks.
    """
    wish = asked.wish
    row = await connection.fetchrow(
        statements.ATTEMPT, wish.slot_id, wish.patient_id, wish.service_id, asked.now
    )
    if row is None and wish.service_id is not None:
        rows = await connection.fetch(LOCK_NEARBY, wish.slot_id, wish.service_id)
        return await _judged_on(connection, rows, asked)
    ends_more = row is not None and row["holds_more"]
    ending = frozenset({row["hold_id"]}) if ends_more else frozenset()
    return Reading(attempt_of(row, asked), ending)


async def seen(connection: asyncpg.Connection, asked: Asked) -> BookingAttempt:
    """Read the facts without a lock: to explain, never to decide."""
    rows = await connection.fetch(NEARBY, asked.wish.slot_id, asked.wish.service_id)
    return (await _judged_on(connection, rows, asked)).attempt


async def behind_locks(
    connection: asyncpg.Connection, asked: Asked, *, locked_ids: set[UUID]
) -> Reading:
    """Read the facts of a move. Raises `Transient` where not all that it meets is locked."""
    rows = await connection.fetch(NEARBY, asked.wish.slot_id, asked.wish.service_id)
    if not locked_ids.issuperset(row["slot_id"] for row in rows):
        raise Transient("the slots changed while they were waited for")
    return await _judged_on(connection, rows, asked)


async def _judged_on(connection: asyncpg.Connection, rows: list[Any], asked: Asked) -> Reading:
    wish, span = asked.wish, _span_of(rows, asked)
    if span is None:
        return Reading(attempt_of(None, asked))
    row = await connection.fetchrow(
        statements.FACTS,
        wish.slot_id,
        wish.patient_id,
        wish.service_id,
        asked.now,
        span.period.ends_at,
        span.blocked.starts_at,
        span.blocked.ends_at,
        asked.moves,
    )
    holds = (slot.hold for slot in span.touched)
    ending = frozenset(hold.id for hold in holds if hold is not None)
    return Reading(attempt_of(row, asked, span), ending)


def _span_of(rows: list[Any], asked: Asked) -> Span | None:
    nearby = [
        NearbySlot(slot=slot_of(row, asked.moves), gap=row["gap_minutes"] * MINUTE) for row in rows
    ]
    first = next((one.slot for one in nearby if one.slot.id == asked.wish.slot_id), None)
    if first is None:
        return None
    return span_from(first, nearby, need_of(rows[0]), time_zone=rows[0]["time_zone"])
