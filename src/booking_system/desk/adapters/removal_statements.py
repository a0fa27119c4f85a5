"""The statements by which doctors, clinics, patients and services go and come back."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Update,
    and_,
    case,
    false,
    func,
    or_,
    select,
    text,
    true,
)

from booking_system.booking.records.cards import CARDS, appointment
from booking_system.booking.records.claimed_time import (
    is_active,
    is_coming,
    is_held_for_money,
    slots_of,
)
from booking_system.desk.domain.removal import Kind
from booking_system.directory.records.acquaintance import clinics_that_know
from booking_system.directory.records.removed import REMOVED_ID, marked
from booking_system.directory.records.tables import clinics, doctors, patients, services
from booking_system.platform.postgres.phrases import a_text, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.away import next_to_close
from booking_system.scheduling.records.calendar_statements import LONGEST_SECONDS
from booking_system.scheduling.records.claims import changed, is_closable, locked
from booking_system.scheduling.records.holds import NO_HOLD
from booking_system.scheduling.records.slots import OUTSIDE
from booking_system.scheduling.records.tables import time_slots

ID, NOW = REMOVED_ID, instant("now")

_IS_REMOVED = doctors.c.deleted_at.is_not(None).label("is_removed")
_CLINIC_IS_REMOVED = clinics.c.deleted_at.is_not(None).label("clinic_is_removed")

LOCK = {
    Kind.DOCTOR: Statement(
        select(
            doctors.c.id, doctors.c.version, doctors.c.clinic_id, _IS_REMOVED, _CLINIC_IS_REMOVED
        )
        .join(clinics, clinics.c.id == doctors.c.clinic_id)
        .where(doctors.c.id == ID)
        .with_for_update(key_share=True, of=doctors)
        .suffix_with(text("FOR SHARE OF clinics"))
    ),
    Kind.CLINIC: Statement(
        select(
            clinics.c.id,
            clinics.c.version,
            clinics.c.id.label("clinic_id"),
            clinics.c.deleted_at.is_not(None).label("is_removed"),
            false().label("clinic_is_removed"),
        )
        .where(clinics.c.id == ID)
        .with_for_update(key_share=True)
    ),
    Kind.PATIENT: Statement(
        select(
            patients.c.id,
            patients.c.version,
            patients.c.deleted_at.is_not(None).label("is_removed"),
            patients.c.user_id.is_not(None).label("has_account"),
            patients.c.merged_into,
            clinics_that_know(func.coalesce(patients.c.merged_into, patients.c.id)).label(
                "known_to"
            ),
        )
        .where(patients.c.id == ID)
        .with_for_update(key_share=True)
    ),
    Kind.SERVICE: Statement(
        select(
            services.c.id,
            services.c.version,
            services.c.clinic_id,
            services.c.deleted_at.is_not(None).label("is_removed"),
            _CLINIC_IS_REMOVED,
        )
        .join(clinics, clinics.c.id == services.c.clinic_id)
        .where(services.c.id == ID)
        .with_for_update(key_share=True, of=services)
    ),
}
"""`FOR NO KEY UPDATE`, which lets foreign keys to the row through."""


def _is_of_service(one: FromClause) -> ColumnElement[bool]:
    """Return the condition that an appointment is for the service.

    There is no index by service: a booking would pay for it, and the one by clinic and time leads
    to what the clinic has to come.
    """
    clinic_id = select(services.c.clinic_id).where(services.c.id == ID).scalar_subquery()
    return and_(one.c.clinic_id == clinic_id, one.c.service_id == ID)


WHOSE = {
    Kind.DOCTOR: lambda one: one.c.doctor_id == ID,
    Kind.CLINIC: lambda one: one.c.clinic_id == ID,
    Kind.PATIENT: lambda one: one.c.patient_id == ID,
    Kind.SERVICE: _is_of_service,
}
"""By kind: which appointments, and which slots, hang on what goes."""


def _affected(kind: Kind) -> Statement[Any]:
    to_come = (WHOSE[kind](appointment), is_coming(appointment, NOW), appointment.c.starts_at > NOW)
    query = CARDS.where(*to_come).order_by(appointment.c.time_slot_id)
    return Statement(query.with_for_update(of=appointment), seconds=LONGEST_SECONDS)


AFFECTED = {kind: _affected(kind) for kind in Kind}


def _closing(kind: Kind) -> Update:
    """A hold keeps slots around it that are closed already: it ends in these, too.

    An appointment that waits for money is kept, or cancelled, as any other.
    """
    s = time_slots
    to_come = (
        select(s.c.id, is_held_for_money(s, NOW).label("is_kept"))
        .where(WHOSE[kind](s), s.c.deleted_at.is_(None), s.c.starts_at > NOW)
        .order_by(s.c.id)
        .with_for_update()
        .cte("locked")
    )
    because = case((is_closable(s), a_text("because")), else_=s.c.closed_because)
    is_met = or_(is_closable(s), s.c.hold_id.is_not(None))
    hold = {
        name: case((to_come.c.is_kept, s.c[name]), else_=none) for name, none in NO_HOLD.items()
    }
    return changed(closed_because=because, **hold).where(s.c.id == to_come.c.id, is_met)


def _reopening(kind: Kind) -> Update:
    """Open what going has closed, unless something else keeps it closed."""
    slot = time_slots.alias("s")
    waiting = (
        select(slot.c.id)
        .join(doctors, and_(doctors.c.id == slot.c.doctor_id, doctors.c.deleted_at.is_(None)))
        .where(WHOSE[kind](slot), slot.c.closed_because == a_text("because"))
        .order_by(slot.c.id)
        .with_for_update(of=slot)
        .cte("locked")
    )
    seen = time_slots.alias("seen")
    standing = next_to_close(seen)
    outside = case((seen.c.outside_availability, OUTSIDE), else_=None)
    left = (
        select(
            seen.c.id,
            standing.c.id.label("closed_by"),
            func.coalesce(standing.c.because, outside).label("because"),
        )
        .select_from(waiting.join(seen, seen.c.id == waiting.c.id).outerjoin(standing, true()))
        .cte("left_open")
    )
    opened = changed(closed_by=left.c.closed_by, closed_because=left.c.because)
    return opened.where(time_slots.c.id == left.c.id)


CLOSE_SLOTS, REOPEN_SLOTS = (
    {kind: Statement(of(kind), seconds=LONGEST_SECONDS) for kind in (Kind.DOCTOR, Kind.CLINIC)}
    for of in (_closing, _reopening)
)


def _slots_of(kind: Kind) -> CompoundSelect[Any]:
    def concerned(a: FromClause) -> ColumnElement[bool]:
        counts = is_active(a) if kind is Kind.PATIENT else is_coming(a, NOW)
        return and_(WHOSE[kind](a), counts, a.c.starts_at > NOW)

    return slots_of(concerned)


WITHOUT_SLOTS = (Kind.PATIENT, Kind.SERVICE)
"""What has no slots of its own, but those of its appointments."""

LOCK_SLOTS = {
    kind: Statement(locked(_slots_of(kind)), seconds=LONGEST_SECONDS) for kind in WITHOUT_SLOTS
}

STOP_BOOKINGS: dict[Kind, Statement[Any]] = {
    kind: Statement(select(one.c.id).where(one.c.id == ID).with_for_update())
    for kind, one in ((Kind.PATIENT, patients), (Kind.SERVICE, services))
}
"""A booking that has been written is waited for, a booking about to be written waits, and then
finds the patient, or the service, gone."""

SLOTS_NOW = {kind: Statement(_slots_of(kind), seconds=LONGEST_SECONDS) for kind in WITHOUT_SLOTS}
"""Read when nobody books for it any more."""


def _occupant() -> Select[Any]:
    other = clinics.alias("other")
    return (
        select(other.c.id)
        .join(clinics, clinics.c.slug == other.c.slug)
        .where(clinics.c.id == ID, other.c.id != ID, other.c.deleted_at.is_(None))
    )


OCCUPANT = Statement(_occupant())
"""The clinic that has the slug of a removed one by now."""


MARK = {
    Kind.DOCTOR: Statement(marked(doctors)),
    Kind.CLINIC: Statement(marked(clinics)),
    Kind.PATIENT: Statement(marked(patients)),
    Kind.SERVICE: Statement(marked(services)),
}
