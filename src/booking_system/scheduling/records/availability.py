"""Rules and exceptions: their columns, what rows make, and those that a plan has to know."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from booking_system.platform.postgres.phrases import a_date, an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours
from booking_system.scheduling.domain.timetable import AvailabilityException
from booking_system.scheduling.records.tables import availability_exceptions, availability_rules
from booking_system.shared_kernel.mode import Mode

DOCTOR_ID = an_id("doctor_id")
MINUTE = timedelta(minutes=1)

rule = availability_rules.alias("r")
exception = availability_exceptions.alias("e")


def rule_columns() -> list[ColumnElement[Any]]:
    """Return the columns of a rule."""
    return [one for one in rule.c if one.name != "deleted_at"]


def exception_columns() -> list[ColumnElement[Any]]:
    """Return the columns of an exception."""
    return [one for one in exception.c if one.name != "deleted_at"]


RULES: Statement[Any] = Statement(
    select(*rule_columns())
    .where(
        rule.c.doctor_id == DOCTOR_ID,
        rule.c.deleted_at.is_(None),
        or_(rule.c.valid_until.is_(None), rule.c.valid_until >= a_date("since")),
    )
    .order_by(rule.c.id)
)

EXCEPTIONS: Statement[Any] = Statement(
    select(*exception_columns())
    .where(
        exception.c.doctor_id == DOCTOR_ID,
        exception.c.deleted_at.is_(None),
        exception.c.date >= a_date("since"),
    )
    .order_by(exception.c.date, exception.c.id)
)


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
