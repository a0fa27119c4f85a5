"""The card of an appointment: its columns, the names around it, and what they make."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import DoctorFacts, Override
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus
from booking_system.booking.domain.party import Side
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics, doctors, patients, services
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period

MINUTE = timedelta(minutes=1)

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
    appointment.c.patient_confirmed_at,
    appointment.c.pay_by,
    appointment.c.due_first_amount,
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
    clinic.c.phone.label("clinic_phone"),
    clinic.c.address.label("clinic_address"),
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


def card_of(row: Any) -> AppointmentCard:
    """Make the card of a row of `CARDS`."""
    amount, first, cancelled_by = row["price_amount"], row["due_first_amount"], row["cancelled_by"]
    previous, codes = row["previous_status"], row["override_codes"]
    appointment = Appointment(
        id=row["id"],
        reference=row["reference"],
        status=AppointmentStatus(row["status"]),
        payment_status=PaymentStatus(row["payment_status"]),
        time_slot_ids=tuple(row["time_slot_ids"]),
        clinic_id=row["clinic_id"],
        doctor_id=row["doctor_id"],
        patient_id=row["patient_id"],
        service_id=row["service_id"],
        period=Period(row["starts_at"], row["ends_at"]),
        blocked=Period(row["blocked_from"], row["blocked_until"]),
        duration=row["duration_minutes"] * MINUTE,
        mode=Mode(row["mode"]),
        reason=row["reason"],
        price=None if amount is None else Money(amount, row["price_currency"]),
        cancel_notice=row["cancel_notice_minutes"] * MINUTE,
        booked_by=row["booked_by"],
        previous_status=None if previous is None else AppointmentStatus(previous),
        cancelled_by=None if cancelled_by is None else Side(cancelled_by),
        cancel_reason=row["cancel_reason"],
        override=codes and Override(codes=frozenset(codes), reason=row["override_reason"]),
        overbooked=row["overbooked"],
        released_at=row["released_at"],
        patient_confirmed_at=row["patient_confirmed_at"],
        pay_by=row["pay_by"],
        due_first=None if first is None else Money(first, row["price_currency"]),
        version=row["version"],
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
    return AppointmentCard(
        appointment=appointment,
        clinic_name=row["clinic_name"],
        time_zone=row["time_zone"],
        doctor=doctor_of(row),
        patient_name=row["patient_name"],
        service_name=row["service_name"],
        clinic_phone=row["clinic_phone"],
        clinic_address=row["clinic_address"],
        clinic_is_removed=row["clinic_is_removed"],
    )


def doctor_of(row: Any) -> DoctorFacts:
    """Make what is said of the doctor of a row of `CARDS`."""
    return DoctorFacts(
        full_name=row["doctor_name"],
        title=row["doctor_title"],
        specialty=row["specialty"],
        photo_url=row["photo_url"],
    )
