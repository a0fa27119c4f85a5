"""The ledger in SQL: what the owner of a claim writes, fenced, and what becomes of lost claims."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    Interval,
    Text,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as adding

from booking_system.booking.records.tables import appointments
from booking_system.notifications.domain.message import ANSWERS
from booking_system.notifications.records.tables import message_attempts, message_ledger
from booking_system.platform.postgres.phrases import (
    INSTANT,
    a_text,
    an_id,
    given,
    instant,
    materialized,
)
from booking_system.platform.postgres.statement import Statement

MOST_RESCUED = 100
MOST_SENDINGS = 2

KEY = ("appointment_id", "revision", "kind", "offset_minutes")

m = message_ledger
_now: ColumnElement[Any] = func.clock_timestamp(type_=INSTANT)


def within(name: str) -> ColumnElement[Any]:
    """Return the instant by the database's clock that is as far away as the value says."""
    return _now + bindparam(name, type_=Interval())


def _rescuing() -> Any:
    over = (
        select(m.c.id)
        .where(m.c.state.in_(["claimed", "sending", "unknown"]), m.c.lease_until < _now)
        .order_by(m.c.lease_until)
        .limit(MOST_RESCUED)
        .with_for_update(skip_locked=True)
    )
    found = materialized("found", over)
    may_repeat = and_(m.c.channel == "email", m.c.began < MOST_SENDINGS)
    # What was only claimed was not begun; what was begun may have been taken.
    state = case(
        (m.c.state == "claimed", "planned"),
        (m.c.state == "sending", "unknown"),
        (may_repeat, "planned"),
        else_="failed",
    )
    is_left = m.c.state == "sending"
    is_given_up = and_(m.c.state == "unknown", ~may_repeat)
    return (
        update(m)
        .where(m.c.id == found.c.id)
        .values(
            state=state,
            token=m.c.token + case((is_left, 0), else_=1),
            lease_until=case((is_left, within("patience")), else_=None),
            reason=case((is_given_up, "unknown"), else_=m.c.reason),
            ended_at=case((is_given_up, _now), else_=None),
        )
    )


RESCUE = Statement(_rescuing())


def _is_ours(*states: str) -> ColumnElement[bool]:
    return and_(
        m.c.id == an_id("id"),
        m.c.token == bindparam("token", type_=Integer()),
        m.c.state.in_(states),
    )


def _beginning() -> Any:
    begun = (
        update(m)
        .where(_is_ours("claimed"), m.c.lease_until > _now)
        .values(
            state="sending",
            began=m.c.began + 1,
            attempts=m.c.attempts + 1,
            began_at=_now,
            lease_until=within("lease"),
            provider=a_text("provider"),
            sent_to=given(m.c.sent_to),
        )
        .returning(m.c.id, m.c.token, m.c.began_at, m.c.provider)
        .cte("begun")
    )
    names = ["message_id", "token", "began_at", "provider"]
    return insert(message_attempts).from_select(names, select(*begun.c))


BEGIN = Statement(_beginning())
"""`INSERT 0 1`, or 0 where the claim was lost."""
STILL_BEGUN = Statement(select(m.c.id).where(_is_ours("sending")).with_for_update())
LOCK_APPOINTMENT = Statement(
    select(appointments.c.revision, appointments.c.status)
    .where(appointments.c.id == an_id("appointment_id"))
    .with_for_update(read=True)
)
"""A share lock: who cancels or moves it meanwhile waits, and a key share would not stop them."""

UNDO_BEGIN = Statement(
    update(m)
    .where(_is_ours("sending"))
    .values(
        state="withdrawn", reason="superseded", lease_until=None, ended_at=_now, began=m.c.began - 1
    )
)


def _finishing() -> Any:
    t = message_attempts
    told = {"provider_id": a_text("provider_id")}
    attempt = (
        update(t)
        .where(t.c.message_id == an_id("id"), t.c.token == bindparam("token", type_=Integer()))
        .values(outcome="sent", **told)
        .returning(t.c.message_id)
        .cte("attempt")
    )
    # A repeat that has not begun is not needed any more: what was sent late was sent.
    is_open = m.c.state.in_(["sending", "unknown"])
    is_same = m.c.token == bindparam("token", type_=Integer())
    not_begun = m.c.state.in_(["planned", "claimed"])
    return (
        update(m)
        .where(m.c.id == attempt.c.message_id, or_(and_(is_open, is_same), not_begun))
        .values(
            state="sent",
            token=m.c.token + case((is_same, 0), else_=1),
            lease_until=None,
            ended_at=_now,
            reason=None,
            provider=a_text("provider"),
            **told,
        )
    )


FINISH = Statement(_finishing())
LATE = timedelta(seconds=30)
"""So long before it is not waited for any more, a provider's list has what it took."""
UNSETTLED = Statement(
    select(
        m.c.id,
        m.c.token,
        m.c.channel,
        m.c.attempts,
        m.c.began_at,
        m.c.sent_to,
        (m.c.lease_until < _now + literal(LATE)).label("is_late"),
    )
    .where(
        m.c.state == "unknown",
        m.c.channel == "sms",
        m.c.provider == a_text("provider"),
        m.c.sent_to.is_not(None),
    )
    .order_by(m.c.lease_until)
    .limit(literal(MOST_RESCUED))
)
KNOWN = Statement(
    select(m.c.provider_id).where(
        m.c.provider == a_text("provider"),
        m.c.provider_id == func.any(bindparam("provider_ids", type_=ARRAY(Text()))),
    )
)


def _ending_attempt(outcome: str) -> CTE:
    t = message_attempts
    return (
        update(t)
        .where(t.c.message_id == an_id("id"), t.c.token == bindparam("token", type_=Integer()))
        .values(outcome=outcome, error_code=a_text("code"))
        .cte("attempt")
    )


_was_begun = case((m.c.state == "sending", 1), else_=0)
"""Surely it was not taken, so it does not count as sent perhaps."""
PUT_OFF = Statement(
    update(m)
    .where(_is_ours("claimed", "sending"))
    .values(
        state="planned",
        lease_until=None,
        due_at=instant("until"),
        error_code=a_text("code"),
        began=m.c.began - _was_begun,
        # An attempt that ended before it began counts as one, too.
        attempts=m.c.attempts + 1 - _was_begun,
    )
    .add_cte(_ending_attempt("not_sent"))
)
WAIT = Statement(
    update(m)
    .where(_is_ours("claimed"))
    .values(state="planned", lease_until=None, due_at=instant("until"))
)
UNKNOWN = Statement(
    update(m)
    .where(_is_ours("sending"))
    .values(state="unknown", lease_until=within("patience"), error_code=a_text("code"))
    .add_cte(_ending_attempt("unknown"))
)
NOT_TAKEN = Statement(
    update(m)
    .where(_is_ours("unknown"), m.c.began < MOST_SENDINGS)
    .values(state="planned", lease_until=None, due_at=instant("now"), token=m.c.token + 1)
    .add_cte(_ending_attempt("not_sent"))
)
END = Statement(
    update(m)
    .where(_is_ours("claimed", "sending"))
    .values(
        state=a_text("state"),
        reason=a_text("reason"),
        error_code=a_text("code"),
        lease_until=None,
        ended_at=instant("now"),
        began=m.c.began - _was_begun,
    )
    .returning(m.c.id)
    .add_cte(_ending_attempt("not_sent"))
)
"""Withdrawn, skipped or failed."""


def _falling_back() -> Any:
    other = case((m.c.channel == "email", "sms"), else_="email")
    names = [*KEY, "recipient_key", "clinic_id", "lane", "not_after"]
    row = select(
        *(m.c[name] for name in names),
        an_id("new_id"),
        other,
        instant("now"),
        instant("now"),
        literal("planned"),
    ).where(
        m.c.id == an_id("id"), m.c.appointment_id.is_not(None), m.c.kind.not_in(sorted(ANSWERS))
    )
    return (
        adding(m)
        .from_select([*names, "id", "channel", "planned_at", "due_at", "state"], row)
        .on_conflict_do_nothing()
    )


FALL_BACK = Statement(_falling_back())
"""The same message through the other channel, where it has none there.

Never of an account, and who wrote an SMS is answered by no mail.
"""
