"""Weekly availability in PostgreSQL: few statements, whatever the number of slots."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.adapters import availability_statements as statements
from booking_system.scheduling.application.availability_ports import (
    AvailabilityWork,
    DoctorCalendar,
)
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.slot_plan import PresentSlot, SlotPlan
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import DoctorId, RuleId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

# Whoever adds slots waits for the doctor's row, so this is a rival that no longer waits there.
REFUSALS = {"ex_time_slots_doctor_never_twice": Transient}
MINUTE = timedelta(minutes=1)
LONGEST_SECONDS = 30
"""A rule with slots of one minute makes a quarter of a million of them."""


class PostgresAvailabilityWork:
    """One such transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Read without a lock."""
        return await self._calendar(statements.DOCTOR, doctor_id)

    async def lock_doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Take the doctor `FOR NO KEY UPDATE`, for which offers of slots wait; share the clinic."""
        await self._connection.execute(f"SET LOCAL statement_timeout = '{LONGEST_SECONDS}s'")
        await self._connection.fetchval(statements.LOCK_DOCTOR, doctor_id)
        return await self._calendar(statements.DOCTOR, doctor_id)

    async def _calendar(self, statement: str, doctor_id: DoctorId) -> DoctorCalendar | None:
        row = await self._connection.fetchrow(statement, doctor_id)
        return None if row is None else DoctorCalendar(**dict(row))

    async def rule(self, rule_id: RuleId) -> AvailabilityRule | None:
        """Read one."""
        row = await self._connection.fetchrow(statements.RULE, rule_id)
        return None if row is None else _rule_of(row)

    async def rules(self, doctor_id: DoctorId) -> Sequence[AvailabilityRule]:
        """Read all."""
        return [_rule_of(row) for row in await self._connection.fetch(statements.RULES, doctor_id)]

    async def page(
        self, doctor_id: DoctorId, *, after: UUID | None, limit: int
    ) -> Sequence[AvailabilityRule]:
        """Read behind the last one seen."""
        rows = await self._connection.fetch(statements.PAGE, doctor_id, after, limit + 1)
        return [_rule_of(row) for row in rows]

    async def add_rule(self, rule: AvailabilityRule) -> None:
        """Insert it."""
        whose = (rule.clinic_id, rule.doctor_id, rule.created_at)
        await self._connection.execute(statements.ADD_RULE, *_values(rule), *whose)

    async def save_rule(
        self, rule: AvailabilityRule, *, deleted_at: datetime | None = None
    ) -> None:
        """Write everything that may change."""
        await self._connection.execute(statements.SAVE_RULE, *_values(rule), deleted_at)

    async def generated(self, rule: AvailabilityRule) -> int:
        """A slot that the rule withdrew forgets it."""
        count: int = await self._connection.fetchval(statements.GENERATED, rule.id, rule.created_at)
        return count

    async def lock_slots(
        self, doctor_id: DoctorId, rule_ids: Sequence[RuleId] | None, *, now: datetime
    ) -> None:
        """One statement; what changed while it waited is read by the next one."""
        await self._connection.fetchval(
            statements.LOCK_SLOTS, doctor_id, rule_ids, now, timeout=LONGEST_SECONDS
        )

    async def present(self, doctor_id: DoctorId, *, now: datetime) -> Sequence[PresentSlot]:
        """One statement, behind the locks."""
        rows = await self._connection.fetch(
            statements.PRESENT, doctor_id, now, timeout=LONGEST_SECONDS
        )
        return [_present_of(row) for row in rows]

    async def carry_out(
        self, planned: SlotPlan, calendar: DoctorCalendar, *, now: datetime
    ) -> None:
        """Withdraw first, so that nothing new overlaps what goes."""
        if planned.withdrawn:
            gone = [slot.id for slot in planned.withdrawn]
            await self._connection.execute(statements.WITHDRAW, gone, now, timeout=LONGEST_SECONDS)
        if planned.left:
            left = [slot.id for slot in planned.left]
            await self._connection.execute(statements.LEAVE, left, timeout=LONGEST_SECONDS)
        if planned.regained:
            await self._connection.execute(
                statements.REGAIN,
                [slot.id for slot, _ in planned.regained],
                [wish.rule_id for _, wish in planned.regained],
                timeout=LONGEST_SECONDS,
            )
        if planned.opened:
            starts = [slot.period.starts_at for slot in planned.opened]
            walls = [wall_clock(at, calendar.time_zone).replace(tzinfo=None) for at in starts]
            await self._connection.execute(
                statements.OPEN,
                calendar.clinic_id,
                calendar.doctor_id,
                now,
                [uuid7() for _ in starts],
                starts,
                [slot.period.ends_at for slot in planned.opened],
                [slot.mode for slot in planned.opened],
                [slot.rule_id for slot in planned.opened],
                walls,
                timeout=LONGEST_SECONDS,
            )

    async def set_clocks(self, calendar: DoctorCalendar, slots: Sequence[PresentSlot]) -> None:
        """One statement; no version changes, because nobody is shown this."""
        if slots:
            starts = [slot.period.starts_at for slot in slots]
            walls = [wall_clock(at, calendar.time_zone).replace(tzinfo=None) for at in starts]
            await self._connection.execute(
                statements.SET_CLOCKS, [slot.id for slot in slots], walls, timeout=LONGEST_SECONDS
            )


class PostgresAvailability:
    """Opens such transactions, and finds the doctors."""

    def __init__(self, database: Database) -> None:
        """`database` need not know the constraints; this adds them."""
        self._database = database.knowing(REFUSALS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AvailabilityWork]:
        """Open one transaction."""
        async with self._database.driver_transaction() as connection:
            yield PostgresAvailabilityWork(connection)

    async def doctors(self) -> Sequence[DoctorId]:
        """Read all who ever had a rule: one that is gone may have left slots behind."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(statements.DOCTORS)
        return [row["doctor_id"] for row in rows]


def _values(rule: AvailabilityRule) -> tuple[object, ...]:
    hours = rule.hours
    return (
        rule.id,
        sorted(hours.weekdays),
        hours.start_minute,
        hours.end_minute,
        hours.slot // MINUTE,
        hours.gap // MINUTE,
        hours.valid_from,
        hours.valid_until,
        hours.mode,
        rule.version,
        rule.updated_at,
    )


def _rule_of(row: Any) -> AvailabilityRule:
    return AvailabilityRule(
        id=row["id"],
        clinic_id=row["clinic_id"],
        doctor_id=row["doctor_id"],
        hours=Hours(
            weekdays=frozenset(row["weekdays"]),
            start_minute=row["start_minute"],
            end_minute=row["end_minute"],
            slot=row["slot_minutes"] * MINUTE,
            gap=row["gap_minutes"] * MINUTE,
            valid_from=row["valid_from"],
            valid_until=row["valid_until"],
            mode=Mode(row["mode"]),
        ),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _present_of(row: Any) -> PresentSlot:
    closed = row["closed_because"]
    return PresentSlot(
        id=row["id"],
        period=Period(row["starts_at"], row["ends_at"]),
        mode=Mode(row["mode"]),
        rule_id=row["rule_id"],
        appointment_id=row["appointment_id"],
        is_held=row["is_held"],
        is_outside=row["is_outside"],
        closed_because=None if closed is None else ClosedBecause(closed),
        is_deleted=row["is_deleted"],
        wall_starts_at=row["wall_starts_at"],
    )
