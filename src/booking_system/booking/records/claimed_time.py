"""Which slots and which time appointments claim, for statements that lock, share or look."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    case,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE

from booking_system.booking.records.tables import appointments
from booking_system.platform.postgres.phrases import meets
from booking_system.scheduling.records.claims import is_near
from booking_system.scheduling.records.tables import time_slots

OPEN = ("confirmed", "checked_in")
OVER_UNUSED = ("cancelled", "expired")


def is_open(appointment: FromClause) -> ColumnElement[bool]:
    """Return the condition that it is neither over nor cancelled, and its time is its own."""
    return appointment.c.status.in_(OPEN)


def is_coming(appointment: FromClause, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that it is open, or waits for money that may still come in time."""
    return or_(is_open(appointment), appointment.c.pay_by > now)


def is_held_for_money(slot: FromClause, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that an appointment holds it, which waits for money in time."""
    waiting = appointments.alias("waiting")
    found = select(waiting.c.id).where(waiting.c.id == slot.c.hold_id, waiting.c.pay_by > now)
    return found.correlate(slot).exists()


def is_active(appointment: FromClause) -> ColumnElement[bool]:
    """Return the condition that it was neither cancelled nor left unpaid."""
    return appointment.c.status.not_in(OVER_UNUSED)


def reaches_further(appointment: FromClause) -> ColumnElement[bool]:
    """Return the condition that it claims time around its slots, or in the gaps between them."""
    return or_(
        appointment.c.blocked_from < appointment.c.starts_at,
        appointment.c.blocked_until > appointment.c.ends_at,
        func.cardinality(appointment.c.time_slot_ids) > 1,
    )


def slots_of(which: Callable[[FromClause], ColumnElement[bool]]) -> CompoundSelect[Any]:
    """Return the query for the ids of all slots that these appointments have or keep free."""
    a, n = appointments.alias("a"), time_slots.alias("n")
    own = select(func.unnest(a.c.time_slot_ids).label("id")).where(which(a))
    around = (
        select(n.c.id).select_from(a.join(n, is_near(n, a))).where(reaches_further(a), which(a))
    )
    return union_all(own, around)


def shared(
    whose: str,
    of: ColumnElement[Any],
    *,
    time: ColumnElement[Any],
    marked: ColumnElement[bool],
    but: ColumnElement[Any],
) -> ColumnElement[Any]:
    """Return what of this time others have already, `but` one appointment; null: not `marked`.

    `whose` time it is: that `of` a doctor or a patient (`"doctor"`, `"patient"`).
    """
    other = appointments.alias("o")
    theirs = other.c[f"{whose}_time"]
    taken = (
        select(func.range_agg(theirs, type_=TSTZMULTIRANGE()))
        .where(other.c[f"{whose}_id"] == of, is_active(other), other.c.id != but)
        .where(meets(theirs, time))
        .correlate_except(other)
        .scalar_subquery()
    )
    common = taken.op("*")(func.tstzmultirange(time, type_=TSTZMULTIRANGE()))
    return case((marked, func.coalesce(common, func.tstzmultirange(), type_=TSTZMULTIRANGE())))
