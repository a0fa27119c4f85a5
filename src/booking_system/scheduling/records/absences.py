"""Time off and closures as rows: read, listed, stored. Slots follow them elsewhere."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Integer,
    Table,
    Uuid,
    any_,
    bindparam,
    cast,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.domain.absence import LONGEST_TIME_OFF, Closure, TimeOff
from booking_system.scheduling.records.tables import closures, time_off
from booking_system.shared_kernel.period import Period

_INSTANT = DateTime(timezone=True)
_LONGEST_LISTED = LONGEST_TIME_OFF + timedelta(days=1)

_time_off_by_start = (
    select(time_off)
    .where(time_off.c.deleted_at.is_(None))
    .order_by(time_off.c.starts_at, time_off.c.id)
)
_closures_by_date = (
    select(closures).where(closures.c.deleted_at.is_(None)).order_by(closures.c.date)
)


class TimeOffPage(NamedTuple):
    """A page of a doctor's time off that ends after `since` and starts before `before` (UTC)."""

    doctor_id: UUID
    since: datetime | None
    before: datetime | None
    after_start: datetime | None
    after_id: UUID | None
    most: int


class ClosurePage(NamedTuple):
    """A page of a clinic's closures of the days from `first` on and before `until`."""

    clinic_id: UUID
    first: date | None
    until: date | None
    after_start: datetime | None
    after_id: UUID | None
    most: int


class NewTimeOff(NamedTuple):
    """A row of time off; instants in UTC."""

    id: UUID
    clinic_id: UUID
    doctor_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    created_at: datetime


class NewClosure(NamedTuple):
    """A row of a closure; instants in UTC."""

    id: UUID
    clinic_id: UUID
    date: date
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    created_at: datetime


class ChangedTimeOff(NamedTuple):
    """All that may change about time off."""

    absence_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    version: int


class ChangedClosure(NamedTuple):
    """All that may change about a closure."""

    absence_id: UUID
    date: date
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    version: int


class TimeOffMeeting(NamedTuple):
    """What some doctors of a clinic have in a period, given how far one of them may reach."""

    clinic_id: UUID
    doctor_ids: list[UUID]
    since: datetime
    until: datetime
    until_and_longest: datetime


def _behind(table: Table) -> Any:
    """Say what follows the last row of the page before, or all where there was none."""
    start = bindparam("after_start", type_=_INSTANT)
    last = tuple_(start, bindparam("after_id", type_=Uuid))
    return or_(start.is_(None), tuple_(table.c.starts_at, table.c.id) > last)


def _new(table: Table, row: Any) -> Any:
    return insert(table).values({name: bindparam(name) for name in row._fields})


def _saved(table: Table, row: Any) -> Any:
    changed: dict[str, Any] = {
        name: bindparam(name) for name in row._fields if name != "absence_id"
    }
    return update(table).where(table.c.id == bindparam("absence_id")).values(changed)


def _ended(table: Table) -> Any:
    ended = update(table).where(table.c.id == bindparam("absence_id"))
    return ended.values(deleted_at=bindparam("now"))


_since = bindparam("since", type_=_INSTANT)
_before = bindparam("before", type_=_INSTANT)
_first, _until = bindparam("first", type_=Date), bindparam("until", type_=Date)

ONE_TIME_OFF = Statement(
    select(time_off)
    .join(doctors, doctors.c.id == time_off.c.doctor_id)
    .join(clinics, clinics.c.id == time_off.c.clinic_id)
    .where(
        time_off.c.id == bindparam("time_off_id"),
        time_off.c.deleted_at.is_(None),
        doctors.c.deleted_at.is_(None),
        clinics.c.deleted_at.is_(None),
    )
)

ONE_CLOSURE = Statement(
    _closures_by_date.where(
        closures.c.clinic_id == bindparam("clinic_id"), closures.c.id == bindparam("closure_id")
    )
)

SOME_CLOSURES = Statement(
    _closures_by_date.where(closures.c.id == any_(bindparam("closure_ids", type_=ARRAY(Uuid))))
)

CLOSURES_ON = Statement(
    _closures_by_date.where(
        closures.c.clinic_id == bindparam("clinic_id"),
        closures.c.date == any_(bindparam("days", type_=ARRAY(Date))),
    )
)

CLOSURES_SINCE = Statement(
    _closures_by_date.where(
        closures.c.clinic_id == bindparam("clinic_id"), closures.c.ends_at > bindparam("since")
    )
)

TIME_OFF_PAGE = Statement(
    _time_off_by_start.where(
        time_off.c.doctor_id == bindparam("doctor_id"),
        or_(
            _since.is_(None),
            # None is longer than that: with it, the index leads to those that run at `since`.
            (time_off.c.starts_at > _since - _LONGEST_LISTED) & (time_off.c.ends_at > _since),
        ),
        or_(_before.is_(None), time_off.c.starts_at < _before),
        _behind(time_off),
    ).limit(bindparam("most", type_=Integer)),
    TimeOffPage,
)

CLOSURE_PAGE = Statement(
    select(closures)
    .where(
        closures.c.deleted_at.is_(None),
        closures.c.clinic_id == bindparam("clinic_id"),
        or_(_first.is_(None), closures.c.date >= _first),
        or_(_until.is_(None), closures.c.date < _until),
        _behind(closures),
    )
    .order_by(closures.c.starts_at, closures.c.id)
    .limit(bindparam("most", type_=Integer)),
    ClosurePage,
)

TIME_OFF_MEETING = Statement(
    _time_off_by_start.where(
        time_off.c.clinic_id == bindparam("clinic_id"),
        time_off.c.doctor_id == any_(bindparam("doctor_ids", type_=ARRAY(Uuid))),
        time_off.c.ends_at > bindparam("since"),
        time_off.c.ends_at < bindparam("until_and_longest"),
        time_off.c.starts_at < bindparam("until"),
    ),
    TimeOffMeeting,
)
"""Read from the index by end: none ends later than the longest that starts before `until`."""

CLOSURES_MEETING = Statement(
    _closures_by_date.where(
        closures.c.clinic_id == bindparam("clinic_id"),
        # The zone of a clinic may have changed since a day of it was closed.
        closures.c.date.between(
            cast(bindparam("since", type_=_INSTANT).op("AT TIME ZONE")("UTC"), Date) - 2,
            cast(bindparam("until", type_=_INSTANT).op("AT TIME ZONE")("UTC"), Date) + 2,
        ),
        closures.c.starts_at < bindparam("until", type_=_INSTANT),
        closures.c.ends_at > bindparam("since", type_=_INSTANT),
    )
)

ADD_TIME_OFF = Statement(_new(time_off, NewTimeOff), NewTimeOff)
ADD_CLOSURE = Statement(_new(closures, NewClosure), NewClosure)
SAVE_TIME_OFF = Statement(_saved(time_off, ChangedTimeOff), ChangedTimeOff)
SAVE_CLOSURE = Statement(_saved(closures, ChangedClosure), ChangedClosure)
END_TIME_OFF, END_CLOSURE = Statement(_ended(time_off)), Statement(_ended(closures))


def time_off_of(row: Any) -> TimeOff:
    """Make the time off of a row."""
    return TimeOff(doctor_id=row["doctor_id"], **_absence_of(row))


def closure_of(row: Any) -> Closure:
    """Make the closure of a row."""
    return Closure(date=row["date"], **_absence_of(row))


def _absence_of(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "clinic_id": row["clinic_id"],
        "period": Period(row["starts_at"], row["ends_at"]),
        "reason": row["reason"],
        "created_at": row["created_at"],
        "version": row["version"],
    }
