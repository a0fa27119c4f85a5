"""The statements that read appointments, one for each set of filters, so that each has its plan."""

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import array

from booking_system.booking.domain.history import Action
from booking_system.booking.domain.party import Side
from booking_system.booking.records.cards import CARDS, appointment
from booking_system.booking.records.claimed_time import is_active
from booking_system.booking.records.tables import (
    appointment_history,
    appointment_references,
    appointments,
)
from booking_system.directory.records.references import has_external_id
from booking_system.directory.records.tables import doctors, patients
from booking_system.platform.postgres.phrases import (
    INSTANT,
    a_text,
    an_id,
    how_many,
    ids,
    instant,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.tables import time_slots

IT = appointment.c.id == an_id("appointment_id")
SORT_KEY = (appointment.c.starts_at, appointment.c.id)

USUAL_FILTERS = {
    "clinic_id": appointment.c.clinic_id == an_id("clinic_id"),
    "doctor_id": appointment.c.doctor_id == an_id("doctor_id"),
    "patient_id": appointment.c.patient_id == an_id("patient_id"),
    "statuses": appointment.c.status == any_(bindparam("statuses", type_=ARRAY(Text()))),
    "since": appointment.c.starts_at >= instant("since"),
    "until": appointment.c.starts_at < instant("until"),
}
FILTERS = USUAL_FILTERS | {
    "reference": appointment.c.reference == a_text("reference"),
    "external_id": has_external_id(appointment.c.id, appointment_references, "appointment_id"),
}
"""What each filter asks."""

WAYS_TO_SEE = {
    "own_patient_id": appointment.c.patient_id == an_id("own_patient_id"),
    "own_doctor_ids": appointment.c.doctor_id == any_(ids("own_doctor_ids")),
    "own_clinic_ids": appointment.c.clinic_id == any_(ids("own_clinic_ids")),
}
"""What brings an appointment into a scope, by whose it is."""

Ways = frozenset[str] | None
"""Of `WAYS_TO_SEE`; None: all that is asked for lies inside the scope."""


class Page(NamedTuple):
    """The filters and the order of a page; the names of what they ask for are its values."""

    filters: frozenset[str]
    ways: Ways
    is_outside: bool
    is_latest_first: bool
    is_continued: bool


def _is_seen(ways: Ways) -> ColumnElement[bool]:
    """Return the condition that keeps the reader inside the scope.

    Where a filter already lies inside the scope nothing is added to it: an `OR` over three columns
    would cost the index that delivers the rows in order.
    """
    return true() if ways is None else or_(false(), *(WAYS_TO_SEE[way] for way in sorted(ways)))


def _is_outside(clinic_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that hours in force do not want its slots any more.

    Few, and found by themselves: by way of the list, all of a clinic would be looked at.
    """
    slot, other = time_slots.alias("s"), appointments.alias("o")
    is_left = (
        slot.c.outside_availability,
        slot.c.appointment_id.is_not(None),
        slot.c.clinic_id == clinic_id,
    )
    shares_it = other.c.time_slot_ids.bool_op("@>")(array([slot.c.id]))
    owners = select(slot.c.appointment_id).where(*is_left)
    overbooked = (
        select(other.c.id)
        .select_from(slot.join(other, shares_it & other.c.overbooked & is_active(other)))
        .where(*is_left)
    )
    found = func.array(union_all(owners, overbooked).scalar_subquery(), type_=ARRAY(Uuid()))
    return appointment.c.id == any_(found)


@lru_cache(maxsize=256)
def page(shape: Page) -> Statement[Any]:
    """Return the statement for one page, `most` rows by keyset."""
    query = CARDS.where(_is_seen(shape.ways), *(FILTERS[one] for one in sorted(shape.filters)))
    if shape.is_outside:
        clinic_id: ColumnElement[Any] = an_id("clinic_id")
        if "clinic_id" not in shape.filters:
            its_doctor = select(doctors.c.clinic_id).where(doctors.c.id == an_id("doctor_id"))
            clinic_id = its_doctor.scalar_subquery()
        query = query.where(_is_outside(clinic_id))
    if shape.is_continued:
        key, last = tuple_(*SORT_KEY), tuple_(instant("after_start"), an_id("after_id"))
        query = query.where(key < last if shape.is_latest_first else key > last)
    order = (one.desc() if shape.is_latest_first else one.asc() for one in SORT_KEY)
    return Statement(query.order_by(*order).limit(how_many("most")))


@lru_cache(maxsize=16)
def one(ways: Ways) -> Statement[Any]:
    """Return the statement for one card."""
    return Statement(CARDS.where(IT, _is_seen(ways)))


@lru_cache(maxsize=16)
def history(ways: Ways) -> Statement[Any]:
    """Return the statement for all entries of one history.

    The booking wrote none: the first one is what the appointment and its first move tell.
    """
    entry, patient = appointment_history.alias("h"), patients.alias("p")
    move = (
        select(appointment_history.c.from_slot_id, appointment_history.c.from_starts_at)
        .where(appointment_history.c.appointment_id == appointment.c.id)
        .where(appointment_history.c.from_slot_id.is_not(None))
        .order_by(appointment_history.c.version)
        .limit(1)
        .correlate(appointment)
        .lateral("first_move")
    )
    by_patient = patient.c.user_id == appointment.c.booked_by
    booking = select(
        literal(1).label("version"),
        literal(Action.BOOKED, Text()).label("action"),
        appointment.c.created_at.label("occurred_at"),
        case((by_patient, literal(Side.PATIENT, Text())), else_=literal(Side.CLINIC, Text())).label(
            "side"
        ),
        appointment.c.booked_by.label("by_user_id"),
        null().label("reason"),
        _nothing(Uuid()).label("from_slot_id"),
        _nothing(INSTANT).label("from_starts_at"),
        func.coalesce(move.c.from_slot_id, appointment.c.time_slot_id).label("to_slot_id"),
        func.coalesce(move.c.from_starts_at, appointment.c.starts_at).label("to_starts_at"),
    ).select_from(
        appointment.join(patient, patient.c.id == appointment.c.patient_id).outerjoin(move, true())
    )
    changes = select(
        entry.c.version,
        entry.c.action,
        entry.c.occurred_at,
        entry.c.side,
        entry.c.by_user_id,
        entry.c.reason,
        entry.c.from_slot_id,
        entry.c.from_starts_at,
        entry.c.to_slot_id,
        entry.c.to_starts_at,
    ).select_from(appointment.join(entry, entry.c.appointment_id == appointment.c.id))
    seen = [query.where(IT, _is_seen(ways)) for query in (booking, changes)]
    return Statement(union_all(*seen).order_by("version"))


def _nothing(kind: Any) -> ColumnElement[Any]:
    return cast(null(), kind)
