"""The statements that read a day of a doctor, or of all doctors of a clinic."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    any_,
    false,
    or_,
    select,
    true,
    union_all,
)

from booking_system.booking.records.cards import CARDS, appointment
from booking_system.booking.records.claimed_time import is_active
from booking_system.directory.records.tables import clinic_patients, doctors
from booking_system.platform.postgres.phrases import an_id, ids, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.slots import slot_columns
from booking_system.scheduling.records.tables import time_slots

LONGEST = timedelta(hours=24)
"""No slot and no appointment lasts longer: with that, an index leads to those that overlap."""


class Time(NamedTuple):
    """The time that is shown (UTC), and whose; `earliest` is `LONGEST` before it."""

    whose: UUID
    earliest: datetime
    since: datetime
    until: datetime


class _Days:
    """The statements about one doctor, or about one clinic."""

    def __init__(self, whose: str, *, doctor: ColumnElement[Any]) -> None:
        """`whose` is the column by which slots and appointments are theirs."""
        self._whose = whose
        self.slots = Statement(self._slots(), Time)
        self.bookings = Statement(self._bookings(), Time)
        self.doctors = Statement(_doctors_there(doctor))

    def _meets(self, one: FromClause) -> ColumnElement[bool]:
        return and_(
            one.c[self._whose] == an_id("whose"),
            one.c.starts_at > instant("earliest"),
            one.c.starts_at < instant("until"),
            one.c.ends_at > instant("since"),
        )

    def _slots(self) -> Select[Any]:
        """Those of a doctor who was removed, too, where somebody has them."""
        slot = time_slots.alias("s")
        return (
            select(*slot_columns(slot))
            .select_from(slot.join(doctors, doctors.c.id == slot.c.doctor_id))
            .where(
                self._meets(slot),
                slot.c.deleted_at.is_(None),
                or_(doctors.c.deleted_at.is_(None), slot.c.appointment_id.is_not(None)),
            )
            .order_by(slot.c.starts_at, slot.c.id)
        )

    def _bookings(self) -> Select[Any]:
        slot, known = time_slots.alias("s"), clinic_patients.alias("k")
        is_outside = (
            select(slot.c.id)
            .where(slot.c.id == any_(appointment.c.time_slot_ids), slot.c.outside_availability)
            .correlate(appointment)
            .exists()
        )
        called = (known.c.clinic_id == appointment.c.clinic_id) & (
            known.c.patient_id == appointment.c.patient_id
        )
        return (
            CARDS.add_columns(is_outside.label("outside_availability"), known.c.known_as)
            .outerjoin(known, called)
            .where(self._meets(appointment), is_active(appointment))
            .order_by(appointment.c.starts_at, appointment.c.id)
        )


def _doctors_there(whose: ColumnElement[Any]) -> Any:
    """The doctors of the calendar, and removed doctors who are met in it."""
    d = doctors
    shown = (d.c.id, d.c.full_name, d.c.title, d.c.specialty, d.c.photo_url)
    there = select(*shown, false().label("is_removed")).where(
        whose == an_id("whose"), d.c.deleted_at.is_(None)
    )
    gone = select(*shown, true().label("is_removed")).where(
        d.c.id == any_(ids("met")), d.c.deleted_at.is_not(None)
    )
    return union_all(there, gone).order_by("full_name", "id")


OF_DOCTOR = _Days("doctor_id", doctor=doctors.c.id)
OF_CLINIC = _Days("clinic_id", doctor=doctors.c.clinic_id)
