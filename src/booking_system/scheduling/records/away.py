"""When doctors, or whole clinics, are away: what time off and closures mean for slots."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Text,
    literal,
    or_,
    select,
    true,
    union_all,
)

from booking_system.platform.postgres.phrases import during
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.scheduling.records.tables import closures, time_off


def absences_to_come(
    clinic_id: ColumnElement[Any], doctor_id: ColumnElement[Any], now: ColumnElement[Any]
) -> CompoundSelect[Any]:
    """Return the query for `because`, `id` and `during` of what closes the doctor's slots."""
    parts = (
        (ClosedBecause.CLOSURE, closures, closures.c.clinic_id == clinic_id),
        (ClosedBecause.TIME_OFF, time_off, time_off.c.doctor_id == doctor_id),
    )
    return union_all(
        *(
            select(
                literal(because.value, Text).label("because"),
                absence.c.id,
                during(absence.c.starts_at, absence.c.ends_at).label("during"),
            ).where(is_theirs, absence.c.deleted_at.is_(None), absence.c.ends_at > now)
            for because, absence, is_theirs in parts
        )
    )


def is_away(
    clinic_id: ColumnElement[Any],
    doctor_id: ColumnElement[Any],
    starts_at: ColumnElement[Any],
    ends_at: ColumnElement[Any],
) -> ColumnElement[bool]:
    """Return the condition that time off of the doctor, or a closure, has some of the time."""
    parts = (
        (time_off, time_off.c.doctor_id == doctor_id),
        (closures, closures.c.clinic_id == clinic_id),
    )
    return or_(
        *(
            select(absence.c.id)
            .where(
                is_theirs,
                absence.c.deleted_at.is_(None),
                absence.c.starts_at < ends_at,
                absence.c.ends_at > starts_at,
            )
            .exists()
            for absence, is_theirs in parts
        )
    )


def keeping_closed(
    slot: FromClause, *, but: ColumnElement[Any] | None = None
) -> CompoundSelect[Any]:
    """Return the query for `because` and `id` of all that keeps the slot closed for a while.

    `but` is the id of an absence that is looked at as if it were over.
    """
    parts = (
        (ClosedBecause.TIME_OFF, time_off, time_off.c.doctor_id == slot.c.doctor_id),
        (ClosedBecause.CLOSURE, closures, closures.c.clinic_id == slot.c.clinic_id),
    )
    return union_all(
        *(
            select(literal(because.value, Text).label("because"), absence.c.id)
            .where(
                is_theirs,
                true() if but is None else absence.c.id != but,
                absence.c.deleted_at.is_(None),
                absence.c.starts_at < slot.c.ends_at,
                absence.c.ends_at > slot.c.starts_at,
            )
            .correlate(slot)
            for because, absence, is_theirs in parts
        )
    )


def next_to_close(slot: FromClause) -> Any:
    """Return what closes the slot when the one thing that closed it is over: a row, or none."""
    standing = keeping_closed(slot)
    return standing.order_by("id").limit(1).lateral("standing")
