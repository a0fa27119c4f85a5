"""The statements that make a doctor's time slots follow the hours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    any_,
    case,
    column,
    false,
    func,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import (
    WALL_CLOCK,
    an_id,
    how_many,
    ids,
    instant,
    wall_clocks,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.availability import exception, rule
from booking_system.scheduling.records.holds import NO_HOLD
from booking_system.scheduling.records.slots import OUTSIDE, may_go, slot_meets
from booking_system.scheduling.records.tables import time_slots

LONGEST_SECONDS = 30
"""One statement of these may change 40,000 slots."""

TAKE_TIME: Statement[Any] = Statement(
    select(func.set_config("statement_timeout", f"{LONGEST_SECONDS}s", true()))
)
"""For the rest of the transaction."""

DOCTOR_ID, NOW = an_id("doctor_id"), instant("now")
SINCE, UNTIL = instant("since"), instant("until")
SLOT_IDS, RULE_IDS = ids("slot_ids"), ids("rule_ids")

s = time_slots


def _doctor() -> Statement[Any]:
    d, c = doctors.alias("d"), clinics.alias("c")
    return Statement(
        select(d.c.id.label("doctor_id"), d.c.clinic_id, c.c.time_zone, c.c.horizon_days)
        .select_from(d.join(c, c.c.id == d.c.clinic_id))
        .where(d.c.id == DOCTOR_ID, d.c.deleted_at.is_(None), c.c.deleted_at.is_(None))
    )


def _doctor_locked() -> Statement[Any]:
    d, c = doctors.alias("d"), clinics.alias("c")
    query = (
        select(d.c.id).select_from(d.join(c, c.c.id == d.c.clinic_id)).where(d.c.id == DOCTOR_ID)
    )
    locked = query.with_for_update(key_share=True, of=d)
    return Statement(locked.suffix_with(text("FOR SHARE OF c")))


DOCTOR = _doctor()

LOCK_DOCTOR = _doctor_locked()
"""Locks only: what it waited for is read by the statement behind it."""

LOCK_SLOTS: Statement[Any] = Statement(
    select(func.count()).select_from(
        select(s.c.id)
        .where(
            s.c.doctor_id == DOCTOR_ID,
            s.c.deleted_at.is_(None),
            s.c.starts_at > SINCE,
            s.c.rule_id.is_not(None),
            or_(
                UNTIL.is_(None),
                s.c.starts_at < UNTIL,
                s.c.rule_id == any_(RULE_IDS),
                and_(s.c.outside_availability, func.cardinality(RULE_IDS) > 0),
            ),
        )
        .order_by(s.c.id)
        .with_for_update()
        .subquery("locked")
    ),
    seconds=LONGEST_SECONDS,
)


def _present() -> list[ColumnElement[Any]]:
    """What a plan has to know of a slot; the past belongs to no rule."""
    is_to_come = s.c.starts_at > NOW
    return [
        s.c.id,
        s.c.starts_at,
        s.c.ends_at,
        s.c.mode,
        s.c.appointment_id,
        s.c.closed_because,
        case((s.c.rule_id.is_not(None), s.c.wall_starts_at), else_=None).label("wall_starts_at"),
        func.coalesce(s.c.held_until > NOW, false()).label("is_held"),
        s.c.deleted_at.is_not(None).label("is_deleted"),
        and_(s.c.outside_availability, is_to_come).label("is_outside"),
        case((is_to_come, s.c.rule_id), else_=None).label("rule_id"),
    ]


def _made_by_hours() -> ColumnElement[bool]:
    """A slot that a rule withdrew forgets the rule; a slot deleted by hand remembers it."""
    rules = select(rule.c.id).where(rule.c.doctor_id == DOCTOR_ID, rule.c.deleted_at.is_(None))
    exceptions = select(exception.c.id).where(
        exception.c.doctor_id == DOCTOR_ID, exception.c.deleted_at.is_(None)
    )
    return s.c.rule_id.in_(union_all(rules, exceptions))


def _slots_in_period() -> Statement[Any]:
    query = select(*_present()).where(slot_meets(s, SINCE, UNTIL))
    return Statement(
        union_all(
            query.where(s.c.doctor_id == DOCTOR_ID, s.c.deleted_at.is_(None)),
            query.where(_made_by_hours(), s.c.deleted_at.is_not(None)),
        )
    )


PRESENT = _slots_in_period()

_OF_HOURS = (
    s.c.doctor_id == DOCTOR_ID,
    s.c.deleted_at.is_(None),
    s.c.rule_id.is_not(None),
    s.c.starts_at >= SINCE,
    s.c.starts_at > NOW,
)
_OF_THESE_RULES = or_(RULE_IDS.is_(None), s.c.rule_id == any_(RULE_IDS))
_IS_FREE = may_go(s, NOW)


class Occupied(NamedTuple):
    """Slots that somebody has or closed by hand, from `since` on and behind the one at `after`.

    `rule_ids`: only those of these rules; None: of any.
    """

    doctor_id: UUID
    now: datetime
    since: datetime
    after: datetime | None
    rule_ids: Sequence[UUID] | None
    most: int


OCCUPIED: Statement[Occupied] = Statement(
    select(*_present())
    .where(
        *_OF_HOURS,
        or_(instant("after").is_(None), s.c.starts_at > instant("after")),
        or_(_OF_THESE_RULES, s.c.outside_availability),
        ~_IS_FREE,
    )
    .order_by(s.c.starts_at)
    .limit(how_many("most")),
    Occupied,
    seconds=LONGEST_SECONDS,
)


class Free(NamedTuple):
    """The slots of the hours from `since` on that nobody has; `rule_ids` as in `Occupied`."""

    doctor_id: UUID
    now: datetime
    since: datetime
    rule_ids: Sequence[UUID] | None


COUNT_FREE: Statement[Free] = Statement(
    select(func.count())
    .select_from(s)
    .where(*_OF_HOURS, _OF_THESE_RULES, _IS_FREE, ~s.c.outside_availability),
    Free,
    seconds=LONGEST_SECONDS,
)


def _gone() -> Any:
    return update(s).values(deleted_at=NOW, version=s.c.version + 1, rule_id=None, **NO_HOLD)


def _withdraw_free() -> Statement[Free]:
    gone = (
        _gone()
        .where(*_OF_HOURS, _OF_THESE_RULES, _IS_FREE)
        .returning(s.c.outside_availability)
        .cte("gone")
    )
    query = select(func.count()).select_from(gone).where(~gone.c.outside_availability)
    return Statement(query, Free, seconds=LONGEST_SECONDS)


WITHDRAW_FREE = _withdraw_free()

WITHDRAW: Statement[Any] = Statement(
    _gone().where(s.c.id == any_(SLOT_IDS), _IS_FREE), seconds=LONGEST_SECONDS
)

LEAVE: Statement[Any] = Statement(
    update(s)
    .values(
        outside_availability=True,
        version=s.c.version + 1,
        closed_because=func.coalesce(s.c.closed_because, OUTSIDE),
    )
    .where(s.c.id == any_(SLOT_IDS)),
    seconds=LONGEST_SECONDS,
)
"""What else closes it goes on closing it, and leaves it closed when it is over."""


def _regain() -> Statement[Any]:
    wish = (
        func.unnest(SLOT_IDS, RULE_IDS)
        .table_valued(column("id", Uuid()), column("rule_id", Uuid()))
        .render_derived("n")
    )
    return Statement(
        update(s)
        .values(
            outside_availability=False,
            rule_id=wish.c.rule_id,
            closed_because=func.nullif(s.c.closed_because, OUTSIDE),
            version=s.c.version + 1,
        )
        .where(s.c.id == wish.c.id),
        seconds=LONGEST_SECONDS,
    )


REGAIN = _regain()
"""What time off or a closure has closed as well goes on being closed by it."""


def _set_clocks() -> Statement[Any]:
    shown = (
        func.unnest(SLOT_IDS, wall_clocks("walls"))
        .table_valued(column("id", Uuid()), column("wall", WALL_CLOCK))
        .render_derived("n")
    )
    change = update(s).values(wall_starts_at=shown.c.wall).where(s.c.id == shown.c.id)
    return Statement(change, seconds=LONGEST_SECONDS)


SET_CLOCKS = _set_clocks()
