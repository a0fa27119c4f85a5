"""Appointments that stand in the way of what somebody is about to do, as they are told of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from booking_system.booking.domain.appointment import Appointment
from booking_system.desk.application.absence_ports import AbsenceWork
from booking_system.desk.domain.refusals import BookingsAffected
from booking_system.scheduling.domain.absence import Absence, AbsenceCalendar, TimeOff
from booking_system.shared_kernel.errors import Invalid

MOST_LISTED = 100
MOST_AFFECTED = 2000
"""So many appointments are looked at in one request, which takes a second or two."""
MOST_CLOSED = 20_000
"""So many slots are closed by one request."""


async def open_slots_of(
    work: AbsenceWork, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime
) -> int:
    """Count the open slots that absences would close. Raises `Invalid` for too many."""
    many = await work.open_slots(place, absences, now=now)
    if many > MOST_CLOSED:
        detail = f"{many} open slots would close, at most {MOST_CLOSED} at a time: choose less"
        raise Invalid.field(_pointer(absences), detail, "too_many_slots")
    return many


async def affected_by(
    work: AbsenceWork,
    place: AbsenceCalendar,
    absences: Sequence[Absence],
    *,
    now: datetime,
    lock: bool,
) -> Sequence[Appointment]:
    """Return the appointments to come that absences meet, by start. Raises `Invalid` for too many.

    To keep them all nobody has to look at them.
    """
    if absences and (many := await work.count_affected(place, absences, now=now)) > MOST_AFFECTED:
        detail = f"{many} bookings are in the way, at most {MOST_AFFECTED} at a time: choose less"
        raise Invalid.field(_pointer(absences), detail, "too_many_bookings")
    return await work.affected(place, absences, now=now, lock=lock)


def _pointer(absences: Sequence[Absence]) -> str:
    return "/ends_at" if isinstance(absences[0], TimeOff) else "/dates"


def bookings_affected(appointments: Sequence[Appointment]) -> BookingsAffected:
    """Make the refusal that lists them, up to a hundred."""
    listed = [summary_of(appointment) for appointment in appointments[:MOST_LISTED]]
    return BookingsAffected(bookings=listed, count=len(appointments))


def summary_of(appointment: Appointment) -> dict[str, Any]:
    """Say which it is and when, and nothing of the patient: administrators of the platform ask."""
    return {
        "id": appointment.id,
        "reference": appointment.reference,
        "doctor_id": appointment.doctor_id,
        "starts_at": appointment.period.starts_at,
    }
