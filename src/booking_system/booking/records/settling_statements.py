"""The statements that give time which was given up to the appointments that shared it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import FromClause, Select, Uuid, column, exists, func, not_, select, union, update
from sqlalchemy.dialects.postgresql import array, distinct_on

from booking_system.booking.records.cards import CARDS, appointment
from booking_system.booking.records.claimed_time import is_open, shared
from booking_system.booking.records.tables import appointments
from booking_system.platform.postgres.phrases import INSTANT, an_id, during, ids, instants
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import changed
from booking_system.scheduling.records.tables import time_slots


class LeftTime(NamedTuple):
    """Stretches of time that appointments had until now; the lists go side by side."""

    appointment_ids: Sequence[UUID]
    doctor_ids: Sequence[UUID]
    patient_ids: Sequence[UUID]
    since: Sequence[datetime]
    until: Sequence[datetime]


def _sharing() -> Select[Any]:
    a, left = appointments.alias("a"), _left("doctor_ids")
    of_doctors = select(a.c.id, a.c.created_at).where(
        a.c.doctor_id == left.c.whose,
        a.c.overbooked,
        is_open(a),
        a.c.blocked_from < left.c.until,
        a.c.blocked_until > left.c.since,
    )
    left = _left("patient_ids")
    of_patients = select(a.c.id, a.c.created_at).where(
        a.c.patient_id == left.c.whose,
        a.c.patient_doubled,
        is_open(a),
        a.c.starts_at < left.c.until,
        a.c.ends_at > left.c.since,
    )
    both = union(of_doctors, of_patients).subquery("sharing")
    others = select(both.c.id).where(both.c.id != func.all(ids("appointment_ids")))
    return others.order_by(both.c.created_at, both.c.id)


def _left(whose: str) -> FromClause:
    lists = func.unnest(ids(whose), instants("since"), instants("until"))
    columns = (column("whose", Uuid()), column("since", INSTANT), column("until", INSTANT))
    return lists.table_valued(*columns).render_derived(name="left_time")


SHARING = Statement(_sharing(), LeftTime)
"""The appointments that share time which was given back, the first to be booked first."""


def _first_overbooked() -> FromClause:
    a = appointments.alias("a")
    slot_id = func.unnest(ids("slot_ids"), type_=Uuid()).column_valued("slot_id")
    query = (
        select(slot_id.label("slot_id"), a.c.id)
        .where(a.c.time_slot_ids.bool_op("@>")(array([slot_id])), a.c.overbooked, is_open(a))
        .ext(distinct_on(slot_id))
        .order_by(slot_id, a.c.created_at, a.c.id)
    )
    return query.subquery("heir")


_HEIR = _first_overbooked()

HAND_OVER = Statement(
    changed(appointment_id=_HEIR.c.id).where(
        time_slots.c.id == _HEIR.c.slot_id, time_slots.c.appointment_id.is_(None)
    )
)
"""Each slot that is locked and was left goes to the appointment that was overbooked in it first."""


def _still_shared() -> FromClause:
    a = appointments.alias("m")
    of_doctor = shared(
        "doctor",
        a.c.doctor_id,
        time=during(a.c.blocked_from, a.c.blocked_until),
        marked=a.c.overbooked,
        but=a.c.id,
    )
    of_patient = shared(
        "patient",
        a.c.patient_id,
        time=during(a.c.starts_at, a.c.ends_at),
        marked=a.c.patient_doubled,
        but=a.c.id,
    )
    columns = (a.c.id, of_doctor.label("of_doctor"), of_patient.label("of_patient"))
    return select(*columns).where(a.c.id == an_id("appointment_id")).subquery("still_shared")


_STILL = _still_shared()

SHARE_LESS = Statement(
    update(appointments)
    .values(
        doctor_shared=_STILL.c.of_doctor,
        patient_shared=func.nullif(_STILL.c.of_patient, func.tstzmultirange()),
        patient_doubled=appointments.c.patient_doubled & not_(func.isempty(_STILL.c.of_patient)),
    )
    .where(appointments.c.id == _STILL.c.id)
)
"""The time that a marked appointment shares with nobody any more, nobody else may have."""


def _sole_owner() -> Select[Any]:
    slot = time_slots.alias("s")
    of_others = exists().where(
        slot.c.id == func.any(appointment.c.time_slot_ids),
        slot.c.appointment_id.is_distinct_from(appointment.c.id),
    )
    return CARDS.where(
        appointment.c.id == an_id("appointment_id"),
        appointment.c.overbooked,
        func.isempty(appointment.c.doctor_shared),
        ~of_others.correlate(appointment),
    ).with_for_update(of=appointment)


SOLE_OWNER = Statement(_sole_owner())
"""An appointment that was overbooked, if all of its time is its own by now."""
