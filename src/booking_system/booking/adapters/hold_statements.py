"""The statements about holds: columns of the slot's row."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    any_,
    bindparam,
    case,
    distinct,
    exists,
    func,
    or_,
    select,
)

from booking_system.booking.domain.holding import Quota
from booking_system.directory.records.tables import patients
from booking_system.identity.records.tables import role_grants
from booking_system.platform.postgres.outbox import recording
from booking_system.platform.postgres.phrases import an_id, during, given, ids, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import changed, in_order, let_go
from booking_system.scheduling.records.slots import slot_columns
from booking_system.scheduling.records.tables import time_slots


class Placing(NamedTuple):
    """A hold and its events: what it keeps, for whom, and on which terms."""

    touched_ids: list[UUID]
    """All slots that it keeps, also those that it only keeps clear."""
    taken_ids: tuple[UUID, ...]
    """Those that are to be booked, in time order."""
    blocked_from: datetime | None
    blocked_until: datetime | None
    moved_id: UUID | None
    """An appointment that it is to move, whose own slots are not held."""
    hold_id: UUID
    held_until: datetime
    hold_minutes: int
    hold_extended: bool
    held_for: UUID | None
    held_by: UUID | None
    hold_network: bytes | None
    hold_service_id: UUID | None
    hold_duration_minutes: int | None
    hold_price_amount: int | None
    hold_price_currency: str | None
    hold_payment: str | None
    hold_deposit_amount: int | None
    events: str


def _placing() -> Any:
    own = {name: given(time_slots.c[name]) for name in Placing._fields if name in time_slots.c}
    since, until, moved_id = instant("blocked_from"), instant("blocked_until"), an_id("moved_id")
    place = func.array_position(ids("taken_ids"), time_slots.c.id, type_=Integer())
    # Those that are only kept clear have no place: they are not booked when the others are.
    held = changed(
        **own, hold_place=place, hold_blocks=case((since.is_not(None), during(since, until)))
    ).where(
        time_slots.c.id == any_(ids("touched_ids")),
        or_(moved_id.is_(None), time_slots.c.appointment_id.is_distinct_from(moved_id)),
    )
    return held.add_cte(recording())


PLACE = Statement(_placing(), Placing)

RELEASE = Statement(let_go().where(time_slots.c.hold_id == an_id("hold_id")).add_cte(recording()))


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer())


def _others_held(whose: ColumnElement[bool]) -> Select[Any]:
    """How many holds in force are theirs, the one on the wanted slot not counted."""
    wanted = time_slots.alias("wanted")
    hold_id = time_slots.c.hold_id
    the_one = select(wanted.c.hold_id).where(wanted.c.id == an_id("slot_id")).scalar_subquery()
    return select(func.count(distinct(hold_id))).where(
        whose,
        hold_id.is_not(None),
        time_slots.c.held_until > instant("now"),
        hold_id.is_distinct_from(the_one),
    )


_BY_USER = time_slots.c.held_by == an_id("user_id")
_FOR_THEMSELVES = an_id("own_patient_id")

COUNTS = {
    Quota.PATIENT: Statement(_others_held(_BY_USER & (time_slots.c.held_for == _FOR_THEMSELVES))),
    Quota.USER: Statement(
        _others_held(
            _BY_USER
            & or_(
                time_slots.c.held_for.is_(None),
                time_slots.c.held_for.is_distinct_from(_FOR_THEMSELVES),
            )
        )
    ),
    Quota.NETWORK: Statement(
        _others_held(time_slots.c.hold_network == given(time_slots.c.hold_network, "network"))
    ),
}


def _held_slots() -> tuple[FromClause, Select[Any]]:
    slot = time_slots.alias("s")
    grant, patient = role_grants.alias("g"), patients.alias("p")
    is_staff = exists().where(
        grant.c.user_id == slot.c.held_by, grant.c.clinic_id == slot.c.clinic_id
    )
    is_the_patient = exists().where(
        patient.c.id == slot.c.held_for, patient.c.user_id == slot.c.held_by
    )
    has_left = slot.c.held_by.is_not(None) & ~is_staff & ~is_the_patient
    columns = (*slot_columns(slot), has_left.label("is_abandoned"))
    return slot, select(*columns).where(slot.c.hold_id == an_id("hold_id"))


_SLOT, _HELD = _held_slots()

HELD = Statement(_HELD)
"""Where neither a member of the clinic's staff nor the patient made it, its maker has left."""

LOCK = Statement(in_order(_HELD, _SLOT))

CALENDARS_OF = Statement(
    select(time_slots.c.doctor_id)
    .where(time_slots.c.hold_id == an_id("hold_id"), time_slots.c.outside_availability)
    .distinct()
)

IS_IN_FORCE = Statement(
    select(
        exists().where(
            time_slots.c.hold_id == an_id("hold_id"), time_slots.c.held_until > instant("now")
        )
    )
)
