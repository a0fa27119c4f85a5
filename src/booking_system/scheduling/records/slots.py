"""A time slot's row: its columns, and what they make. The facts of a slot, each worded once."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, select

from booking_system.directory.records.tables import doctors
from booking_system.platform.postgres.phrases import DAY
from booking_system.scheduling.domain.time_slot import ClosedBecause, TimeSlot
from booking_system.scheduling.records.holds import NO_HOLD, hold_is_over, hold_of
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

BY_HAND, OUTSIDE = ClosedBecause.BY_HAND.value, ClosedBecause.OUTSIDE_AVAILABILITY.value

SLOT = (
    "clinic_id",
    "doctor_id",
    "starts_at",
    "ends_at",
    "mode",
    "closed_because",
    "appointment_id",
    "blocked_by",
    "outside_availability",
    *NO_HOLD,
)


def slot_columns(slot: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of which `slot_of` makes a slot, beside those of other things."""
    numbers = (slot.c.id.label("slot_id"), slot.c.version.label("slot_version"))
    return (*numbers, *(slot.c[name] for name in SLOT))


def slot_of(row: Any, moves: AppointmentId | None = None) -> TimeSlot:
    """Make a slot of a row with `slot_columns`, as if the appointment `moves` were not there."""
    owner, around = row["appointment_id"], row["blocked_by"]
    return TimeSlot(
        id=row["slot_id"],
        clinic_id=row["clinic_id"],
        doctor_id=row["doctor_id"],
        period=Period(row["starts_at"], row["ends_at"]),
        mode=Mode(row["mode"]),
        appointment_id=None if owner == moves else owner,
        closed_because=reason_of(row),
        is_blocked=any(one != moves for one in around or ()),
        is_outside=row["outside_availability"],
        hold=hold_of(row),
        version=row["slot_version"],
    )


def reason_of(row: Any) -> ClosedBecause | None:
    """Return why the slot of a row with `closed_because` is closed; None where it is not."""
    closed = row["closed_because"]
    return None if closed is None else ClosedBecause(closed)


def may_go(slot: FromClause, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that nobody has the slot, or has decided about it by hand."""
    return and_(
        slot.c.appointment_id.is_(None),
        hold_is_over(slot, now),
        slot.c.closed_because.is_distinct_from(BY_HAND),
    )


def clinic_of(doctor_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the clinic of the doctor, which leads to an index of slots by clinic."""
    return select(doctors.c.clinic_id).where(doctors.c.id == doctor_id).scalar_subquery()


def slot_meets(
    slot: FromClause, starts_at: ColumnElement[Any], ends_at: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return the condition that the slot has some of the time, worded for an index by start.

    No slot lasts longer than a day.
    """
    return and_(
        slot.c.starts_at < ends_at,
        slot.c.ends_at > starts_at,
        slot.c.starts_at > starts_at - DAY,
    )
