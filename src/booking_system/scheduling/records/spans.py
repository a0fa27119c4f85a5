"""Which time slots a service takes from a slot on, and whether its time is free.

Every question about a span is asked with these expressions: searches, overviews, alternatives,
`explain`, holds, bookings and moves. `slot` is a row of `time_slots` in the asking statement, and
`need` one with `duration_minutes`, `buffer_before_minutes` and `buffer_after_minutes`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    cast,
    extract,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from booking_system.platform.postgres.phrases import DAY, MINUTE, during, meets, minutes
from booking_system.scheduling.records.holds import hold_is_over
from booking_system.scheduling.records.tables import (
    availability_exceptions,
    availability_rules,
    time_slots,
)

LOOKED_AT = (
    "id",
    "starts_at",
    "ends_at",
    "mode",
    "rule_id",
    "wall_starts_at",
    "closed_because",
    "appointment_id",
    "blocked_by",
    "held_until",
)
"""What is looked at of the slots that follow, by `is_free` as well."""


def duration_of(need: FromClause) -> ColumnElement[timedelta]:
    """Return how long the service lasts."""
    return minutes(need.c.duration_minutes)


def length_of(slot: FromClause) -> ColumnElement[timedelta]:
    """Return how long the slot lasts."""
    return slot.c.ends_at - slot.c.starts_at


def is_enough(slot: FromClause, need: FromClause) -> ColumnElement[bool]:
    """Return the condition that the service takes no slot behind this one."""
    return duration_of(need) <= length_of(slot)


def is_one_slot(slot: FromClause, need: FromClause) -> ColumnElement[bool]:
    """Return the condition that the slot by itself is all that the service takes or keeps free."""
    buffers = need.c.buffer_before_minutes + need.c.buffer_after_minutes
    return and_(buffers == 0, is_enough(slot, need))


def span_of(
    slot: FromClause,
    need: FromClause,
    *,
    is_free: Callable[[FromClause], ColumnElement[bool]] | None = None,
) -> Select[Any]:
    """Return the query for what a service takes from a slot on, to be joined `LATERAL`.

    `slot_ids` in time order and `ends_at` of the last, as far as slots follow in a row: of the same
    mode and local day, each no further from the last than the gap of that one's rule, and within a
    day. `is_whole`: they cover the service. `is_free`: the condition of that name holds for each
    slot that the service needs.
    """
    row = _row_from(slot, need, is_free)
    ends_at = func.max(row.c.ends_at).filter(row.c.is_in_row)
    return select(
        func.array_agg(aggregate_order_by(row.c.id, row.c.starts_at))
        .filter(row.c.is_in_row)
        .label("slot_ids"),
        ends_at.label("ends_at"),
        func.bool_and(row.c.is_free).label("is_free"),
        and_(
            func.bool_and(row.c.is_in_row),
            func.max(row.c.ends_at) >= slot.c.starts_at + duration_of(need),
        ).label("is_whole"),
    ).correlate_except(row)


def _row_from(
    slot: FromClause,
    need: FromClause,
    is_free: Callable[[FromClause], ColumnElement[bool]] | None,
) -> FromClause:
    """The slots that the service needs; `is_in_row`: each one up to here goes on from the last."""
    n = _following(slot, need).subquery("n")
    rule = availability_rules.alias("g")
    last_ends_at = func.lag(n.c.ends_at, type_=n.c.ends_at.type).over(order_by=n.c.starts_at)
    last_gap = func.lag(_gap_behind(n, rule), type_=Integer()).over(order_by=n.c.starts_at)
    goes_on = and_(
        n.c.mode == slot.c.mode,
        cast(n.c.wall_starts_at, Date) == cast(slot.c.wall_starts_at, Date),
        n.c.ends_at <= slot.c.starts_at + DAY,
        n.c.starts_at - last_ends_at <= func.coalesce(last_gap, 0) * MINUTE,
    )
    is_first = n.c.id == slot.c.id
    looked_at = (
        select(
            n.c.id,
            n.c.starts_at,
            n.c.ends_at,
            (true() if is_free is None else is_free(n)).label("is_free"),
            or_(is_first, func.coalesce(goes_on, false())).label("goes_on"),
            or_(is_first, last_ends_at < slot.c.starts_at + duration_of(need)).label("is_needed"),
        )
        .select_from(n.outerjoin(rule, rule.c.id == n.c.rule_id))
        .correlate_except(n, rule)
        .subquery("o")
    )
    is_in_row = func.bool_and(looked_at.c.goes_on).over(order_by=looked_at.c.starts_at)
    needed = select(looked_at, is_in_row.label("is_in_row")).where(looked_at.c.is_needed)
    return needed.subquery("i")


def _following(slot: FromClause, need: FromClause) -> Any:
    """The slots that begin while the service lasts, and the next one.

    A service that ends inside the gap behind a slot takes the slot behind the gap, too.
    """
    n = time_slots.alias("n")
    ends_at = slot.c.starts_at + duration_of(need)
    of_doctor = (
        select(*(n.c[name] for name in LOOKED_AT))
        .where(n.c.doctor_id == slot.c.doctor_id, n.c.deleted_at.is_(None))
        .correlate_except(n)
    )
    meanwhile = of_doctor.where(n.c.starts_at >= slot.c.starts_at, n.c.starts_at < ends_at)
    behind = of_doctor.where(n.c.starts_at >= ends_at, n.c.starts_at < slot.c.starts_at + DAY)
    return union_all(meanwhile, behind.order_by(n.c.starts_at).limit(1))


def _gap_behind(slot: FromClause, rule: FromClause) -> ColumnElement[int | None]:
    """The minutes that the rule, or the exception, which made the slot leaves behind it."""
    e = availability_exceptions.alias("e")
    i = func.generate_subscripts(e.c.modes, 1).column_valued("i")
    wall = slot.c.wall_starts_at
    minute = extract("hour", wall) * 60 + extract("minute", wall)
    of_exception = (
        select(e.c.gap_minutes[i])
        .select_from(e, i.scalar_alias)
        .where(
            e.c.id == slot.c.rule_id, minute.between(e.c.start_minutes[i], e.c.end_minutes[i] - 1)
        )
        .limit(1)
        .correlate_except(e, i.scalar_alias)
        .scalar_subquery()
    )
    return case(
        (slot.c.rule_id.is_not(None), func.coalesce(rule.c.gap_minutes, of_exception)), else_=None
    )


def ends_of(slot: FromClause, need: FromClause) -> ColumnElement[Any]:
    """Return when what is taken from the slot on ends; a slot that is enough is not looked behind.

    Only of a slot from which on there is enough.
    """
    span = span_of(slot, need).subquery("t")
    of_several = select(span.c.ends_at).correlate_except(span).scalar_subquery()
    return case((is_enough(slot, need), slot.c.ends_at), else_=of_several)


def blocked_from(slot: FromClause, need: FromClause) -> ColumnElement[Any]:
    """Return from when on the doctor has to be free."""
    return slot.c.starts_at - minutes(need.c.buffer_before_minutes)


def blocked_until(span: FromClause, need: FromClause) -> ColumnElement[Any]:
    """Return until when the doctor has to be free, behind a row of `span_of`."""
    return span.c.ends_at + minutes(need.c.buffer_after_minutes)


def is_untaken(
    slot: FromClause, now: ColumnElement[Any], *, but: ColumnElement[Any] | None = None
) -> ColumnElement[bool]:
    """Return the condition that the slot is open, and nobody has it or is about to have it.

    `but` is an appointment that is looked at as if it were not there.
    """
    owner: ColumnElement[bool] = slot.c.appointment_id.is_(None)
    around: ColumnElement[bool] = slot.c.blocked_by.is_(None)
    if but is not None:
        owner = or_(owner, slot.c.appointment_id == but)
        around = or_(around, slot.c.blocked_by.bool_op("<@")(array([but])))
    return and_(slot.c.closed_because.is_(None), owner, around, hold_is_over(slot, now))


def no_hold(
    doctor_id: ColumnElement[Any], time: ColumnElement[Any], now: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return the condition that no hold in force keeps any of the doctor's time.

    A slot that it is on is its own for as long as it lasts, also where it is only kept clear.
    """
    h = time_slots.alias("h")
    keeping = select(h.c.id).where(
        h.c.doctor_id == doctor_id,
        h.c.hold_id.is_not(None),
        h.c.held_until > now,
        h.c.deleted_at.is_(None),
        or_(meets(during(h.c.starts_at, h.c.ends_at), time), meets(h.c.hold_blocks, time)),
    )
    return ~keeping.correlate_except(h).exists()
