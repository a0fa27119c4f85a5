"""What was agreed for an appointment, as a search for another place of it has to know it."""

from booking_system.booking.domain.appointment import Appointment
from booking_system.scheduling.domain.search import AgreedNeed


def agreed_for(booked: Appointment) -> AgreedNeed:
    """Return what was agreed, and where the appointment is."""
    need = booked.need
    return AgreedNeed(
        appointment_id=booked.id,
        clinic_id=booked.clinic_id,
        doctor_id=booked.doctor_id,
        patient_id=booked.patient_id,
        service_id=booked.service_id,
        starts_at=booked.period.starts_at,
        duration=need.duration,
        before=need.before,
        after=need.after,
        mode=need.mode,
        price=booked.price,
        version=booked.version,
    )
