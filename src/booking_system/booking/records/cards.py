"""The card of an appointment: its columns, and the names around it."""

from sqlalchemy import select

from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics, doctors, patients, services

appointment = appointments.alias("a")
clinic = clinics.alias("c")
doctor = doctors.alias("d")
patient = patients.alias("p")
service = services.alias("v")

CARD_COLUMNS = (
    appointment.c.id,
    appointment.c.reference,
    appointment.c.status,
    appointment.c.payment_status,
    appointment.c.time_slot_ids,
    appointment.c.clinic_id,
    appointment.c.doctor_id,
    appointment.c.patient_id,
    appointment.c.service_id,
    appointment.c.starts_at,
    appointment.c.ends_at,
    appointment.c.blocked_from,
    appointment.c.blocked_until,
    appointment.c.duration_minutes,
    appointment.c.released_at,
    appointment.c.mode,
    appointment.c.reason,
    appointment.c.price_amount,
    appointment.c.price_currency,
    appointment.c.cancel_notice_minutes,
    appointment.c.booked_by,
    appointment.c.previous_status,
    appointment.c.cancelled_by,
    appointment.c.cancel_reason,
    appointment.c.override_codes,
    appointment.c.override_reason,
    appointment.c.overbooked,
    appointment.c.version,
    appointment.c.revision,
    appointment.c.created_at,
    appointment.c.updated_at,
    clinic.c.name.label("clinic_name"),
    clinic.c.time_zone,
    doctor.c.full_name.label("doctor_name"),
    doctor.c.title.label("doctor_title"),
    doctor.c.specialty,
    doctor.c.photo_url,
    patient.c.full_name.label("patient_name"),
    service.c.name.label("service_name"),
    clinic.c.deleted_at.is_not(None).label("clinic_is_removed"),
)

CARDS = select(*CARD_COLUMNS).select_from(
    appointment.join(clinic, clinic.c.id == appointment.c.clinic_id)
    .join(doctor, doctor.c.id == appointment.c.doctor_id)
    .join(patient, patient.c.id == appointment.c.patient_id)
    .outerjoin(service, service.c.id == appointment.c.service_id)
)
"""The cards of all appointments: a statement says of which, by the columns of `appointment`."""
