"""Holds in PostgreSQL: columns of the slot's row, so that one lock decides over all of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.adapters import attempting, statements
from booking_system.booking.adapters.rows import Asked, slot_of
from booking_system.booking.adapters.span_statements import IN_ORDER
from booking_system.booking.application.ports import BookingWish, HoldWork
from booking_system.booking.domain.attempt import BookingAttempt, HoldFacts
from booking_system.booking.domain.holding import (
    HeldSlot,
    Holder,
    Quota,
)
from booking_system.booking.domain.span import Span
from booking_system.identity.domain.actor import Actor
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import payload_text
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked
from booking_system.scheduling.records.holds import LET_GO
from booking_system.scheduling.records.refilling import lock_calendar, refill_freed
from booking_system.shared_kernel.identifiers import AppointmentId, DoctorId, HoldId

REFUSALS: Refusals = {"ck_time_slots_booked_is_not_held": SlotAlreadyBooked}

QUEUE = "SELECT pg_advisory_xact_lock($1, $2)"
HOLDERS = 7211
"""The first key of the locks on holders, so that they meet no others."""

OTHERS_HELD = """SELECT count(DISTINCT hold_id) FROM time_slots
 WHERE {whose} AND hold_id IS NOT NULL AND held_until > $2
 AND hold_id IS DISTINCT FROM (SELECT hold_id FROM time_slots WHERE id = $3)"""
COUNTS = {
    Quota.PATIENT: OTHERS_HELD.format(whose="held_by = $1 AND held_for = $4"),
    Quota.USER: OTHERS_HELD.format(
        whose="held_by = $1 AND (held_for IS NULL OR held_for IS DISTINCT FROM $4)"
    ),
    Quota.NETWORK: OTHERS_HELD.format(whose="hold_network = $1"),
}
"""Of a user, $4 says which patient they are themselves."""

HELD = f"""SELECT {statements.SLOT}, s.held_by IS NOT NULL
  AND NOT EXISTS (SELECT FROM role_grants g WHERE g.user_id = s.held_by
   AND g.clinic_id = s.clinic_id)
  AND NOT EXISTS (SELECT FROM patients p WHERE p.id = s.held_for AND p.user_id = s.held_by)
  AS is_abandoned
 FROM time_slots s WHERE s.hold_id = $1"""  # noqa: S608
"""Where neither a member of the clinic's staff nor the patient made it, its maker has left."""

LOCK = f"{HELD}{IN_ORDER}"

CALENDARS_OF = """SELECT DISTINCT doctor_id FROM time_slots
 WHERE hold_id = $1 AND outside_availability"""

TOLD = """told AS (INSERT INTO outbox (id, name, payload, occurred_at)
  VALUES ($2, $3, $4::text::jsonb, $5))"""

BLOCKS = "CASE WHEN $14::timestamptz IS NOT NULL THEN tstzrange($14, $15) END"

PLACE = f"""WITH {TOLD}
 UPDATE time_slots SET version = version + 1, hold_id = $6, held_until = $7, hold_minutes = $8,
  hold_extended = $9, held_for = $10, held_by = $11, hold_network = $12,
  hold_place = array_position($13::uuid[], id), hold_blocks = {BLOCKS},
  hold_service_id = $16, hold_duration_minutes = $17, hold_price_amount = $18,
  hold_price_currency = $19, hold_payment = $20
 WHERE id = ANY($1) AND ($21::uuid IS NULL OR appointment_id IS DISTINCT FROM $21)"""  # noqa: S608
"""Those that are only kept clear have no place: they are not booked when the others are."""

RELEASE = f"""WITH {TOLD}
 UPDATE time_slots SET version = version + 1, {LET_GO} WHERE hold_id = $1"""  # noqa: S608


OLD_HOLDS = Chore(
    "holds",
    f"""UPDATE time_slots SET {LET_GO} WHERE id IN (
  SELECT id FROM time_slots WHERE hold_id IS NOT NULL AND held_until < now() - interval '1 hour'
  LIMIT $1 FOR UPDATE SKIP LOCKED)""",  # noqa: S608
)
"""What is over has no effect any more; who looks for it a little late is still told so."""


async def queue_as(connection: asyncpg.Connection, whose: UUID | bytes) -> None:
    """Wait until nobody else holds anything for this patient, or as this user or network.

    A holder in two queues waits for the patient first. The queue is left with the transaction.
    """
    place = int.from_bytes(blake2b(_bytes(whose), digest_size=4).digest(), signed=True)
    await connection.execute(QUEUE, HOLDERS, place)


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
        asked = Asked(wish, holder.actor, now, costs_nothing=True)
        asked = await attempting.asked_of(self._connection, asked)
        reading = await attempting.locked(self._connection, asked)
        self._ending = reading.ending
        others = await self._connection.fetchval(COUNTS[quota], *_counted(wish, holder, now))
        holding = HoldFacts(open_holds=others, most_holds=quota.most)
        return replace(reading.attempt, holding=holding)

    async def lock(self, hold_id: HoldId) -> HeldSlot | None:
        """Take the slots' rows `FOR UPDATE`; after a wait they are read as they are now.

        A calendar whose hours take over what the hold may give back is locked before them.
        """
        doctors = [row["doctor_id"] for row in await self._connection.fetch(CALENDARS_OF, hold_id)]
        for doctor_id in doctors:
            await lock_calendar(self._connection, doctor_id)
        self._calendars = frozenset(doctors)
        return _held(await self._connection.fetch(LOCK, hold_id))

    async def place(self, held: HeldSlot, *, now: datetime) -> None:
        """Write hold and event in one statement, when the holds that it takes slots of are over."""
        hold, event = held.hold, held.held(now=now)
        if self._ending:
            await self._connection.execute(statements.END_HOLDS, self._ending, now)
        blocks, terms = hold.blocks, hold.terms
        price = None if terms is None else terms.price
        await self._connection.execute(
            PLACE,
            [slot.id for slot in held.span.touched],
            uuid7(),
            event.name,
            payload_text(event),
            now,
            hold.id,
            hold.until,
            hold.length // timedelta(minutes=1),
            hold.is_extended,
            hold.patient_id,
            hold.user_id,
            hold.network,
            held.span.slot_ids,
            None if blocks is None else blocks.starts_at,
            None if blocks is None else blocks.ends_at,
            None if terms is None else terms.service_id,
            None if terms is None else terms.duration // timedelta(minutes=1),
            None if price is None else price.amount,
            None if price is None else price.currency,
            None if terms is None else terms.payment,
            self._moves,
        )

    async def release(self, held: HeldSlot, *, now: datetime) -> None:
        """Empty the columns and write the event in one statement."""
        event = held.released(now=now)
        await self._connection.execute(
            RELEASE, held.hold.id, uuid7(), event.name, payload_text(event), now
        )
        slot_ids = [slot.id for slot in held.span.touched]
        await refill_freed(self._connection, slot_ids, locked=self._calendars, now=now)


class PostgresHolds:
    """Opens such transactions, and reads."""

    def __init__(self, database: Database) -> None:
        """`database` need not know the constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[HoldWork]:
        """Open one transaction."""
        async with self._database.driver_transaction() as connection:
            yield PostgresHoldWork(connection)

    async def show(self, hold_id: HoldId) -> HeldSlot | None:
        """Read one."""
        async with self._database.reading() as connection:
            return _held(await connection.fetch(HELD, hold_id))

    async def attempt(
        self, wish: BookingWish, *, actor: Actor | None, now: datetime
    ) -> BookingAttempt:
        """Read the facts without a lock."""
        async with self._database.reading() as connection:
            asked = Asked(wish, actor, now, costs_nothing=True)
            asked = await attempting.asked_of(connection, asked)
            return await attempting.seen(connection, asked)


def _queues_of(wish: BookingWish, holder: Holder) -> list[UUID | bytes]:
    """Return where to queue: those who hold for one patient meet, and merges of records."""
    queues: list[UUID | bytes] = [] if wish.patient_id is None else [wish.patient_id]
    if holder.actor is None:
        queues.append(holder.network)
    elif holder.quota(wish.patient_id) is Quota.USER:
        queues.append(holder.actor.user_id)
    return queues


def _counted(wish: BookingWish, holder: Holder, now: datetime) -> list[object]:
    """Return the values of the statement that counts."""
    if holder.actor is None:
        return [holder.network, now, wish.slot_id]
    return [holder.actor.user_id, now, wish.slot_id, holder.actor.patient_id]


def _bytes(whose: Any) -> bytes:
    return whose if isinstance(whose, bytes) else bytes(whose.bytes)


def _held(rows: Sequence[Any]) -> HeldSlot | None:
    """Return what the hold keeps; None where the slots that were to be booked are lost to it."""
    kept = sorted(rows, key=lambda row: (row["hold_place"] or len(rows), row["starts_at"]))
    slots = tuple(slot_of(row) for row in kept if row["hold_place"] is not None)
    around = tuple(slot_of(row) for row in kept if row["hold_place"] is None)
    if not slots or slots[0].hold is None:
        return None
    hold, is_abandoned = slots[0].hold, rows[0]["is_abandoned"]
    return HeldSlot(span=Span(slots=slots, around=around), hold=hold, is_abandoned=is_abandoned)
