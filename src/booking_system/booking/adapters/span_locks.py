"""The statements that lock and read all slots that a booking or a move would meet."""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    cast,
    extract,
    func,
    select,
    true,
    union,
)

from booking_system.booking.records.span_changes import ITS_SLOTS
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import services
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import is_near, locked
from booking_system.scheduling.records.slots import slot_columns
from booking_system.scheduling.records.spans import blocked_from, blocked_until, span_of
from booking_system.scheduling.records.tables import time_slots

SLOT = time_slots.alias("t")
"""The slot in which it would begin."""
IS_WANTED = (SLOT.c.id == an_id("slot_id"), SLOT.c.deleted_at.is_(None))
OF_SLOT = tuple(
    SLOT.c[name] for name in ("id", "doctor_id", "starts_at", "mode", "wall_starts_at", "hold_id")
)


def _of_service() -> CTE:
    """What the service needs from the slot on; without a service, the slot."""
    service = services.alias("v")
    is_of_clinic = service.c.clinic_id == SLOT.c.clinic_id
    numbers = ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes")
    return (
        select(*OF_SLOT, *(func.coalesce(service.c[name], 0).label(name) for name in numbers))
        .select_from(SLOT.outerjoin(service, (service.c.id == an_id("service_id")) & is_of_clinic))
        .where(*IS_WANTED)
        .cte("needed")
    )


def _of_appointment() -> CTE:
    """What was agreed for the appointment, if it begins in the slot."""
    a = appointments.alias("a")
    return (
        select(
            *OF_SLOT,
            a.c.duration_minutes,
            _minutes(a.c.starts_at - a.c.blocked_from).label("buffer_before_minutes"),
            _minutes(a.c.blocked_until - a.c.ends_at).label("buffer_after_minutes"),
        )
        .select_from(SLOT.join(a, a.c.id == an_id("appointment_id")))
        .where(*IS_WANTED)
        .cte("needed")
    )


def _minutes(interval: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(extract("epoch", interval), Integer) // 60


def _wanted(needed: CTE) -> CTE:
    """The same, with the slots that it takes and all the time that its doctor has to be free."""
    span = span_of(needed, needed).lateral("span")
    return (
        select(
            needed,
            span.c.slot_ids,
            blocked_from(needed, needed).label("blocked_from"),
            blocked_until(span, needed).label("blocked_until"),
        )
        .select_from(needed.join(span, true()))
        .cte("wanted")
    )


def _met(wanted: CTE) -> CTE:
    """All slots that it meets, those of the slot's hold, and the next ones on both sides.

    Two bookings that keep the same time between slots free, as buffers, both meet one of these: so
    one waits for the other.
    """
    n = time_slots.alias("n")
    near = select(n.c.id).select_from(wanted.join(n, is_near(n, wanted)))
    held = select(n.c.id).select_from(wanted.join(n, n.c.hold_id == wanted.c.hold_id))
    last = (
        select(n.c.id)
        .where(n.c.starts_at < wanted.c.blocked_from, n.c.ends_at <= wanted.c.blocked_from)
        .order_by(n.c.starts_at.desc())
    )
    next_one = select(n.c.id).where(n.c.starts_at >= wanted.c.blocked_until).order_by(n.c.starts_at)
    beside = (_beside_buffers(wanted, n, query) for query in (last, next_one))
    return union(near, held, *beside).cte("met")


def _beside_buffers(wanted: CTE, slot: FromClause, query: Select[Any]) -> Select[Any]:
    of_doctor = query.where(slot.c.doctor_id == wanted.c.doctor_id, slot.c.deleted_at.is_(None))
    one = of_doctor.limit(1).correlate(wanted).lateral("beside")
    has_buffers = wanted.c.buffer_before_minutes + wanted.c.buffer_after_minutes > 0
    return select(one.c.id).select_from(wanted.join(one, true())).where(has_buffers)


def _nearby(wanted: CTE) -> Select[Any]:
    slot = time_slots.alias("s")
    place = func.array_position(wanted.c.slot_ids, slot.c.id, type_=Integer())
    is_met = (slot.c.starts_at < wanted.c.blocked_until) & (slot.c.ends_at > wanted.c.blocked_from)
    return select(
        *slot_columns(slot),
        place.label("place"),
        is_met.label("is_met"),
        wanted.c.buffer_before_minutes,
        wanted.c.buffer_after_minutes,
    ).select_from(wanted.join(slot, slot.c.id.in_(select(_met(wanted).c.id))))


_BY_SERVICE, _BY_APPOINTMENT = _wanted(_of_service()), _wanted(_of_appointment())

NEARBY = Statement(_nearby(_BY_SERVICE))
"""The slots that a booking of the service from the slot on meets.

`place` counts those that it takes, in time order; None: it only keeps them free."""

NEARBY_TO_MOVE = Statement(_nearby(_BY_APPOINTMENT))
"""The same for an appointment that would begin in the slot."""

LOCK_NEARBY = Statement(locked(select(_met(_BY_SERVICE).c.id)))

LOCK_TO_HOLD_FOR_MOVE = Statement(locked(select(_met(_BY_APPOINTMENT).c.id)))

LOCK_TO_MOVE = Statement(locked(select(_met(_BY_APPOINTMENT).c.id), ITS_SLOTS))
