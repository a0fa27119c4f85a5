"""What providers tell later, in SQL: states move forward by their rank, not by who came first."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Uuid, bindparam, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from booking_system.notifications.records.tables import message_ledger, message_reports
from booking_system.platform.postgres.phrases import INSTANT, a_text, an_id, given, instant
from booking_system.platform.postgres.statement import Statement

m, r = message_ledger, message_reports
_RANK = {"sent": 1, "delivered": 3, "failed": 2}
"""A message that was brought stays so, and nothing that is told later changes it."""
_LATE = ("planned", "claimed")
"""It was taken for lost, and is to be sent once more."""


def _storing() -> Any:
    names = ("provider", "event_id", "message_id", "reported", "code", "at")
    values = {name: given(r.c[name]) for name in names}
    new = insert(r).values({**values, "stored_at": instant("now")})
    return new.on_conflict_do_nothing().returning(r.c.event_id)


STORE = Statement(_storing())
"""No row: it was told before."""

_named = bindparam("message_id", type_=Uuid())
_clinic = bindparam("clinic_id", type_=Uuid())
_may_tell = or_(_clinic.is_(None), m.c.clinic_id == _clinic)
_of_provider = select(m.c.id).where(
    m.c.provider == a_text("provider"), m.c.provider_id == a_text("provider_id"), _may_tell
)
_ours = select(m.c.id).where(m.c.id == _named, _may_tell)
FIND = Statement(
    select(func.coalesce(_ours.scalar_subquery(),
                         _of_provider.scalar_subquery()))
)  # fmt: skip
"""Ours, by our own id or else the provider's; null where we know of none.

An account of a clinic tells of messages of that clinic only.
"""


IS_OF_ACCOUNT = Statement(select(m.c.appointment_id.is_(None)).where(m.c.id == an_id("id")))


def _rank() -> ColumnElement[int]:
    whens = {**_RANK, **dict.fromkeys(("sending", "unknown", *_LATE), 0)}
    ranks: ColumnElement[int] = case(whens, value=m.c.state, else_=9)
    return ranks


def _advancing() -> Any:
    is_repeat = m.c.state.in_(_LATE)
    # A message that was never begun cannot have been taken.
    was_begun = m.c.began > 0
    return (
        update(m)
        .where(m.c.id == an_id("id"), was_begun, _rank() < bindparam("rank", type_=Integer()))
        .values(
            state=a_text("state"),
            reason=a_text("reason"),
            error_code=a_text("code"),
            lease_until=None,
            token=m.c.token + case((is_repeat, 1), else_=0),
            ended_at=func.coalesce(m.c.ended_at, func.clock_timestamp(type_=INSTANT)),
        )
        .returning(m.c.channel, m.c.kind)
    )


ADVANCE = Statement(_advancing())
RANK = _RANK
