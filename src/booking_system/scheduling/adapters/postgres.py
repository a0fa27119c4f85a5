"""Time slots in PostgreSQL: what changes them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import and_, case, column, func, select, update

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.outbox import RECORD, events_text
from booking_system.platform.postgres.phrases import (
    INSTANT,
    a_number,
    a_text,
    an_id,
    instant,
    instants,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.application.ports import ClinicOfDoctor, Slots
from booking_system.scheduling.domain.events import SlotEvent
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.refusals import SlotOverlap
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.scheduling.records.away import is_away
from booking_system.scheduling.records.new_slots import OFFER, NewSlots
from booking_system.scheduling.records.refilling import lock_calendar, refill
from booking_system.scheduling.records.slots import (
    OUTSIDE,
    reason_of,
    slot_columns,
    slot_meets,
    slot_of,
)
from booking_system.scheduling.records.tables import time_slots
from booking_system.shared_kernel.identifiers import DoctorId, SlotId
from booking_system.shared_kernel.period import Period

REFUSALS = {"ex_time_slots_doctor_never_twice": SlotOverlap}

DOCTOR_ID, SLOT_ID = an_id("doctor_id"), an_id("slot_id")


def _clinic_of() -> Statement[Any]:
    d, c = doctors.alias("d"), clinics.alias("c")
    return Statement(
        select(d.c.clinic_id, c.c.time_zone)
        .select_from(d.join(c, c.c.id == d.c.clinic_id))
        .where(d.c.id == DOCTOR_ID, d.c.deleted_at.is_(None), c.c.deleted_at.is_(None))
        .with_for_update(read=True)
    )


CLINIC_OF = _clinic_of()


def _clash() -> Statement[Any]:
    s = time_slots.alias("s")
    n = (
        func.unnest(instants("starts"), instants("ends"))
        .table_valued(
            column("starts_at", INSTANT), column("ends_at", INSTANT), with_ordinality="place"
        )
        .render_derived("n")
    )
    met = select(s.c.id).where(
        s.c.doctor_id == DOCTOR_ID,
        s.c.deleted_at.is_(None),
        slot_meets(s, n.c.starts_at, n.c.ends_at),
    )
    return Statement(select(func.min(n.c.place)).select_from(n).where(met.exists()))


CLASH = _clash()

_LIVE = (time_slots.c.id == SLOT_ID, time_slots.c.deleted_at.is_(None))

WHOSE: Statement[Any] = Statement(select(time_slots.c.doctor_id).where(*_LIVE))

LOCK: Statement[Any] = Statement(select(*slot_columns(time_slots)).where(*_LIVE).with_for_update())

IS_AWAY: Statement[Any] = Statement(
    select(is_away(an_id("clinic_id"), DOCTOR_ID, instant("starts_at"), instant("ends_at")))
)


def _save() -> Statement[Any]:
    because = a_text("closed_because")
    is_opened = and_(because.is_(None), time_slots.c.outside_availability)
    kept = case((is_opened, OUTSIDE), else_=because)
    return Statement(
        update(time_slots)
        .values(version=a_number("version"), closed_because=kept)
        .where(time_slots.c.id == SLOT_ID)
    )


SAVE = _save()
"""A hand does not open what no rule wants."""

DELETE: Statement[Any] = Statement(
    update(time_slots)
    .values(
        deleted_at=instant("deleted_at"),
        version=a_number("version"),
        rule_id=case((time_slots.c.outside_availability, None), else_=time_slots.c.rule_id),
    )
    .where(time_slots.c.id == SLOT_ID)
)
"""A slot that no rule wants is not remembered: its time is the rules' again."""


def _as_stored(slot: TimeSlot, row: Any) -> TimeSlot:
    return replace(slot, closed_because=reason_of(row), is_blocked=row["is_blocked"])


class PostgresSlots:
    """The time slots inside one transaction of the driver."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicOfDoctor | None:
        """Share-lock the doctor and the clinic: a removal waits, other offers do not."""
        row = await CLINIC_OF.fetchrow(self._connection, doctor_id=doctor_id)
        return None if row is None else ClinicOfDoctor(row["clinic_id"], row["time_zone"])

    async def clash(self, doctor_id: DoctorId, periods: Sequence[Period]) -> int | None:
        """Return the place of the first overlap, counted from zero."""
        starts, ends = [p.starts_at for p in periods], [p.ends_at for p in periods]
        place: int | None = await CLASH.fetchval(
            self._connection, doctor_id=doctor_id, starts=starts, ends=ends
        )
        return None if place is None else place - 1

    async def add(
        self, slots: Sequence[TimeSlot], *, time_zone: str, now: datetime
    ) -> list[TimeSlot]:
        """Insert them in one statement, which says what it stored; they are all of one doctor."""
        starts = [slot.period.starts_at for slot in slots]
        new = NewSlots(
            clinic_id=slots[0].clinic_id,
            doctor_id=slots[0].doctor_id,
            now=now,
            ids=[slot.id for slot in slots],
            starts=starts,
            ends=[slot.period.ends_at for slot in slots],
            modes=[slot.mode for slot in slots],
            rule_ids=[None for _ in slots],
            walls=[wall_clock(at, time_zone).replace(tzinfo=None) for at in starts],
        )
        stored = {row["id"]: row for row in await OFFER.fetch(self._connection, new)}
        return [_as_stored(slot, stored[slot.id]) for slot in slots]

    async def lock_calendar_of(self, slot_id: SlotId) -> None:
        """Take the doctor's row, for which everybody waits who adds slots."""
        doctor_id = await WHOSE.fetchval(self._connection, slot_id=slot_id)
        if doctor_id is not None:
            await lock_calendar(self._connection, doctor_id)

    async def record(self, event: SlotEvent) -> None:
        """One statement."""
        await RECORD.execute(self._connection, events=events_text([event]))

    async def refill(self, slot: TimeSlot, *, now: datetime) -> None:
        """Open what the hours want there."""
        await refill(self._connection, slot.doctor_id, [slot.period], now=now)

    async def lock(self, slot_id: SlotId) -> TimeSlot | None:
        """Take the row `FOR UPDATE`."""
        row = await LOCK.fetchrow(self._connection, slot_id=slot_id)
        return None if row is None else slot_of(row)

    async def is_away(self, slot: TimeSlot) -> bool:
        """Read behind the lock on the doctor, for which absences wait."""
        away: bool = await IS_AWAY.fetchval(
            self._connection,
            clinic_id=slot.clinic_id,
            doctor_id=slot.doctor_id,
            starts_at=slot.period.starts_at,
            ends_at=slot.period.ends_at,
        )
        return away

    async def save(self, slot: TimeSlot) -> None:
        """Store whether it is closed, and the version."""
        await SAVE.execute(
            self._connection,
            slot_id=slot.id,
            closed_because=slot.closed_because,
            version=slot.version,
        )

    async def delete(self, slot: TimeSlot, *, now: datetime) -> None:
        """Mark it deleted."""
        await DELETE.execute(
            self._connection, slot_id=slot.id, deleted_at=now, version=slot.version
        )


class PostgresScheduling:
    """Opens scheduling's transactions."""

    def __init__(self, database: Database) -> None:
        """`database` need not know scheduling's constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Slots]:
        """Open one transaction."""
        async with self._database.driver_transaction() as connection:
            yield PostgresSlots(connection)
