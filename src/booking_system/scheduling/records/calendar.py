"""A doctor's calendar in PostgreSQL: reads what is wanted and what there is, and writes plans."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from booking_system.platform.postgres.statement import Statement
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.application.availability_ports import DoctorCalendar
from booking_system.scheduling.domain.events import CalendarCause
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.overview import local_day
from booking_system.scheduling.domain.slot_plan import PresentSlot, SlotPlan, WishedSlot
from booking_system.scheduling.domain.timetable import Timetable
from booking_system.scheduling.records import calendar_statements as statements
from booking_system.scheduling.records import calendar_work
from booking_system.scheduling.records.availability import (
    EXCEPTIONS,
    RULES,
    exception_of,
    rule_of,
)
from booking_system.scheduling.records.calendar_told import hull, tell_calendar
from booking_system.scheduling.records.new_slots import OPEN, NewSlots
from booking_system.scheduling.records.slots import reason_of
from booking_system.shared_kernel.identifiers import DoctorId, RuleId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
OCCUPIED_AT_ONCE = 50


class CalendarRecords:
    """One transaction over calendars on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Read without a lock."""
        row = await statements.DOCTOR.fetchrow(self._connection, doctor_id=doctor_id)
        return None if row is None else DoctorCalendar(**dict(row))

    async def lock_doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Take the doctor `FOR NO KEY UPDATE`, for which offers of slots wait; share the clinic."""
        await statements.TAKE_TIME.fetchval(self._connection)
        await statements.LOCK_DOCTOR.fetchval(self._connection, doctor_id=doctor_id)
        return await self.doctor(doctor_id)

    async def timetable(self, calendar: DoctorCalendar, *, now: datetime) -> Timetable:
        """Read in two statements; a day more than needed, for any zone."""
        since = local_day(now, calendar.time_zone) - DAY
        doctor_id = calendar.doctor_id
        whose = {"doctor_id": doctor_id, "since": since}
        rules = await RULES.fetch(self._connection, **whose)
        exceptions = await EXCEPTIONS.fetch(self._connection, **whose)
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
        await statements.LOCK_SLOTS.fetchval(
            self._connection,
            doctor_id=calendar.doctor_id,
            since=since,
            until=until,
            rule_ids=list(rule_ids or ()),
        )

    async def present(
        self, calendar: DoctorCalendar, period: Period, *, now: datetime
    ) -> Sequence[PresentSlot]:
        """One statement, behind the locks."""
        rows = await statements.PRESENT.fetch(
            self._connection,
            doctor_id=calendar.doctor_id,
            now=now,
            since=period.starts_at,
            until=period.ends_at,
        )
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
        occupied = statements.Occupied(
            doctor_id=calendar.doctor_id,
            now=now,
            since=since,
            after=None if after is None else after.period.starts_at,
            rule_ids=None if rule_ids is None else list(rule_ids),
            most=OCCUPIED_AT_ONCE,
        )
        rows = await statements.OCCUPIED.fetch(self._connection, occupied)
        return [_present_of(row) for row in rows]

    async def withdraw_free(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> int:
        """One statement for all of them, and one event."""
        count = await self._free(statements.WITHDRAW_FREE, calendar, since, rule_ids, now)
        if count:
            await self._tell(calendar, since, None, now)
        return count

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
        statement: Statement[statements.Free],
        calendar: DoctorCalendar,
        since: datetime,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> int:
        whose = None if rule_ids is None else list(rule_ids)
        free = statements.Free(calendar.doctor_id, now, since, whose)
        count: int = await statement.fetchval(self._connection, free)
        return count

    async def carry_out(
        self, planned: SlotPlan, calendar: DoctorCalendar, *, now: datetime
    ) -> None:
        """Withdraw first, so that nothing new overlaps what goes; one event tells of it all."""
        if planned.withdrawn:
            await self.withdraw([slot.id for slot in planned.withdrawn], now=now)
        if planned.left:
            left = [slot.id for slot in planned.left]
            await statements.LEAVE.execute(self._connection, slot_ids=left)
            if any(slot.is_held for slot in planned.left):
                await calendar_work.ask_at_end_of_holds(
                    self._connection, calendar.doctor_id, now=now
                )
        if planned.regained:
            await statements.REGAIN.execute(
                self._connection,
                slot_ids=[slot.id for slot, _ in planned.regained],
                rule_ids=[wish.rule_id for _, wish in planned.regained],
            )
        await self.open(planned.opened, calendar, now=now)
        await self.tell(
            calendar,
            [
                *(slot.period for slot in (*planned.withdrawn, *planned.left)),
                *(slot.period for slot, _ in planned.regained),
                *(wish.period for wish in planned.opened),
            ],
            now=now,
        )

    async def tell(
        self, calendar: DoctorCalendar, changed: Sequence[Period], *, now: datetime
    ) -> None:
        """Tell that slots in these periods are others now; of none there is nothing to tell."""
        whole = hull(changed)
        if whole is not None:
            await self._tell(calendar, whole.starts_at, whole.ends_at, now)

    async def _tell(
        self, calendar: DoctorCalendar, since: datetime, until: datetime | None, now: datetime
    ) -> None:
        await tell_calendar(
            self._connection,
            calendar.clinic_id,
            calendar.doctor_id,
            since=since,
            until=until,
            because=CalendarCause.HOURS,
            now=now,
        )

    async def withdraw(self, slot_ids: Sequence[Any], *, now: datetime) -> None:
        """Take slots away that nobody has; they forget their rule."""
        await statements.WITHDRAW.execute(self._connection, slot_ids=slot_ids, now=now)

    async def open(
        self, wishes: Sequence[WishedSlot], calendar: DoctorCalendar, *, now: datetime
    ) -> None:
        """Add slots in one statement."""
        if not wishes:
            return
        starts = [wish.period.starts_at for wish in wishes]
        new = NewSlots(
            clinic_id=calendar.clinic_id,
            doctor_id=calendar.doctor_id,
            now=now,
            ids=[uuid7() for _ in starts],
            starts=starts,
            ends=[wish.period.ends_at for wish in wishes],
            modes=[wish.mode for wish in wishes],
            rule_ids=[wish.rule_id for wish in wishes],
            walls=_walls(starts, calendar.time_zone),
        )
        await OPEN.execute(self._connection, new)

    async def set_clocks(self, calendar: DoctorCalendar, slots: Sequence[PresentSlot]) -> None:
        """One statement; no version changes, because nobody is shown this."""
        if slots:
            walls = _walls([slot.period.starts_at for slot in slots], calendar.time_zone)
            slot_ids = [slot.id for slot in slots]
            await statements.SET_CLOCKS.execute(self._connection, slot_ids=slot_ids, walls=walls)

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


def _present_of(row: Any) -> PresentSlot:
    return PresentSlot(
        id=row["id"],
        period=Period(row["starts_at"], row["ends_at"]),
        mode=Mode(row["mode"]),
        rule_id=row["rule_id"],
        appointment_id=row["appointment_id"],
        is_held=row["is_held"],
        is_outside=row["is_outside"],
        closed_because=reason_of(row),
        is_deleted=row["is_deleted"],
        wall_starts_at=row["wall_starts_at"],
    )
