"""What money does to an appointment in PostgreSQL, and what is read for it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, any_, bindparam, case, exists, func, select

from booking_system.booking.adapters.marking import ITS_SLOTS
from booking_system.booking.adapters.postgres import REFUSALS, PostgresBookingWork
from booking_system.booking.application.payment_ports import PaymentWork
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.history import Action
from booking_system.booking.domain.money_first import MoneyTerms
from booking_system.booking.records import change_statements, span_changes
from booking_system.booking.records.cards import MINUTE
from booking_system.booking.records.change_statements import Paying
from booking_system.booking.records.settling import change_of
from booking_system.booking.records.tables import appointment_history, appointments
from booking_system.platform.postgres.phrases import (
    a_number,
    an_id,
    during,
    how_many,
    ids,
    instant,
    meets,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotHeld,
    SlotInPast,
    SlotUnavailable,
)
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.scheduling.records.claims import (
    given_to,
    is_near,
    kept_for_an_appointment,
)
from booking_system.scheduling.records.ended_holds import END_HOLDS
from booking_system.scheduling.records.slots import slot_of
from booking_system.scheduling.records.tables import time_slots
from booking_system.shared_kernel.identifiers import AppointmentId


class Rivals(NamedTuple):
    """Whose time is looked at, when, and by which appointment. UTC."""

    doctor_id: UUID
    appointment_id: UUID
    since: datetime
    until: datetime
    now: datetime


def _rival_hold() -> Statement[Rivals]:
    slot = time_slots.alias("s")
    kept = func.coalesce(slot.c.hold_blocks, during(slot.c.starts_at, slot.c.ends_at))
    return Statement(
        select(
            exists().where(
                slot.c.doctor_id == an_id("doctor_id"),
                slot.c.hold_id.is_not(None),
                slot.c.hold_id != an_id("appointment_id"),
                slot.c.held_until > instant("now"),
                meets(kept, during(instant("since"), instant("until"))),
            )
        ),
        Rivals,
    )


RIVAL_HOLD = _rival_hold()
"""Whether somebody else keeps some of the time by a hold in force, in a slot of it or beside it."""

TAKE = Statement(given_to(an_id("appointment_id")).where(time_slots.c.id == any_(ids("slot_ids"))))


OVERDUE = Statement(
    select(appointments.c.id)
    .where(appointments.c.pay_by <= instant("now"))
    .order_by(appointments.c.pay_by)
    .limit(how_many("most"))
)

TERMS = Statement(
    select(
        appointments.c.late_cancel_minutes,
        appointments.c.late_cancel_percent,
        appointments.c.no_show_percent,
    ).where(appointments.c.id == an_id("appointment_id"))
)


CANCELLED_AT = Statement(
    select(func.max(appointment_history.c.occurred_at)).where(
        appointment_history.c.appointment_id == an_id("appointment_id"),
        appointment_history.c.action == Action.CANCELLED.value,
    )
)


class Keeping(NamedTuple):
    """A hold for an appointment whose time it keeps until an instant. UTC."""

    appointment_id: UUID
    slot_ids: Sequence[UUID]
    until: datetime
    minutes: int
    is_spread: bool


def _keep() -> Statement[Keeping]:
    a, it = appointments.alias("a"), an_id("appointment_id")
    hold = kept_for_an_appointment(
        it,
        until=instant("until"),
        minutes=a_number("minutes"),
        slot_ids=ids("slot_ids"),
        time=case(
            (bindparam("is_spread", type_=Boolean()), during(a.c.blocked_from, a.c.blocked_until))
        ),
    )
    return Statement(hold.where(a.c.id == it, is_near(time_slots, a)), Keeping)


KEEP = _keep()
"""Its slots, and all that lie in the time around them."""


class PostgresPaymentWork(PostgresBookingWork):
    """One such transaction on the driver's own connection."""

    async def terms(self, appointment_id: AppointmentId) -> MoneyTerms | None:
        """Read them from the appointment's row."""
        row = await TERMS.fetchrow(self._connection, appointment_id=appointment_id)
        if row is None or row["late_cancel_minutes"] is None:
            return None
        return MoneyTerms(
            late_cancel=row["late_cancel_minutes"] * MINUTE,
            late_cancel_percent=row["late_cancel_percent"],
            no_show_percent=row["no_show_percent"],
        )

    async def confirm_paid(self, appointment: Appointment, *, was_due: datetime | None) -> None:
        """Own the slots behind their locks; the constraints have the last word."""
        now = appointment.updated_at
        rows = await ITS_SLOTS.fetch(self._connection, slot_ids=appointment.time_slot_ids)
        slots = [slot_of(row, appointment.id) for row in rows]
        is_kept = was_due is not None and now < was_due and _are_kept(slots, appointment)
        if not is_kept:
            await self._check_free(slots, appointment, now)
        whose = {"appointment_id": appointment.id}
        await END_HOLDS.execute(self._connection, hold_ids=[appointment.id], now=now)
        await TAKE.execute(self._connection, slot_ids=appointment.time_slot_ids, **whose)
        await self.note(appointment)
        if appointment.reaches_further:
            await span_changes.BLOCK.execute(self._connection, **whose)

    async def keep(self, appointment: Appointment, *, until: datetime, now: datetime) -> None:
        """Move its hold on, or make it anew."""
        rows = await ITS_SLOTS.fetch(self._connection, slot_ids=appointment.time_slot_ids)
        slots = [slot_of(row, appointment.id) for row in rows]
        pay_by = appointment.pay_by
        if pay_by is None or now >= pay_by or not _are_kept(slots, appointment):
            await self._check_free(slots, appointment, now)
        keeping = Keeping(
            appointment_id=appointment.id,
            slot_ids=appointment.time_slot_ids,
            until=until if pay_by is None else max(until, pay_by),
            minutes=max(1, (until - now) // MINUTE),
            is_spread=appointment.reaches_further,
        )
        await KEEP.execute(self._connection, keeping)
        if appointment.wait_until(until, now=now):
            await self.note(appointment)

    async def cancelled_at(self, appointment_id: AppointmentId) -> datetime | None:
        """Read it from the history."""
        found: datetime | None = await CANCELLED_AT.fetchval(
            self._connection, appointment_id=appointment_id
        )
        return found

    async def _check_free(
        self, slots: Sequence[TimeSlot], appointment: Appointment, now: datetime
    ) -> None:
        if now >= appointment.period.starts_at:
            raise SlotInPast
        is_whole = len(slots) == len(appointment.time_slot_ids)
        if not is_whole or any(slot.closed_because is not None for slot in slots):
            raise SlotUnavailable
        if any(slot.appointment_id is not None or slot.is_blocked for slot in slots):
            raise SlotAlreadyBooked
        rivals = Rivals(
            doctor_id=appointment.doctor_id,
            appointment_id=appointment.id,
            since=appointment.blocked.starts_at,
            until=appointment.blocked.ends_at,
            now=now,
        )
        if await RIVAL_HOLD.fetchval(self._connection, rivals):
            raise SlotHeld

    async def expire(self, appointment: Appointment) -> None:
        """Let its hold go, where it still has one."""
        now = appointment.updated_at
        await END_HOLDS.execute(self._connection, hold_ids=[appointment.id], now=now)
        await self.note(appointment)

    async def note(self, appointment: Appointment) -> None:
        """Write what money changed, its entry and its events in one statement."""
        await change_statements.PAY.execute(
            self._connection,
            Paying(
                change=change_of(appointment),
                status=appointment.status,
                payment_status=appointment.payment_status,
                pay_by=appointment.pay_by,
                released_at=appointment.released_at,
            ),
        )


def _are_kept(slots: Sequence[TimeSlot], appointment: Appointment) -> bool:
    """Say whether its hold is on all of its slots still."""
    ours = [slot for slot in slots if slot.hold is not None and slot.hold.id == appointment.id]
    return len(ours) == len(appointment.time_slot_ids)


class PostgresPaying:
    """Opens such transactions, and finds what is overdue."""

    def __init__(self, database: Database) -> None:
        """`database` need not know booking's constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    def transaction(self) -> AbstractAsyncContextManager[PaymentWork]:
        """Open one transaction, or a part of the whole that the caller is in."""
        return self._database.working(PostgresPaymentWork)

    async def overdue(self, *, now: datetime, most: int) -> Sequence[AppointmentId]:
        """Read them by an index that has none but those that wait."""
        async with self._database.reading() as connection:
            rows = await OVERDUE.fetch(connection, now=now, most=most)
        return [row["id"] for row in rows]
