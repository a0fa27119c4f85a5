"""The queue of deliveries in SQL: claims, what their owners write, and what becomes of lost ones.

What touches an endpoint and deliveries that nobody has claimed locks the endpoint first.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Interval,
    SmallInteger,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from booking_system.platform.postgres.phrases import (
    INSTANT,
    a_text,
    an_id,
    given,
    how_many,
    ids,
    instant,
    materialized,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.webhooks.domain.retrying import MOST_ATTEMPTS
from booking_system.webhooks.records.tables import webhook_deliveries, webhook_endpoints

MOST_OF_ENDPOINT = 4
"""At a time, over all workers; of a failing endpoint a single one."""
MOST_RESCUED = 100
LOST = "worker_lost"

d, e = webhook_deliveries, webhook_endpoints
_now: ColumnElement[Any] = func.clock_timestamp(type_=INSTANT)


def within(name: str) -> ColumnElement[Any]:
    """Return the instant by the database's clock that is as far away as the value says."""
    return _now + bindparam(name, type_=Interval())


def _rescuing() -> Any:
    over = (
        select(d.c.id)
        .where(d.c.state == "sending", d.c.lease_until < _now)
        .order_by(d.c.lease_until)
        .limit(MOST_RESCUED)
        .with_for_update(skip_locked=True)
    )
    found = materialized("found", over)
    was_last = d.c.attempts >= MOST_ATTEMPTS
    return (
        update(d)
        .where(d.c.id == found.c.id)
        .values(
            state=case((was_last, "failed"), else_="pending"),
            ended_at=case((was_last, _now), else_=None),
            token=d.c.token + 1,
            lease_until=None,
            error_code=LOST,
        )
    )


RESCUE = Statement(_rescuing())
"""What was on its way may have arrived: it goes again, with the same id."""


def _locking() -> Any:
    is_due = (
        select(literal(1))
        .where(d.c.endpoint_id == e.c.id, d.c.state == "pending", d.c.due_at <= instant("now"))
        .exists()
    )
    is_failing = bindparam("is_failing", type_=Boolean())
    return (
        select(e.c.id)
        .where(
            e.c.state == "enabled",
            e.c.deleted_at.is_(None),
            (e.c.failures > 0) == is_failing,
            or_(e.c.rests_until.is_(None), e.c.rests_until <= instant("now")),
            is_due,
        )
        .order_by(func.random())
        .limit(how_many("most"))
        .with_for_update(key_share=True, skip_locked=True)
    )


LOCK_ENDPOINTS = Statement(_locking())


def _claiming() -> Any:
    s = d.alias("s")
    under_way = select(func.count()).where(s.c.endpoint_id == e.c.id, s.c.state == "sending")
    p = d.alias("p")
    order = (p.c.due_at, p.c.event_seq)
    place = func.row_number().over(order_by=order).label("place")
    due = (
        select(p.c.id, p.c.due_at, place)
        .where(p.c.endpoint_id == e.c.id, p.c.state == "pending", p.c.due_at <= instant("now"))
        .order_by(*order)
        .limit(MOST_OF_ENDPOINT)
        .lateral("due")
    )
    room = case((e.c.failures > 0, 1), else_=MOST_OF_ENDPOINT)
    chosen = (
        select(due.c.id)
        .select_from(e.join(due, true()))
        .where(
            e.c.id == func.any(ids("endpoints")),
            due.c.place <= room - under_way.scalar_subquery(),
        )
        .order_by(due.c.place, due.c.due_at)
        .limit(how_many("most"))
    )
    found = materialized("found", chosen)
    former = case((e.c.former_until > instant("now"), e.c.former_secret), else_=None)
    return (
        update(d)
        .where(d.c.id == found.c.id, d.c.state == "pending", e.c.id == d.c.endpoint_id)
        .values(
            state="sending",
            token=d.c.token + 1,
            lease_until=within("lease"),
            attempts=d.c.attempts + 1,
            attempted_at=instant("now"),
        )
        .returning(
            d.c.id,
            d.c.token,
            d.c.attempts,
            d.c.endpoint_id,
            e.c.url,
            e.c.with_patients,
            e.c.secret,
            former.label("former_secret"),
            d.c.event_seq,
            d.c.event_id,
            d.c.name,
            d.c.occurred_at,
            d.c.payload,
        )
    )


CLAIM = Statement(_claiming())
"""In a statement of its own, behind the locks: it sees what workers before have claimed."""

LOCK_ENDPOINT = Statement(
    select(e.c.clinic_id, e.c.state, e.c.failures, e.c.failing_since, e.c.rests_until)
    .where(e.c.id == an_id("endpoint_id"), e.c.deleted_at.is_(None))
    .with_for_update(key_share=True)
)


def _is_ours() -> ColumnElement[bool]:
    return and_(
        d.c.id == an_id("id"),
        d.c.token == bindparam("token", type_=Integer()),
        d.c.state == "sending",
    )


_status = bindparam("last_status", type_=SmallInteger())
_told = {"last_status": _status, "error_code": a_text("error_code"), "answer": a_text("answer")}
FINISH = Statement(
    update(d)
    .where(_is_ours())
    .values(state="delivered", lease_until=None, ended_at=instant("now"), **_told)
    .returning(d.c.id)
)
PUT_OFF = Statement(
    update(d)
    .where(_is_ours())
    .values(
        state=a_text("state"),
        lease_until=None,
        due_at=func.coalesce(instant("due_at"), d.c.due_at),
        ended_at=instant("ended_at"),
        **_told,
    )
    .returning(d.c.id)
)
NOTE_HEALTH = Statement(
    update(e)
    .where(e.c.id == an_id("endpoint_id"))
    .values({name: given(e.c[name]) for name in ("failures", "failing_since", "rests_until")})
)
NOTE_WELL = Statement(
    update(e)
    .where(e.c.id == an_id("endpoint_id"), e.c.failures > 0)
    .values(failures=0, failing_since=None, rests_until=None)
)
DISABLE = Statement(
    update(e)
    .where(e.c.id == an_id("endpoint_id"), e.c.state == "enabled")
    .values(
        state="disabled",
        reason=a_text("reason"),
        state_since=instant("now"),
        updated_at=instant("now"),
        version=e.c.version + 1,
        rests_until=None,
    )
    .returning(e.c.clinic_id)
)
PAUSE = Statement(
    update(d)
    .where(d.c.endpoint_id == an_id("endpoint_id"), d.c.state == "pending")
    .values(state="paused")
)
