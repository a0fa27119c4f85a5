"""The statements that read what a booking is judged on; the first one locks, too."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, true

from booking_system.booking.adapters.attempt_facts import Clinic, Doctor, Service, read_as
from booking_system.booking.records.claimed_time import OVER_UNUSED, is_coming
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.acquaintance import has_met, knows
from booking_system.directory.records.tables import (
    clinics,
    doctors,
    patients,
    service_doctors,
    services,
)
from booking_system.platform.postgres.phrases import (
    DAY,
    an_id,
    during,
    hidden,
    instant,
    is_live,
    unindexed,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.appointment_times import no_appointment
from booking_system.scheduling.records.slots import slot_columns
from booking_system.scheduling.records.spans import is_one_slot
from booking_system.scheduling.records.tables import time_slots


class Wanted(NamedTuple):
    """Which slot somebody wants, for whom and for what, and when they ask."""

    slot_id: UUID
    patient_id: UUID | None
    service_id: UUID | None
    now: datetime


class WantedSpan(NamedTuple):
    """The same of several slots: until when it lasts, and when its doctor has to be free.

    An appointment that moves is looked at as if it were not there.
    """

    wanted: Wanted
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime
    moved_id: UUID | None


SLOT = time_slots.alias("s")
CLINIC = clinics.alias("c")
DOCTOR = doctors.alias("d")
PATIENT = patients.alias("p")
SERVICE = services.alias("v")
OTHER = appointments.alias("a")
PATIENT_ID, SERVICE_ID, NOW = an_id("patient_id"), an_id("service_id"), instant("now")
MOVED_ID = an_id("moved_id")
HERE = unindexed(OTHER.c.clinic_id) == SLOT.c.clinic_id
"""What staff may be told of a patient's appointments, where it costs them nothing to ask."""
IS_THE_SERVICE = (SERVICE.c.id == SERVICE_ID, SERVICE.c.clinic_id == SLOT.c.clinic_id)


def _facts(
    *,
    ends_at: ColumnElement[Any],
    is_there: ColumnElement[bool],
    others: list[ColumnElement[bool]],
    is_known: ColumnElement[bool],
) -> Select[Any]:
    """The slot and what the rules judge; `others`: which of the patient's appointments count."""
    its_clinic = (CLINIC.c.id == SLOT.c.clinic_id, is_live(CLINIC))
    its_doctor = (DOCTOR.c.id == SLOT.c.doctor_id, is_live(DOCTOR))
    patient = select(PATIENT.c.full_name).where(PATIENT.c.id == PATIENT_ID, is_there)
    return select(
        *slot_columns(SLOT),
        read_as(Clinic, CLINIC, *its_clinic, of=SLOT).label("clinic"),
        read_as(Doctor, DOCTOR, *its_doctor, of=SLOT).label("doctor"),
        _clinic_offers_services().label("offers_services"),
        patient.scalar_subquery().label("patient_name"),
        is_known.label("is_known_here"),
        _is_busy(ends_at, *others).label("is_busy"),
        _open_bookings(*others).label("open_bookings"),
        read_as(Service, SERVICE, *IS_THE_SERVICE, of=SLOT).label("service"),
        _is_offered_by_the_doctor().label("is_offered_by_doctor"),
    ).where(SLOT.c.id == an_id("slot_id"), is_live(SLOT))


def _clinic_offers_services() -> ColumnElement[bool]:
    """False where one is named: nobody asks then."""
    other = services.alias("o")
    is_one = (other.c.clinic_id == SLOT.c.clinic_id, other.c.deleted_at.is_(None))
    return and_(SERVICE_ID.is_(None), exists().where(*is_one).correlate(SLOT))


def _is_offered_by_the_doctor() -> ColumnElement[bool]:
    by = service_doctors.alias("o")
    is_one = (by.c.service_id == SERVICE_ID, by.c.doctor_id == SLOT.c.doctor_id)
    return exists().where(*is_one).correlate(SLOT)


def _is_busy(ends_at: ColumnElement[Any], *others: ColumnElement[bool]) -> ColumnElement[bool]:
    """The patient is elsewhere in that time.

    An appointment whose rest was given back ended then, an unpaid one counts until it
    has to be paid. None lasts longer than a day: with that, an index leads to any that overlaps.
    """
    starts_at, pay_by = SLOT.c.starts_at, OTHER.c.pay_by
    ended_early = case((pay_by.is_(None), OTHER.c.released_at))
    return (
        exists()
        .where(
            OTHER.c.patient_id == PATIENT_ID,
            hidden(OTHER.c.status).not_in(OVER_UNUSED),
            OTHER.c.starts_at < ends_at,
            or_(pay_by.is_(None), pay_by > NOW),
            func.least(OTHER.c.ends_at, ended_early) > starts_at,
            OTHER.c.starts_at > starts_at - DAY,
            *others,
        )
        .correlate(SLOT)
    )


def _open_bookings(*others: ColumnElement[bool]) -> ColumnElement[int]:
    """How many the patient has to come, in the clinic."""
    of_clinic = (OTHER.c.patient_id == PATIENT_ID, HERE)
    to_come = (OTHER.c.starts_at > NOW, is_coming(OTHER, NOW))
    count = select(func.count()).select_from(OTHER).where(*of_clinic, *to_come, *others)
    return count.correlate(SLOT).scalar_subquery()


IS_KNOWN = knows(SLOT.c.clinic_id, PATIENT_ID)
HAVE_MET = has_met(SLOT.c.clinic_id, PATIENT_ID)


def _attempt(*told: ColumnElement[bool], is_known: ColumnElement[bool] = IS_KNOWN) -> Select[Any]:
    is_there = is_live(PATIENT)
    facts = _facts(ends_at=SLOT.c.ends_at, is_there=is_there, others=[*told], is_known=is_known)
    needs_no_other = select(is_one_slot(SLOT, SERVICE)).where(*IS_THE_SERVICE).correlate(SLOT)
    is_enough = func.coalesce(needs_no_other.scalar_subquery(), true())
    one_slot = facts.add_columns(true().label("is_clear")).where(
        or_(_is_locked_by_now(), SLOT.c.hold_blocks.is_(None)), is_enough
    )
    return one_slot.with_for_update(of=SLOT)


def _is_locked_by_now() -> ColumnElement[bool]:
    """The slot was waited for, and this is how it is now: its lock gave the transaction an id.

    Behind the wait PostgreSQL judges the row again, but not the subquery: so it has to come first.
    """
    transaction = func.pg_current_xact_id_if_assigned()
    return transaction.is_distinct_from(select(transaction).scalar_subquery())


def _span_facts(*told: ColumnElement[bool]) -> Select[Any]:
    is_kept = MOVED_ID.is_not(None) & PATIENT.c.merged_into.is_(None)
    facts = _facts(
        ends_at=instant("ends_at"),
        is_there=or_(is_live(PATIENT), is_kept),
        others=[OTHER.c.id.is_distinct_from(MOVED_ID), *told],
        is_known=IS_KNOWN,
    )
    time = during(instant("blocked_from"), instant("blocked_until"))
    return facts.add_columns(no_appointment(SLOT.c.doctor_id, time, but=MOVED_ID).label("is_clear"))


FACTS, FACTS_TOLD = Statement(_span_facts(), WantedSpan), Statement(_span_facts(HERE), WantedSpan)
"""What the rules judge, read without a lock, or behind locks.

A patient who was removed keeps the appointments that were kept, and these can be moved."""

ATTEMPT, ATTEMPT_TOLD = Statement(_attempt(), Wanted), Statement(_attempt(HERE), Wanted)
"""The same, and the lock, where the slot by itself is enough; otherwise no row, and no lock.

Where a hold of several slots came while the slot was waited for, there is a row and a lock: with
the lock in hand the slots before it would be locked out of order."""

ATTEMPT_OWN = Statement(_attempt(is_known=HAVE_MET), Wanted)
"""The same for patients who book for themselves: no rule asks whether the clinic knows them. That
it met them once is enough to write no acquaintance, and is read in one index alone."""

AGREED = Statement(
    select(
        appointments.c.id,
        appointments.c.doctor_id,
        appointments.c.starts_at,
        appointments.c.ends_at,
        appointments.c.blocked_from,
        appointments.c.blocked_until,
        appointments.c.duration_minutes,
        appointments.c.mode,
    ).where(appointments.c.id == an_id("appointment_id"))
)
"""What was agreed for an appointment that somebody wants to move."""
