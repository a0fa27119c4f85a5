"""What becomes of time slots by appointments and holds: each change of a slot's row, and the locks.

A change is an `UPDATE` of `time_slots` that raises the version; the statement that uses it says of
which rows. Slots are locked by ascending id, by everybody.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SelectBase,
    Update,
    and_,
    case,
    func,
    null,
    select,
    true,
    union_all,
    update,
)

from booking_system.scheduling.records.holds import NO_HOLD
from booking_system.scheduling.records.slots import OUTSIDE, slot_meets
from booking_system.scheduling.records.tables import time_slots


def changed(**columns: Any) -> Update:
    """Write these columns."""
    return update(time_slots).values(version=time_slots.c.version + 1, **columns)


def given_to(
    appointment_id: ColumnElement[Any],
    *,
    shared: ColumnElement[bool] | None = None,
    are_held: bool = True,
) -> Update:
    """Let the appointment have them, and end the hold in them, if there may be one.

    Where they are `shared`, those that another appointment has stay with that one.
    """
    owner = time_slots.c.appointment_id
    if shared is not None:
        first = func.coalesce(owner, appointment_id, type_=owner.type)
        appointment_id = case((shared, first), else_=appointment_id)
    return changed(appointment_id=appointment_id, **(NO_HOLD if are_held else {}))


def kept_for_an_appointment(
    appointment_id: ColumnElement[Any],
    *,
    until: ColumnElement[Any],
    minutes: ColumnElement[Any],
    slot_ids: ColumnElement[Any],
    time: ColumnElement[Any],
) -> Update:
    """Hold them for the appointment, whose id the hold has: so nobody owns it but the appointment.

    `slot_ids` are those that it is to have, in time order; `time` is all that it keeps, null where
    that is its one slot.
    """
    place = func.array_position(slot_ids, time_slots.c.id, type_=Integer())
    hold = dict(NO_HOLD) | {
        "hold_id": appointment_id,
        "held_until": until,
        "hold_minutes": minutes,
        "hold_extended": True,
        "hold_place": place,
        "hold_blocks": time,
    }
    return changed(**hold)


def given_back() -> Update:
    """Take them from the appointment that has them."""
    return changed(appointment_id=null())


def let_go() -> Update:
    """End the hold in them."""
    return changed(**NO_HOLD)


def is_closable(slot: FromClause) -> ColumnElement[bool]:
    """Return the condition that the slot is open, or kept for one hold and closed to others."""
    return func.coalesce(slot.c.closed_because == OUTSIDE, true())


def kept_clear_for(appointment_id: ColumnElement[Any]) -> Update:
    """Keep them free around the appointment."""
    blocked_by = time_slots.c.blocked_by
    return changed(blocked_by=func.array_append(blocked_by, appointment_id, type_=blocked_by.type))


def not_kept_clear_for(appointment_ids: ColumnElement[Any]) -> Update:
    """Keep them free around these appointments no longer."""
    around = func.unnest(time_slots.c.blocked_by).column_valued("around")
    others = select(func.array_agg(around)).where(around != func.all(appointment_ids))
    return changed(blocked_by=others.correlate(time_slots).scalar_subquery())


def is_near(slot: FromClause, claim: FromClause) -> ColumnElement[bool]:
    """Return the condition that a live slot meets the time that a claim blocks, for an index.

    `claim` has `doctor_id`, `blocked_from` and `blocked_until`.
    """
    return and_(
        slot.c.doctor_id == claim.c.doctor_id,
        slot.c.deleted_at.is_(None),
        slot_meets(slot, claim.c.blocked_from, claim.c.blocked_until),
    )


def locked(*slot_ids: SelectBase) -> Select[Any]:
    """Return the query that locks these slots.

    The subqueries run before the wait: the statement behind it has to see that they still hold.
    """
    slot = time_slots.alias("s")
    wanted = slot_ids[0] if len(slot_ids) == 1 else union_all(*slot_ids)
    query = select(slot.c.id, slot.c.outside_availability).where(slot.c.id.in_(wanted))
    return in_order(query, slot)


def in_order(query: Select[Any], slot: FromClause) -> Select[Any]:
    """Return the query so that it locks its slots in the order that everybody keeps."""
    return query.order_by(slot.c.id).with_for_update(of=slot)
