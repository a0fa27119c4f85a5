"""The statements that merge two records of a patient: one stays, the other is the duplicate."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Text,
    Update,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZMULTIRANGE, array

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.booking.records.claimed_time import is_active, is_open
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.merged_patients import (
    DUPLICATE,
    NOW,
    STAYS,
    leading_to_the_one_that_stays,
)
from booking_system.platform.postgres.outbox import recording
from booking_system.platform.postgres.phrases import a_text, during, ids, meets
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import changed, locked
from booking_system.scheduling.records.tables import time_slots

OVERLAPS = "patient_overlap"
OVER = (AppointmentStatus.COMPLETED.value, AppointmentStatus.NO_SHOW.value)


class Following(NamedTuple):
    """Whose appointments go to whom, when, and what is said where some take place at one time."""

    stays: UUID
    duplicate: UUID
    now: datetime
    because: str


LOCK_SLOTS = Statement(
    locked(
        select(func.unnest(appointments.c.time_slot_ids)).where(
            appointments.c.patient_id == DUPLICATE, is_active(appointments)
        ),
        select(time_slots.c.id).where(
            time_slots.c.held_for == DUPLICATE, time_slots.c.hold_id.is_not(None)
        ),
    )
)
"""Each change of an appointment or a hold of the duplicate waits here, before it has read whose."""


def _new() -> Any:
    slot_id = func.unnest(appointments.c.time_slot_ids).column_valued("slot_id")
    return (
        select(appointments.c.id)
        .select_from(appointments.join(slot_id.scalar_alias, literal(True)))  # noqa: FBT003
        .where(
            appointments.c.patient_id == DUPLICATE,
            is_active(appointments),
            slot_id != func.all(ids("locked")),
        )
    )


IS_NEW = Statement(select(_new().exists()))
"""Whether the duplicate has an appointment in a slot that was not locked."""


def _overlapping() -> Any:
    staying, going = appointments.alias("staying"), appointments.alias("going")
    return (
        select(going.c.id)
        .join(staying, meets(staying.c.patient_time, going.c.patient_time))
        .where(
            going.c.patient_id == DUPLICATE,
            staying.c.patient_id == STAYS,
            is_open(going),
            is_open(staying),
        )
    )


OVERLAP = Statement(select(_overlapping().exists()))


def _at_one_time() -> Any:
    """The duplicate's appointments, and what the one who stays did during each.

    What took place at one time under both records cannot be undone: the time is shared. Open ones
    share nothing, so the constraint has the last word about them.
    """
    going, other = appointments.alias("going"), appointments.alias("other")
    took_place = or_(going.c.status.in_(OVER), other.c.status.in_(OVER))
    others = (
        select(func.range_agg(other.c.patient_time, type_=TSTZMULTIRANGE()))
        .where(
            other.c.patient_id == STAYS,
            is_active(other),
            meets(other.c.patient_time, going.c.patient_time),
            is_active(going),
            took_place,
        )
        .correlate(going)
        .scalar_subquery()
    )
    return select(going.c.id, others.label("others")).where(going.c.patient_id == DUPLICATE)


def _following() -> Update:
    going = appointments
    met = _at_one_time().subquery("met")
    is_alone: ColumnElement[bool] = met.c.others.is_(None)
    none = func.tstzmultirange(type_=TSTZMULTIRANGE())
    own = func.tstzmultirange(during(going.c.starts_at, going.c.ends_at), type_=TSTZMULTIRANGE())
    shared = func.coalesce(going.c.patient_shared, none).op("+")(met.c.others.op("*")(own))
    codes = func.coalesce(going.c.override_codes, cast(array([]), ARRAY(Text)))
    is_said = func.coalesce(literal(OVERLAPS) == any_(going.c.override_codes), False)
    return (
        update(going)
        .where(going.c.id == met.c.id)
        .values(
            patient_id=STAYS,
            version=going.c.version + 1,
            updated_at=NOW,
            patient_doubled=or_(going.c.patient_doubled, ~is_alone),
            patient_shared=case((is_alone, going.c.patient_shared), else_=shared),
            override_codes=case(
                (or_(is_alone, is_said), going.c.override_codes),
                else_=func.array_append(codes, OVERLAPS),
            ),
            override_reason=case(
                (is_alone, going.c.override_reason),
                else_=func.coalesce(going.c.override_reason, a_text("because")),
            ),
        )
    )


FOLLOW = Statement(_following(), Following)

HOLDS_FOLLOW = Statement(
    changed(held_for=STAYS).where(
        time_slots.c.held_for == DUPLICATE, time_slots.c.hold_id.is_not(None)
    )
)

GO = Statement(leading_to_the_one_that_stays().add_cte(recording()))
"""Records that were merged into the duplicate before lead to the record that stays, too.

It tells of the merge."""
