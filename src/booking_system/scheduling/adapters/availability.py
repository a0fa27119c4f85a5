"""Weekly availability and its exceptions in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from uuid import UUID

from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters import availability_statements as statements
from booking_system.scheduling.application.availability_ports import AvailabilityWork
from booking_system.scheduling.domain.availability import AvailabilityRule
from booking_system.scheduling.domain.timetable import AvailabilityException
from booking_system.scheduling.records.calendar import CalendarRecords, exception_of, rule_of
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import DoctorId, RuleId

# Whoever adds slots waits for the doctor's row, so this is a rival that no longer waits there.
REFUSALS = {"ex_time_slots_doctor_never_twice": Transient}
MINUTE = timedelta(minutes=1)


class PostgresAvailabilityWork(CalendarRecords):
    """One such transaction on the driver's own connection."""

    async def rule(self, rule_id: RuleId) -> AvailabilityRule | None:
        """Read one."""
        row = await self._connection.fetchrow(statements.RULE, rule_id)
        return None if row is None else rule_of(row)

    async def page(
        self, doctor_id: DoctorId, *, after: UUID | None, limit: int
    ) -> Sequence[AvailabilityRule]:
        """Read behind the last one seen."""
        rows = await self._connection.fetch(statements.PAGE, doctor_id, after, limit + 1)
        return [rule_of(row) for row in rows]

    async def add_rule(self, rule: AvailabilityRule) -> None:
        """Insert it."""
        whose = (rule.clinic_id, rule.doctor_id, rule.created_at)
        await self._connection.execute(statements.ADD_RULE, *_values(rule), *whose)

    async def save_rule(
        self, rule: AvailabilityRule, *, deleted_at: datetime | None = None
    ) -> None:
        """Write everything that may change."""
        await self._connection.execute(statements.SAVE_RULE, *_values(rule), deleted_at)

    async def exception(self, exception_id: RuleId) -> AvailabilityException | None:
        """Read one."""
        row = await self._connection.fetchrow(statements.EXCEPTION, exception_id)
        return None if row is None else exception_of(row)

    async def exceptions_page(
        self,
        doctor_id: DoctorId,
        *,
        first: date | None,
        until: date | None,
        after: tuple[date, UUID] | None,
        limit: int,
    ) -> Sequence[AvailabilityException]:
        """Read by keyset on date and id."""
        place = (None, None) if after is None else after
        rows = await self._connection.fetch(
            statements.EXCEPTIONS_PAGE, doctor_id, first, until, *place, limit + 1
        )
        return [exception_of(row) for row in rows]

    async def add_exception(self, exception: AvailabilityException) -> None:
        """Insert it, with its hours as columns."""
        await self._connection.execute(
            statements.ADD_EXCEPTION,
            exception.id,
            exception.clinic_id,
            exception.doctor_id,
            exception.day,
            exception.replaces,
            [hours.start_minute for hours in exception.hours],
            [hours.end_minute for hours in exception.hours],
            [hours.slot // MINUTE for hours in exception.hours],
            [hours.gap // MINUTE for hours in exception.hours],
            [hours.mode for hours in exception.hours],
            exception.created_at,
        )

    async def end_exception(self, exception: AvailabilityException, *, now: datetime) -> None:
        """Mark it."""
        await self._connection.execute(statements.END_EXCEPTION, exception.id, now)

    async def generated(self, one: AvailabilityRule | AvailabilityException) -> int:
        """A slot that the rule withdrew forgets it."""
        count: int = await self._connection.fetchval(statements.GENERATED, one.id, one.created_at)
        return count


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

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AvailabilityWork]:
        """Open a look at the data of one moment; it changes nothing and has no outcome."""
        async with self._database.snapshot() as connection:
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
