"""Holds in PostgreSQL: columns of the slot's row, so that one lock decides over all of it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.adapters import attempting, hold_statements
from booking_system.booking.adapters.hold_statements import Placing
from booking_system.booking.adapters.rows import AttemptRequest
from booking_system.booking.application.ports import BookingWish, HoldWork
from booking_system.booking.domain.attempt import BookingAttempt, HoldFacts
from booking_system.booking.domain.holding import HeldSlot, Holder, Quota
from booking_system.booking.domain.span import Span
from booking_system.booking.records.hold_queue import queue_as
from booking_system.identity.domain.actor import Actor
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import events_text
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked
from booking_system.scheduling.records.ended_holds import END_HOLDS
from booking_system.scheduling.records.refilling import lock_calendar, refill_freed
from booking_system.scheduling.records.slots import slot_of
from booking_system.shared_kernel.identifiers import AppointmentId, DoctorId, HoldId

REFUSALS: Refusals = {"ck_time_slots_booked_is_not_held": SlotAlreadyBooked}


class PostgresHoldWork:
    """One such transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection
        self._moves: AppointmentId | None = None
        self._ending: frozenset[UUID] = frozenset()
        self._calendars: frozenset[DoctorId] = frozenset()

    async def attempt(self, wish: BookingWish, holder: Holder, *, now: datetime) -> BookingAttempt:
        """Queue by holder before the slot is locked: whoever has a slot's lock waits for nobody."""
        self._moves = wish.moves
        quota = holder.quota(wish.patient_id)
        for whose in _queues_of(wish, holder):
            await queue_as(self._connection, whose)
        asked = AttemptRequest(wish, holder.actor, now, costs_nothing=True)
        asked = await attempting.asked_of(self._connection, asked)
        reading = await attempting.locked(self._connection, asked)
        self._ending = reading.ending
        counting, values = hold_statements.COUNTS[quota], _counted(wish, holder, now)
        others = await counting.fetchval(self._connection, **values)
        holding = HoldFacts(open_holds=others, most_holds=quota.most)
        return replace(reading.attempt, holding=holding)

    async def lock(self, hold_id: HoldId) -> HeldSlot | None:
        """Take the slots' rows `FOR UPDATE`; after a wait they are read as they are now.

        A calendar whose hours take over what the hold may give back is locked before them.
        """
        rows = await hold_statements.CALENDARS_OF.fetch(self._connection, hold_id=hold_id)
        doctors = [row["doctor_id"] for row in rows]
        for doctor_id in doctors:
            await lock_calendar(self._connection, doctor_id)
        self._calendars = frozenset(doctors)
        return _held(await hold_statements.LOCK.fetch(self._connection, hold_id=hold_id))

    async def place(self, held: HeldSlot, *, now: datetime) -> None:
        """Write hold and event in one statement, when the holds that it takes slots of are over."""
        if self._ending:
            await END_HOLDS.execute(self._connection, hold_ids=self._ending, now=now)
        hold = held.hold
        blocks, terms = hold.blocks, hold.terms
        price, deposit = (None, None) if terms is None else (terms.price, terms.deposit)
        placing = Placing(
            touched_ids=[slot.id for slot in held.span.touched],
            taken_ids=held.span.slot_ids,
            blocked_from=None if blocks is None else blocks.starts_at,
            blocked_until=None if blocks is None else blocks.ends_at,
            moved_id=self._moves,
            hold_id=hold.id,
            held_until=hold.until,
            hold_minutes=hold.length // timedelta(minutes=1),
            hold_extended=hold.is_extended,
            held_for=hold.patient_id,
            held_by=hold.user_id,
            hold_network=hold.network,
            hold_service_id=None if terms is None else terms.service_id,
            hold_duration_minutes=None if terms is None else terms.duration // timedelta(minutes=1),
            hold_price_amount=None if price is None else price.amount,
            hold_price_currency=None if price is None else price.currency,
            hold_payment=None if terms is None else terms.payment,
            hold_deposit_amount=None if deposit is None else deposit.amount,
            events=events_text([held.held(now=now)]),
        )
        await hold_statements.PLACE.execute(self._connection, placing)

    async def release(self, held: HeldSlot, *, now: datetime) -> None:
        """Empty the columns and write the event in one statement."""
        events = events_text([held.released(now=now)])
        await hold_statements.RELEASE.execute(self._connection, hold_id=held.hold.id, events=events)
        slot_ids = [slot.id for slot in held.span.touched]
        await refill_freed(self._connection, slot_ids, locked=self._calendars, now=now)


class PostgresHolds:
    """Opens such transactions, and reads."""

    def __init__(self, database: Database) -> None:
        """`database` need not know the constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    def transaction(self) -> AbstractAsyncContextManager[HoldWork]:
        """Open one transaction."""
        return self._database.working(PostgresHoldWork)

    async def show(self, hold_id: HoldId) -> HeldSlot | None:
        """Read one."""
        async with self._database.reading() as connection:
            return _held(await hold_statements.HELD.fetch(connection, hold_id=hold_id))

    async def attempt(
        self, wish: BookingWish, *, actor: Actor | None, now: datetime
    ) -> BookingAttempt:
        """Read the facts without a lock."""
        async with self._database.reading() as connection:
            asked = AttemptRequest(wish, actor, now, costs_nothing=True)
            asked = await attempting.asked_of(connection, asked)
            return await attempting.seen(connection, asked)


def _queues_of(wish: BookingWish, holder: Holder) -> list[UUID | bytes]:
    """Return where to queue: holds for one patient meet there, and merges of records."""
    queues: list[UUID | bytes] = [] if wish.patient_id is None else [wish.patient_id]
    if holder.actor is None:
        queues.append(holder.network)
    elif holder.quota(wish.patient_id) is Quota.USER:
        queues.append(holder.actor.user_id)
    return queues


def _counted(wish: BookingWish, holder: Holder, now: datetime) -> dict[str, Any]:
    """Return the values of the statement that counts."""
    of_all = {"slot_id": wish.slot_id, "now": now}
    if holder.actor is None:
        return of_all | {"network": holder.network}
    user = {"user_id": holder.actor.user_id, "own_patient_id": holder.actor.patient_id}
    return of_all | user


def _held(rows: Sequence[Any]) -> HeldSlot | None:
    """Return what the hold keeps; None where the slots that were to be booked are lost to it."""
    kept = sorted(rows, key=lambda row: (row["hold_place"] or len(rows), row["starts_at"]))
    slots = tuple(slot_of(row) for row in kept if row["hold_place"] is not None)
    around = tuple(slot_of(row) for row in kept if row["hold_place"] is None)
    if not slots or slots[0].hold is None:
        return None
    hold, is_abandoned = slots[0].hold, rows[0]["is_abandoned"]
    return HeldSlot(span=Span(slots=slots, around=around), hold=hold, is_abandoned=is_abandoned)
