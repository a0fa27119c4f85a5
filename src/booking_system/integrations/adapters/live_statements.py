"""The statements behind live slots: where time itself changes something, and what is there."""

from typing import Any

from sqlalchemy import BigInteger, any_, bindparam, func, select, union_all

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.feed import event_feed
from booking_system.platform.postgres.phrases import (
    an_id,
    days,
    how_many,
    ids,
    instant,
    minutes,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.tables import time_slots

SINCE, UNTIL, CLINIC_IDS = instant("since"), instant("until"), ids("clinic_ids")
s, c, d, e = time_slots, clinics, doctors, event_feed
_PLACE = (s.c.clinic_id, s.c.doctor_id, s.c.starts_at, s.c.ends_at)


def _by_time() -> Any:
    """Slots whose hold was over, whose notice began, or that came near enough, in the stretch."""
    over = select(*_PLACE).where(
        s.c.clinic_id == any_(CLINIC_IDS),
        s.c.hold_id.is_not(None),
        s.c.held_until >= SINCE,
        s.c.held_until < UNTIL,
    )
    near = (
        select(*_PLACE)
        .select_from(c.join(s, s.c.clinic_id == c.c.id))
        .where(c.c.id == any_(CLINIC_IDS), s.c.deleted_at.is_(None))
    )
    ahead = (minutes(c.c.min_notice_minutes), days(c.c.horizon_days))
    passing = (
        near.where(s.c.starts_at >= SINCE + one, s.c.starts_at < UNTIL + one) for one in ahead
    )
    return union_all(over, *passing)


BY_TIME: Statement[Any] = Statement(_by_time())
"""No event tells of these. `since` belongs to the stretch, `until` does not."""

THERE: Statement[Any] = Statement(
    select(s.c.id, s.c.version, s.c.starts_at, s.c.ends_at)
    .where(
        s.c.doctor_id == an_id("doctor_id"),
        s.c.deleted_at.is_(None),
        s.c.starts_at >= SINCE,
        s.c.starts_at < UNTIL,
    )
    .order_by(s.c.starts_at, s.c.id)
    .limit(how_many("most"))
)
"""The slots of a doctor that begin in a stretch of time, open or not."""

CLINIC_OF: Statement[Any] = Statement(
    select(d.c.clinic_id).where(d.c.id == an_id("doctor_id"), d.c.deleted_at.is_(None))
)

RELAYED_AT: Statement[Any] = Statement(
    select(e.c.relayed_at, func.now().label("now")).where(
        e.c.seq == bindparam("seq", type_=BigInteger())
    )
)
"""When an event of this number came into the feed, by the database's clock, and its now."""
