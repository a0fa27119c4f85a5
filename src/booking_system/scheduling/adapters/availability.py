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
from booking_system.scheduling.records.availability import exception_of, rule_of
from booking_system.scheduling.records.calendar import CalendarRecords
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import DoctorId, RuleId

# Whoever adds slots waits for the doctor's row, so this is a rival that no longer waits there.
REFUSALS = {"ex_time_slots_doctor_never_twice": Transient}
MINUTE = timedelta(minutes=1)


class PostgresAvailabilityWork(CalendarRecords):
    """One such transaction on the driver's own connection."""

    async def rule(self, rule_id: RuleId) -> AvailabilityRule | None:
        """Read one."""
        row = await statements.RULE.fetchrow(self._connection, rule_id=rule_id)
        return None if row is None else rule_of(row)

    async def page(
        self, doctor_id: DoctorId, *, after: UUID | None, limit: int
    ) -> Sequence[AvailabilityRule]:
        """Read behind the last one seen."""
        rows = await statements.PAGE.fetch(
            self._connection, doctor_id=doctor_id, after_id=after, most=limit + 1
        )
        return [rule_of(row) for row in rows]

    async def add_rule(self, rule: AvailabilityRule) -> None:
        """Insert it."""
        await statements.ADD_RULE.execute(self._connection, _stored(rule))

    async def save_rule(
        self, rule: AvailabilityRule, *, deleted_at: datetime | None = None
    ) -> None:
        """Write everything that may change."""
        stored = _stored(rule)
        changed = {name: getattr(stored, name) for name in statements.MAY_CHANGE}
        await statements.SAVE_RULE.execute(
            self._connection, **changed, deleted_at=deleted_at, rule_id=rule.id
        )

    async def exception(self, exception_id: RuleId) -> AvailabilityException | None:
        """Read one."""
        row = await statements.EXCEPTION.fetchrow(self._connection, exception_id=exception_id)
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
        day, after_id = (None, None) if after is None else after
        rows = await statements.EXCEPTIONS_PAGE.fetch(
            self._connection,
            doctor_id=doctor_id,
            first=first,
            until=until,
            after=day,
            after_id=after_id,
            most=limit + 1,
        )
        return [exception_of(row) for row in rows]

    async def add_exception(self, exception: AvailabilityException) -> None:
        """Insert it, with its hours as columns."""
        stored = statements.StoredException(
            id=exception.id,
            clinic_id=exception.clinic_id,
            doctor_id=exception.doctor_id,
            date=exception.day,
            replaces=exception.replaces,
            start_minutes=[hours.start_minute for hours in exception.hours],
            end_minutes=[hours.end_minute for hours in exception.hours],
            slot_minutes=[hours.slot // MINUTE for hours in exception.hours],
            gap_minutes=[hours.gap // MINUTE for hours in exception.hours],
            modes=[hours.mode for hours in exception.hours],
            created_at=exception.created_at,
        )
        await statements.ADD_EXCEPTION.execute(self._connection, stored)

    async def end_exception(self, exception: AvailabilityException, *, now: datetime) -> None:
        """Mark it."""
        await statements.END_EXCEPTION.execute(
            self._connection, exception_id=exception.id, deleted_at=now
        )

    async def generated(self, one: AvailabilityRule | AvailabilityException) -> int:
        """A slot that the rule withdrew forgets it."""
        count: int = await statements.GENERATED.fetchval(
            self._connection, rule_id=one.id, created_at=one.created_at
        )
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
            rows = await statements.DOCTORS.fetch(connection)
        return [row["doctor_id"] for row in rows]


def _stored(rule: AvailabilityRule) -> statements.StoredRule:
    hours = rule.hours
    return statements.StoredRule(
        weekdays=sorted(hours.weekdays),
        start_minute=hours.start_minute,
        end_minute=hours.end_minute,
        slot_minutes=hours.slot // MINUTE,
        gap_minutes=hours.gap // MINUTE,
        valid_from=hours.valid_from,
        valid_until=hours.valid_until,
        mode=hours.mode,
        version=rule.version,
        updated_at=rule.updated_at,
        id=rule.id,
        clinic_id=rule.clinic_id,
        doctor_id=rule.doctor_id,
        created_at=rule.created_at,
    )
