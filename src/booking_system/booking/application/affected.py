"""Appointments that stand in the way of what somebody is about to do, as they are told of them."""

from collections.abc import Sequence
from typing import Any

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.refusals import BookingsAffected

MOST_LISTED = 100


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
