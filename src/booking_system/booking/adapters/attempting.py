"""Reads what a booking is judged on: one statement where the slot is enough, else three."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.adapters import attempt_statements, hold_statements, span_locks
from booking_system.booking.adapters.attempt_statements import Wanted, WantedSpan
from booking_system.booking.adapters.rows import AttemptRequest, attempt_of, moving_of
from booking_system.booking.domain.attempt import BookingAttempt, is_owner
from booking_system.booking.domain.span import Span
from booking_system.booking.records.cards import MINUTE
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.scheduling.records.slots import slot_of
from booking_system.shared_kernel.errors import Transient


@dataclass(frozen=True, slots=True)
class Reading:
    """An attempt, and the holds that the booking ends when it is made."""

    attempt: BookingAttempt
    ending: frozenset[UUID] = frozenset()


async def locked(connection: asyncpg.Connection, asked: AttemptRequest) -> Reading:
    """Lock what the booking needs, and read the facts on which it is judged.

    A booking that needs one slot takes one statement: it locks the slot `FOR UPDATE` and reads the
    facts; after a wait the slot is as it is now, the other facts as they were before the wait. A
    longer service, a move and an override first lock every slot that the booking meets, by
    ascending id, and read the facts behind the locks. An override needs that because it ignores
    that a slot is closed, and a closed slot is the only trace that a doctor was removed meanwhile.
    """
    wish = asked.wish
    if asked.moving is None and wish.override is None:
        row = await _attempt_of(asked).fetchrow(connection, _wanted(asked))
        if row is not None:
            if row["hold_blocks"] is not None:
                raise Transient("a hold of several slots came while the slot was waited for")
            attempt = attempt_of(row, asked)
            return await _knowing_the_hold(connection, Reading(attempt))
    rows = await _lock_nearby(connection, asked)
    return await behind_locks(connection, asked, locked_ids={row["id"] for row in rows})


async def seen(connection: asyncpg.Connection, asked: AttemptRequest) -> BookingAttempt:
    """Read the facts without a lock: to explain, never to decide."""
    return (await _judged_on(connection, await _nearby(connection, asked), asked)).attempt


async def behind_locks(
    connection: asyncpg.Connection, asked: AttemptRequest, *, locked_ids: set[UUID]
) -> Reading:
    """Read the facts behind the locks. Raises `Transient` where a slot it meets is not locked."""
    rows = await _nearby(connection, asked)
    if not locked_ids.issuperset(row["slot_id"] for row in rows):
        raise Transient("the slots changed while their locks were waited for")
    return await _knowing_the_hold(connection, await _judged_on(connection, rows, asked))


async def asked_of(connection: asyncpg.Connection, asked: AttemptRequest) -> AttemptRequest:
    """Return the request with the agreed terms of the appointment to move, if it moves one."""
    moves = asked.wish.moves
    if moves is None:
        return asked
    row = await attempt_statements.AGREED.fetchrow(connection, appointment_id=moves)
    if row is None:
        raise Transient("the appointment is gone")
    return replace(asked, moving=moving_of(row))


def _attempt_of(asked: AttemptRequest) -> Statement[Wanted]:
    if not asked.is_all_told:
        return attempt_statements.ATTEMPT_TOLD
    return attempt_statements.ATTEMPT_OWN if asked.is_own else attempt_statements.ATTEMPT


def _wanted(asked: AttemptRequest) -> Wanted:
    wish = asked.wish
    return Wanted(wish.slot_id, wish.patient_id, wish.service_id, asked.now)


async def _nearby(connection: asyncpg.Connection, asked: AttemptRequest) -> list[Any]:
    if asked.moving is None:
        wish = asked.wish
        return await span_locks.NEARBY.fetch(
            connection, slot_id=wish.slot_id, service_id=wish.service_id
        )
    return await span_locks.NEARBY_TO_MOVE.fetch(
        connection, slot_id=asked.wish.slot_id, appointment_id=asked.moving.id
    )


async def _lock_nearby(connection: asyncpg.Connection, asked: AttemptRequest) -> list[Any]:
    if asked.moving is None:
        wish = asked.wish
        return await span_locks.LOCK_NEARBY.fetch(
            connection, slot_id=wish.slot_id, service_id=wish.service_id
        )
    return await span_locks.LOCK_TO_HOLD_FOR_MOVE.fetch(
        connection, slot_id=asked.wish.slot_id, appointment_id=asked.moving.id
    )


async def _knowing_the_hold(connection: asyncpg.Connection, reading: Reading) -> Reading:
    """Say whether the hold that is named, if any, is on another slot."""
    attempt = reading.attempt
    if attempt.hold_id is None or attempt.slot is None:
        return reading
    if attempt.slot.hold is not None and attempt.slot.hold.id == attempt.hold_id:
        return reading
    is_elsewhere = await hold_statements.IS_IN_FORCE.fetchval(
        connection, hold_id=attempt.hold_id, now=attempt.now
    )
    return replace(reading, attempt=replace(attempt, holds_another_slot=is_elsewhere))


async def _judged_on(
    connection: asyncpg.Connection, rows: list[Any], asked: AttemptRequest
) -> Reading:
    span = _span_of(rows, asked)
    if span is None:
        return Reading(attempt_of(None, asked))
    is_all_told = asked.is_all_told
    facts = attempt_statements.FACTS if is_all_told else attempt_statements.FACTS_TOLD
    wanted = WantedSpan(
        wanted=_wanted(asked),
        ends_at=span.period.ends_at,
        blocked_from=span.blocked.starts_at,
        blocked_until=span.blocked.ends_at,
        moved_id=asked.moves,
    )
    row = await facts.fetchrow(connection, wanted)
    ending = frozenset(hold.id for _, hold in span.held)
    return Reading(attempt_of(row, asked, span), ending)


def _span_of(rows: Sequence[Any], asked: AttemptRequest) -> Span | None:
    slots = {row["slot_id"]: slot_of(row, asked.moves) for row in rows}
    first = slots.get(asked.wish.slot_id)
    if first is None:
        return None
    kept = _kept_span(rows, slots, first, asked)
    if kept is not None:
        return kept
    placed = sorted((row for row in rows if row["place"] is not None), key=lambda it: it["place"])
    others = sorted((row for row in rows if row["place"] is None), key=lambda it: it["starts_at"])
    return Span(
        slots=tuple(slots[row["slot_id"]] for row in placed),
        around=tuple(slots[row["slot_id"]] for row in others if row["is_met"]),
        beside=tuple(slots[row["slot_id"]] for row in others if not row["is_met"]),
        before=rows[0]["buffer_before_minutes"] * MINUTE,
        after=rows[0]["buffer_after_minutes"] * MINUTE,
    )


def _kept_span(
    rows: Sequence[Any], slots: dict[UUID, TimeSlot], first: TimeSlot, asked: AttemptRequest
) -> Span | None:
    """Return what their hold for this service keeps, as it was agreed; None: they have none."""
    wish, hold = asked.wish, first.hold_in_force(asked.now)
    if hold is None or hold.terms is None or asked.moving is not None:
        return None
    if hold.terms.service_id != wish.service_id or not is_owner(
        hold,
        actor=asked.actor,
        clinic_id=first.clinic_id,
        patient_id=wish.patient_id,
        shown_hold=wish.shown_hold,
    ):
        return None
    if hold.blocks is None:
        return Span(slots=(first,))
    places = {row["slot_id"]: row["hold_place"] for row in rows if row["hold_id"] == hold.id}
    taken = sorted(
        (slots[one] for one, place in places.items() if place is not None),
        key=lambda slot: slot.period.starts_at,
    )
    if taken[:1] != [first]:
        return None
    around = [
        slot for slot in slots.values() if slot not in taken and slot.period.overlaps(hold.blocks)
    ]
    return Span(
        slots=tuple(taken),
        around=tuple(sorted(around, key=lambda slot: slot.period.starts_at)),
        before=first.period.starts_at - hold.blocks.starts_at,
        after=hold.blocks.ends_at - taken[-1].period.ends_at,
    )
