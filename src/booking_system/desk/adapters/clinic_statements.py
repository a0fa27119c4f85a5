"""The statements of a change of a clinic's clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Interval,
    Update,
    and_,
    bindparam,
    case,
    column,
    func,
    literal,
    or_,
    select,
)

from booking_system.booking.records.claimed_time import is_coming
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import (
    INSTANT,
    an_id,
    how_many,
    instant,
    instants,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.calendar_statements import LONGEST_SECONDS
from booking_system.scheduling.records.claims import changed
from booking_system.scheduling.records.holds import NO_HOLD
from booking_system.scheduling.records.slots import OUTSIDE, may_go
from booking_system.scheduling.records.tables import time_slots

CLINIC_ID, NOW = an_id("clinic_id"), instant("now")


class Stretches(NamedTuple):
    """Stretches of time (UTC) in which two clocks differ, side by side, and a clinic."""

    clinic_id: UUID
    since: Sequence[datetime]
    until: Sequence[datetime]


class SlotsToMove(NamedTuple):
    """Its slots to come there."""

    stretches: Stretches
    now: datetime


class Clocks(NamedTuple):
    """The same, and by how much its clock is ahead of UTC now, for each stretch."""

    stretches: Stretches
    now: datetime
    ahead: Sequence[timedelta]


class BookingsToList(NamedTuple):
    """The first of its appointments there."""

    stretches: Stretches
    now: datetime
    most: int


def _stretches(*more: Any) -> Any:
    columns: list[Any] = [column("since", INSTANT), column("until", INSTANT)]
    if more:
        columns.append(column("ahead", Interval()))
    lists = func.unnest(instants("since"), instants("until"), *more)
    return lists.table_valued(*columns).render_derived(name="stretch")


def _is_moved(stretch: Any) -> ColumnElement[bool]:
    slot = time_slots
    return and_(
        slot.c.clinic_id == CLINIC_ID,
        slot.c.deleted_at.is_(None),
        slot.c.starts_at > NOW,
        slot.c.starts_at >= stretch.c.since,
        slot.c.starts_at < stretch.c.until,
    )


def _withdrawing() -> Update:
    gone = changed(deleted_at=NOW, rule_id=None, **NO_HOLD)
    is_free = and_(time_slots.c.rule_id.is_not(None), may_go(time_slots, NOW))
    return gone.where(_is_moved(_stretches()), is_free)


def _setting_clocks() -> Update:
    slot, stretch = time_slots, _stretches(bindparam("ahead", type_=ARRAY(Interval())))
    is_by_hand = slot.c.rule_id.is_(None)
    stays = or_(is_by_hand, slot.c.outside_availability)
    closed = func.coalesce(slot.c.closed_because, literal(OUTSIDE))
    utc = slot.c.starts_at.op("AT TIME ZONE")("UTC")
    moved = changed(
        wall_starts_at=utc + stretch.c.ahead,
        outside_availability=or_(slot.c.outside_availability, ~is_by_hand),
        closed_because=case((is_by_hand, slot.c.closed_because), else_=closed),
    )
    return moved.values(version=slot.c.version + case((stays, 0), else_=1)).where(
        _is_moved(stretch)
    )


LOCK = Statement(
    select(clinics.c.time_zone, clinics.c.horizon_days)
    .where(clinics.c.id == CLINIC_ID, clinics.c.deleted_at.is_(None))
    .with_for_update(key_share=True)
)

LAST_START = Statement(
    select(
        func.greatest(
            select(func.max(time_slots.c.starts_at))
            .where(time_slots.c.clinic_id == CLINIC_ID, time_slots.c.deleted_at.is_(None))
            .scalar_subquery(),
            select(func.max(appointments.c.starts_at))
            .where(appointments.c.clinic_id == CLINIC_ID)
            .scalar_subquery(),
        )
    )
)

_MOVED_IN = _stretches()

MOVED_BOOKINGS = Statement(
    select(
        appointments.c.id,
        appointments.c.reference,
        appointments.c.doctor_id,
        appointments.c.time_slot_id,
        appointments.c.starts_at,
        func.count().over().label("moved"),
    )
    .where(
        appointments.c.clinic_id == CLINIC_ID,
        appointments.c.starts_at >= _MOVED_IN.c.since,
        appointments.c.starts_at < _MOVED_IN.c.until,
        is_coming(appointments, NOW),
    )
    .order_by(appointments.c.starts_at, appointments.c.id)
    .limit(how_many("most")),
    BookingsToList,
    seconds=LONGEST_SECONDS,
)

_to_come = (
    select(time_slots.c.id)
    .where(
        time_slots.c.clinic_id == CLINIC_ID,
        time_slots.c.deleted_at.is_(None),
        time_slots.c.starts_at > NOW,
    )
    .order_by(time_slots.c.id)
    .with_for_update()
)
LOCK_SLOTS = Statement(
    select(func.count()).select_from(_to_come.subquery("locked")), seconds=LONGEST_SECONDS
)

WITHDRAW = Statement(_withdrawing(), SlotsToMove, seconds=LONGEST_SECONDS)

SET_CLOCKS = Statement(_setting_clocks(), Clocks, seconds=LONGEST_SECONDS)
"""The plan that follows takes the mark from all that the hours want where they are."""

DOCTORS = Statement(
    select(doctors.c.id)
    .where(doctors.c.clinic_id == CLINIC_ID, doctors.c.deleted_at.is_(None))
    .order_by(doctors.c.id)
    .limit(how_many("most"))
)
