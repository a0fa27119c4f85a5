"""The statements that keep rules and exceptions."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import FromClause, and_, func, or_, select, tuple_, update

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import (
    a_date,
    an_id,
    given,
    how_many,
    instant,
    row_of,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.availability import (
    exception,
    exception_columns,
    rule,
    rule_columns,
)
from booking_system.scheduling.records.tables import (
    availability_exceptions,
    availability_rules,
    time_slots,
)

DOCTOR_ID, AFTER_ID, MOST = an_id("doctor_id"), an_id("after_id"), how_many("most")
RULE_ID, EXCEPTION_ID = an_id("rule_id"), an_id("exception_id")

d, c = doctors.alias("d"), clinics.alias("c")


def _of_somebody_there(one: FromClause) -> Any:
    """The rule or exception, of a doctor and a clinic who are there."""
    joined = one.join(d, d.c.id == one.c.doctor_id).join(c, c.c.id == one.c.clinic_id)
    return joined, and_(*(each.c.deleted_at.is_(None) for each in (one, d, c)))


_RULE_OF, _RULE_IS_LIVE = _of_somebody_there(rule)
_EXCEPTION_OF, _EXCEPTION_IS_LIVE = _of_somebody_there(exception)

RULE: Statement[Any] = Statement(
    select(*rule_columns()).select_from(_RULE_OF).where(rule.c.id == RULE_ID, _RULE_IS_LIVE)
)

PAGE: Statement[Any] = Statement(
    select(*rule_columns())
    .where(
        rule.c.doctor_id == DOCTOR_ID,
        rule.c.deleted_at.is_(None),
        or_(AFTER_ID.is_(None), rule.c.id > AFTER_ID),
    )
    .order_by(rule.c.id)
    .limit(MOST)
)

DOCTORS: Statement[Any] = Statement(
    select(d.c.id.label("doctor_id"))
    .select_from(d.join(c, and_(c.c.id == d.c.clinic_id, c.c.deleted_at.is_(None))))
    .where(
        d.c.deleted_at.is_(None),
        or_(
            *(
                select(one.c.id).where(one.c.doctor_id == d.c.id).exists()
                for one in (rule, exception)
            )
        ),
    )
    .order_by(d.c.id)
)

EXCEPTION: Statement[Any] = Statement(
    select(*exception_columns())
    .select_from(_EXCEPTION_OF)
    .where(exception.c.id == EXCEPTION_ID, _EXCEPTION_IS_LIVE)
)

EXCEPTIONS_PAGE: Statement[Any] = Statement(
    select(*exception_columns())
    .where(
        exception.c.doctor_id == DOCTOR_ID,
        exception.c.deleted_at.is_(None),
        or_(a_date("first").is_(None), exception.c.date >= a_date("first")),
        or_(a_date("until").is_(None), exception.c.date < a_date("until")),
        or_(
            a_date("after").is_(None),
            tuple_(exception.c.date, exception.c.id) > tuple_(a_date("after"), AFTER_ID),
        ),
    )
    .order_by(exception.c.date, exception.c.id)
    .limit(MOST)
)


class StoredException(NamedTuple):
    """An exception as it is stored: each of its hours has an entry in each of the sequences."""

    id: UUID
    clinic_id: UUID
    doctor_id: UUID
    date: date
    replaces: bool
    start_minutes: Sequence[int]
    end_minutes: Sequence[int]
    slot_minutes: Sequence[int]
    gap_minutes: Sequence[int]
    modes: Sequence[str]
    created_at: datetime


ADD_EXCEPTION: Statement[StoredException] = Statement(
    row_of(availability_exceptions, StoredException._fields), StoredException
)

END_EXCEPTION: Statement[Any] = Statement(
    update(availability_exceptions)
    .values(deleted_at=instant("deleted_at"))
    .where(availability_exceptions.c.id == EXCEPTION_ID)
)


class StoredRule(NamedTuple):
    """A rule as it is stored, the columns that may change first."""

    weekdays: Sequence[int]
    start_minute: int
    end_minute: int
    slot_minutes: int
    gap_minutes: int
    valid_from: date
    valid_until: date | None
    mode: str
    version: int
    updated_at: datetime
    id: UUID
    clinic_id: UUID
    doctor_id: UUID
    created_at: datetime


MAY_CHANGE = StoredRule._fields[:10]

ADD_RULE: Statement[StoredRule] = Statement(
    row_of(availability_rules, StoredRule._fields), StoredRule
)

SAVE_RULE: Statement[Any] = Statement(
    update(availability_rules)
    .values({name: given(availability_rules.c[name]) for name in (*MAY_CHANGE, "deleted_at")})
    .where(availability_rules.c.id == RULE_ID)
)

GENERATED: Statement[Any] = Statement(
    select(func.count())
    .select_from(time_slots)
    .where(time_slots.c.rule_id == RULE_ID, time_slots.c.created_at == instant("created_at"))
)
"""How many slots were made with a rule, or an exception, that have not forgotten it since."""
