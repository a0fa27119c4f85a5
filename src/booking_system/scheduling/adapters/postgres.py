"""Time slots in PostgreSQL: what changes them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.application.ports import ClinicOfDoctor, Slots
from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.refusals import SlotOverlap
from booking_system.scheduling.domain.time_slot import ClosedBecause, TimeSlot
from booking_system.scheduling.records.calendar_statements import OFFER
from booking_system.scheduling.records.refilling import lock_calendar, refill
from booking_system.shared_kernel.identifiers import DoctorId, SlotId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

REFUSALS = {"ex_time_slots_doctor_never_twice": SlotOverlap}

SLOT_COLUMNS = """s.id, s.clinic_id, s.doctor_id, s.starts_at, s.ends_at, s.mode, s.closed_because,
 s.appointment_id, s.version, s.hold_id, s.held_until, s.hold_minutes, s.hold_extended, s.held_for,
 s.held_by, s.hold_network, s.blocked_by, s.outside_availability"""

CLINIC_OF = """SELECT d.clinic_id, c.time_zone FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 AND d.deleted_at IS NULL AND c.deleted_at IS NULL FOR SHARE"""

CLASH = """SELECT min(n.place) FROM unnest($2::timestamptz[], $3::timestamptz[])
 WITH ORDINALITY AS n(starts_at, ends_at, place)
 WHERE EXISTS (SELECT FROM time_slots s WHERE s.doctor_id = $1 AND s.deleted_at IS NULL
  AND s.starts_at < n.ends_at AND s.ends_at > n.starts_at
  AND s.starts_at > n.starts_at - interval '24 hours')"""

WHOSE = "SELECT doctor_id FROM time_slots WHERE id = $1 AND deleted_at IS NULL"

LOCK = f"""SELECT {SLOT_COLUMNS} FROM time_slots s
 WHERE s.id = $1 AND s.deleted_at IS NULL FOR UPDATE"""  # noqa: S608

AWAY = """SELECT EXISTS (SELECT FROM time_off WHERE doctor_id = $1 AND deleted_at IS NULL
  AND starts_at < $4 AND ends_at > $3)
 OR EXISTS (SELECT FROM closures WHERE clinic_id = $2 AND deleted_at IS NULL
  AND starts_at < $4 AND ends_at > $3)"""

SAVE = """UPDATE time_slots SET version = $3, closed_because = CASE
  WHEN $2::text IS NULL AND outside_availability THEN 'outside_availability' ELSE $2::text END
 WHERE id = $1"""
"""A hand does not open what no rule wants."""

DELETE = """UPDATE time_slots SET deleted_at = $2, version = $3,
  rule_id = CASE WHEN outside_availability THEN NULL ELSE rule_id END WHERE id = $1"""
"""A slot that no rule wants is not remembered: its time is the rules' again."""


def hold_of(row: Any) -> Hold | None:
    """Make the hold of a row with the columns of one; None where there is none."""
    if row["hold_id"] is None:
        return None
    return Hold(
        id=row["hold_id"],
        until=row["held_until"],
        length=timedelta(minutes=row["hold_minutes"]),
        is_extended=row["hold_extended"],
        patient_id=row["held_for"],
        user_id=row["held_by"],
        network=row["hold_network"],
    )


def slot_of(row: Any) -> TimeSlot:
    """Make a slot of a row with `SLOT_COLUMNS`."""
    closed = row["closed_because"]
    return TimeSlot(
        id=row["id"],
        clinic_id=row["clinic_id"],
        doctor_id=row["doctor_id"],
        period=Period(row["starts_at"], row["ends_at"]),
        mode=Mode(row["mode"]),
        appointment_id=row["appointment_id"],
        closed_because=None if closed is None else ClosedBecause(closed),
        is_blocked=row["blocked_by"] is not None,
        is_outside=row["outside_availability"],
        hold=hold_of(row),
        version=row["version"],
    )


def _as_stored(slot: TimeSlot, row: Any) -> TimeSlot:
    closed = row["closed_because"]
    return replace(
        slot,
        closed_because=None if closed is None else ClosedBecause(closed),
        is_blocked=row["is_blocked"],
    )


class PostgresSlots:
    """The time slots inside one transaction of the driver."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicOfDoctor | None:
        """Share-lock the doctor and the clinic: a removal waits, other offers do not."""
        row = await self._connection.fetchrow(CLINIC_OF, doctor_id)
        return None if row is None else ClinicOfDoctor(row["clinic_id"], row["time_zone"])

    async def clash(self, doctor_id: DoctorId, periods: Sequence[Period]) -> int | None:
        """Return the place of the first overlap, counted from zero."""
        starts, ends = [p.starts_at for p in periods], [p.ends_at for p in periods]
        place: int | None = await self._connection.fetchval(CLASH, doctor_id, starts, ends)
        return None if place is None else place - 1

    async def add(
        self, slots: Sequence[TimeSlot], *, time_zone: str, now: datetime
    ) -> list[TimeSlot]:
        """Insert them in one statement, which says what it stored; they are all of one doctor."""
        rows = await self._connection.fetch(
            OFFER,
            slots[0].clinic_id,
            slots[0].doctor_id,
            now,
            [slot.id for slot in slots],
            [slot.period.starts_at for slot in slots],
            [slot.period.ends_at for slot in slots],
            [slot.mode for slot in slots],
            [None for _ in slots],
            [wall_clock(slot.period.starts_at, time_zone).replace(tzinfo=None) for slot in slots],
        )
        stored = {row["id"]: row for row in rows}
        return [_as_stored(slot, stored[slot.id]) for slot in slots]

    async def lock_calendar_of(self, slot_id: SlotId) -> None:
        """Take the doctor's row, for which everybody waits who adds slots."""
        doctor_id = await self._connection.fetchval(WHOSE, slot_id)
        if doctor_id is not None:
            await lock_calendar(self._connection, doctor_id)

    async def refill(self, slot: TimeSlot, *, now: datetime) -> None:
        """Open what the hours want there."""
        await refill(self._connection, slot.doctor_id, [slot.period], now=now)

    async def lock(self, slot_id: SlotId) -> TimeSlot | None:
        """Take the row `FOR UPDATE`."""
        row = await self._connection.fetchrow(LOCK, slot_id)
        return None if row is None else slot_of(row)

    async def is_away(self, slot: TimeSlot) -> bool:
        """Read behind the lock on the doctor, for which absences wait."""
        whose, during = (slot.doctor_id, slot.clinic_id), slot.period
        away: bool = await self._connection.fetchval(AWAY, *whose, during.starts_at, during.ends_at)
        return away

    async def save(self, slot: TimeSlot) -> None:
        """Store whether it is closed, and the version."""
        await self._connection.execute(SAVE, slot.id, slot.closed_because, slot.version)

    async def delete(self, slot: TimeSlot, *, now: datetime) -> None:
        """Mark it deleted."""
        await self._connection.execute(DELETE, slot.id, now, slot.version)


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
