"""A doctor's calendar in PostgreSQL: reads what is wanted and what there is, and writes plans."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.application.availability_ports import DoctorCalendar
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.overview import local_day
from booking_system.scheduling.domain.slot_plan import PresentSlot, SlotPlan, WishedSlot
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.scheduling.domain.timetable import AvailabilityException, Timetable
from booking_system.scheduling.records import calendar_statements as statements
from booking_system.scheduling.records import calendar_work
from booking_system.shared_kernel.identifiers import DoctorId, RuleId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
LONGEST_SECONDS = 30
"""One statement of these may change 40,000 slots."""
OCCUPIED_AT_ONCE = 50


class CalendarRecords:
    """One transaction over calendars on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Read without a lock."""
        row = await self._connection.fetchrow(statements.DOCTOR, doctor_id)
        return None if row is None else DoctorCalendar(**dict(row))

    async def lock_doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Take the doctor `FOR NO KEY UPDATE`, for which offers of slots wait; share the clinic."""
        await self._connection.execute(f"SET LOCAL statement_timeout = '{LONGEST_SECONDS}s'")
        await self._connection.fetchval(statements.LOCK_DOCTOR, doctor_id)
        return await self.doctor(doctor_id)

    async def timetable(self, calendar: DoctorCalendar, *, now: datetime) -> Timetable:
        """Read in two statements; a day more than needed, for any zone."""
        since = local_day(now, calendar.time_zone) - DAY
        doctor_id = calendar.doctor_id
        rules = await self._connection.fetch(statements.RULES, doctor_id, since)
        exceptions = await self._connection.fetch(statements.EXCEPTIONS, doctor_id, since)
        return Timetable(
            time_zone=calendar.time_zone,
            rules=[rule_of(row) for row in rules],
            exceptions=[exception_of(row) for row in exceptions],
        )

    async def lock_slots(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        until: datetime | None,
        rule_ids: Collection[RuleId] | None,
    ) -> None:
        """One statement; what changed while it waited is read by the next one."""
        values = (calendar.doctor_id, since, until, list(rule_ids or ()))
        await self._connection.fetchval(statements.LOCK_SLOTS, *values, timeout=LONGEST_SECONDS)

    async def present(
        self, calendar: DoctorCalendar, period: Period, *, now: datetime
    ) -> Sequence[PresentSlot]:
        """One statement, behind the locks."""
        bounds = (period.starts_at, period.ends_at)
        rows = await self._connection.fetch(statements.PRESENT, calendar.doctor_id, now, *bounds)
        return [_present_of(row) for row in rows]

    async def occupied(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        after: PresentSlot | None,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> Sequence[PresentSlot]:
        """Read by keyset: no two slots of a doctor begin at one time."""
        rows = await self._connection.fetch(
            statements.OCCUPIED,
            calendar.doctor_id,
            now,
            since,
            None if after is None else after.period.starts_at,
            None if rule_ids is None else list(rule_ids),
            OCCUPIED_AT_ONCE,
            timeout=LONGEST_SECONDS,
        )
        return [_present_of(row) for row in rows]

    async def withdraw_free(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> int:
        """One statement for all of them."""
        return await self._free(statements.WITHDRAW_FREE, calendar, since, rule_ids, now)

    async def count_free(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> int:
        """Count by the same condition."""
        return await self._free(statements.COUNT_FREE, calendar, since, rule_ids, now)

    async def _free(
        self,
        statement: str,
        calendar: DoctorCalendar,
        since: datetime,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> int:
        whose = None if rule_ids is None else list(rule_ids)
        values = (calendar.doctor_id, now, since, whose)
        count: int = await self._connection.fetchval(statement, *values, timeout=LONGEST_SECONDS)
        return count

    async def carry_out(
        self, planned: SlotPlan, calendar: DoctorCalendar, *, now: datetime
    ) -> None:
        """Withdraw first, so that nothing new overlaps what goes."""
        if planned.withdrawn:
            await self.withdraw([slot.id for slot in planned.withdrawn], now=now)
        if planned.left:
            left = [slot.id for slot in planned.left]
            await self._connection.execute(statements.LEAVE, left, timeout=LONGEST_SECONDS)
            if any(slot.is_held for slot in planned.left):
                await calendar_work.ask_at_end_of_holds(
                    self._connection, calendar.doctor_id, now=now
                )
        if planned.regained:
            await self._connection.execute(
                statements.REGAIN,
                [slot.id for slot, _ in planned.regained],
                [wish.rule_id for _, wish in planned.regained],
                timeout=LONGEST_SECONDS,
            )
        await self.open(planned.opened, calendar, now=now)

    async def withdraw(self, slot_ids: Sequence[Any], *, now: datetime) -> None:
        """Take slots away that nobody has; they forget their rule."""
        await self._connection.execute(statements.WITHDRAW, slot_ids, now, timeout=LONGEST_SECONDS)

    async def open(
        self, wishes: Sequence[WishedSlot], calendar: DoctorCalendar, *, now: datetime
    ) -> None:
        """Add slots in one statement."""
        if not wishes:
            return
        starts = [wish.period.starts_at for wish in wishes]
        await self._connection.execute(
            statements.OPEN,
            calendar.clinic_id,
            calendar.doctor_id,
            now,
            [uuid7() for _ in starts],
            starts,
            [wish.period.ends_at for wish in wishes],
            [wish.mode for wish in wishes],
            [wish.rule_id for wish in wishes],
            _walls(starts, calendar.time_zone),
            timeout=LONGEST_SECONDS,
        )

    async def set_clocks(self, calendar: DoctorCalendar, slots: Sequence[PresentSlot]) -> None:
        """One statement; no version changes, because nobody is shown this."""
        if slots:
            walls = _walls([slot.period.starts_at for slot in slots], calendar.time_zone)
            await self._connection.execute(
                statements.SET_CLOCKS, [slot.id for slot in slots], walls, timeout=LONGEST_SECONDS
            )

    async def ask(
        self, calendar: DoctorCalendar, *, planned_until: datetime, due_at: datetime
    ) -> None:
        """Write it down in this very transaction."""
        await calendar_work.ask_doctor(
            self._connection, calendar.doctor_id, due_at=due_at, planned_until=planned_until
        )

    async def planned_until(self, doctor_id: DoctorId) -> datetime | None:
        """Read what was asked for."""
        return await calendar_work.planned_until(self._connection, doctor_id)


def _walls(instants: Sequence[datetime], time_zone: str) -> list[datetime]:
    return [wall_clock(at, time_zone).replace(tzinfo=None) for at in instants]


def rule_of(row: Any) -> AvailabilityRule:
    """Make the rule of a row."""
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


def exception_of(row: Any) -> AvailabilityException:
    """Make the exception of a row, whose hours are columns of arrays."""
    columns = ("start_minutes", "end_minutes", "slot_minutes", "gap_minutes", "modes")
    return AvailabilityException(
        id=row["id"],
        clinic_id=row["clinic_id"],
        doctor_id=row["doctor_id"],
        day=row["date"],
        replaces=row["replaces"],
        hours=[
            Hours.on(
                row["date"],
                start_minute=start,
                end_minute=end,
                slot=slot * MINUTE,
                gap=gap * MINUTE,
                mode=Mode(mode),
            )
            for start, end, slot, gap, mode in zip(*(row[name] for name in columns), strict=True)
        ],
        created_at=row["created_at"],
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
