"""Released time is filled again by the hours in force, in the transaction that releases it.

A slot that no rule wants any more stays for the appointment or the hold that has it, and is closed
to everybody else. When it is released it is withdrawn, and the slots are opened that the rules and
exceptions want there now. A transaction that lets go of slots

1. calls `lock_calendars` before any lock on a slot: the doctor's row comes first;
2. locks the slots and writes;
3. calls `refill_freed` at the end, when nothing of the old appointment keeps time free any more.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import any_, column, func, select

from booking_system.platform.postgres.phrases import INSTANT, an_id, ids, instant, instants
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.domain.availability import horizon_of
from booking_system.scheduling.domain.local_time import whole_days
from booking_system.scheduling.domain.slot_plan import missing
from booking_system.scheduling.records import calendar_work
from booking_system.scheduling.records.calendar import CalendarRecords
from booking_system.scheduling.records.calendar_statements import LOCK_DOCTOR
from booking_system.scheduling.records.slots import clinic_of, may_go
from booking_system.scheduling.records.tables import time_slots
from booking_system.shared_kernel.identifiers import DoctorId
from booking_system.shared_kernel.period import Period

s = time_slots
DOCTOR_ID, NOW, SLOT_IDS = an_id("doctor_id"), instant("now"), ids("slot_ids")

_LEFT_BEHIND = (
    s.c.doctor_id == DOCTOR_ID,
    s.c.deleted_at.is_(None),
    s.c.outside_availability,
    s.c.starts_at > NOW,
    may_go(s, NOW),
)


def _left_over() -> Statement[Any]:
    freed = (
        func.unnest(instants("starts"), instants("ends"))
        .table_valued(column("starts_at", INSTANT), column("ends_at", INSTANT))
        .render_derived("f")
    )
    met = select(freed.c.starts_at).where(
        s.c.starts_at < freed.c.ends_at, s.c.ends_at > freed.c.starts_at
    )
    return Statement(
        select(s.c.id, s.c.starts_at, s.c.ends_at)
        .where(*_LEFT_BEHIND, met.exists())
        .order_by(s.c.id)
        .with_for_update(skip_locked=True)
    )


LEFT_OVER = _left_over()
"""Slots that another transaction has locked are skipped: that transaction refills them itself."""

FREED: Statement[Any] = Statement(
    select(s.c.doctor_id, s.c.starts_at, s.c.ends_at)
    .where(s.c.id == any_(SLOT_IDS), s.c.deleted_at.is_(None), s.c.outside_availability)
    .order_by(s.c.doctor_id, s.c.starts_at)
)

MOST_FORGOTTEN = 100

FORGOTTEN: Statement[Any] = Statement(
    select(s.c.starts_at, s.c.ends_at)
    .where(s.c.clinic_id == clinic_of(DOCTOR_ID), *_LEFT_BEHIND)
    .order_by(s.c.starts_at)
    .limit(MOST_FORGOTTEN)
)
"""Slots outside of the hours whose appointment or hold is over."""


async def calendars_to_refill(
    connection: asyncpg.Connection, slot_ids: Sequence[UUID]
) -> list[DoctorId]:
    """Return, ascending, the doctors of those of these slots that no rule wants. Locks nothing."""
    rows = await FREED.fetch(connection, slot_ids=slot_ids)
    return sorted({row["doctor_id"] for row in rows})


async def lock_calendar(connection: asyncpg.Connection, doctor_id: DoctorId) -> None:
    """Lock the doctor's row: others wait before they add or close slots of this doctor."""
    await LOCK_DOCTOR.fetchval(connection, doctor_id=doctor_id)


async def lock_calendars(
    connection: asyncpg.Connection, slot_ids: Sequence[UUID]
) -> frozenset[DoctorId]:
    """Lock the calendars that releasing these slots would change, usually none; return whose."""
    doctors = await calendars_to_refill(connection, slot_ids)
    for doctor_id in doctors:
        await lock_calendar(connection, doctor_id)
    return frozenset(doctors)


async def refill_freed(
    connection: asyncpg.Connection,
    slot_ids: Sequence[UUID],
    *,
    locked: Collection[DoctorId],
    now: datetime,
) -> None:
    """Refill, after their release, the time of those of the slots that no rule wants any more.

    A doctor whose hours changed after `lock_calendars` is not locked: that calendar is refilled in
    the background, at once.
    """
    freed: dict[DoctorId, list[Period]] = {}
    for row in await FREED.fetch(connection, slot_ids=slot_ids):
        freed.setdefault(row["doctor_id"], []).append(Period(row["starts_at"], row["ends_at"]))
    for doctor_id, periods in freed.items():
        if doctor_id in locked:
            await refill(connection, doctor_id, periods, now=now)
        else:
            await calendar_work.ask_doctor(connection, doctor_id, due_at=now, planned_until=None)


async def refill(
    connection: asyncpg.Connection,
    doctor_id: DoctorId,
    periods: Sequence[Period],
    *,
    now: datetime,
) -> None:
    """Withdraw the free slots outside of the hours in these periods, and open what their days lack.

    The caller has locked the calendar. The slots to withdraw are locked here, except those that
    another transaction has.
    """
    records = CalendarRecords(connection)
    calendar = await records.doctor(doctor_id)
    if calendar is None:
        return
    starts, ends = [one.starts_at for one in periods], [one.ends_at for one in periods]
    left = await LEFT_OVER.fetch(connection, doctor_id=doctor_id, now=now, starts=starts, ends=ends)
    await records.withdraw([row["id"] for row in left], now=now)
    changed = [Period(row["starts_at"], row["ends_at"]) for row in left]
    horizon = horizon_of(now, calendar.horizon_days)
    table = await records.timetable(calendar, now=now)
    for days in whole_days(periods, calendar.time_zone):
        begins, over = max(days.starts_at, now), min(days.ends_at, horizon.ends_at)
        wished = table.wishes(Period(begins, over)) if begins < over else []
        if wished:
            reach = Period(begins, max(over, wished[-1].period.ends_at))
            present = await records.present(calendar, reach, now=now)
            lacking = missing(present, wished)
            await records.open(lacking, calendar, now=now)
            changed += [wish.period for wish in lacking]
    await records.tell(calendar, changed, now=now)


async def refill_left_over(
    connection: asyncpg.Connection, doctor_id: DoctorId, *, now: datetime
) -> bool:
    """Refill the time of slots outside of the hours that are free by now, as where a hold ended.

    Say whether that was all. The calendar is locked.
    """
    rows = await FORGOTTEN.fetch(connection, doctor_id=doctor_id, now=now)
    if rows:
        periods = [Period(row["starts_at"], row["ends_at"]) for row in rows]
        await refill(connection, doctor_id, periods, now=now)
    return len(rows) < MOST_FORGOTTEN
