"""What a booking is judged on beside the slot: of the clinic, its doctor, the patient, the service.

The statement reads each as one column, which is a record of PostgreSQL or null. So no join carries
fifty columns from node to node, which took a quarter of the statement's time to prepare anew for
each call. The driver hands a record over without names: its fields are those below, in that order.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, func, select

from booking_system.booking.domain.attempt import ClinicFacts, DoctorFacts, ServiceFacts
from booking_system.booking.domain.span import Need
from booking_system.booking.records.cards import MINUTE
from booking_system.directory.domain.service import PaymentTerms
from booking_system.shared_kernel.identifiers import ServiceId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money


class Clinic(NamedTuple):
    """Columns of a clinic; lengths are in minutes unless they say otherwise."""

    name: str
    time_zone: str
    currency: str
    min_notice_minutes: int
    cancel_notice_minutes: int
    horizon_days: int
    max_open_bookings_per_patient: int
    hold_minutes: int
    anonymous_holds: bool
    payment_minutes: int
    phone: str | None
    address: str | None


class Doctor(NamedTuple):
    """Columns of a doctor."""

    full_name: str
    title: str | None
    specialty: str | None
    photo_url: str | None


class Service(NamedTuple):
    """Columns of a service."""

    name: str
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    mode: str
    price_amount: int | None
    payment: str
    deposit_amount: int | None
    deleted_at: datetime | None


def read_as(
    kind: type[Clinic | Doctor | Service],
    table: FromClause,
    *conditions: ColumnElement[bool],
    of: FromClause,
) -> ColumnElement[Any]:
    """Return the record of the one row that meets the conditions, which may ask `of` the slot."""
    record = func.row(*(table.c[name] for name in kind._fields))
    return select(record).where(*conditions).correlate(of).scalar_subquery()


def clinic_of(clinic: Clinic, *, offers_services: bool) -> ClinicFacts:
    """Make what the rules ask of the clinic."""
    return ClinicFacts(
        name=clinic.name,
        time_zone=clinic.time_zone,
        minimum_notice=clinic.min_notice_minutes * MINUTE,
        cancel_notice=clinic.cancel_notice_minutes * MINUTE,
        horizon=timedelta(days=clinic.horizon_days),
        most_open_bookings=clinic.max_open_bookings_per_patient,
        offers_services=offers_services,
        hold_length=clinic.hold_minutes * MINUTE,
        payment_window=clinic.payment_minutes * MINUTE,
        takes_anonymous_holds=clinic.anonymous_holds,
        phone=clinic.phone,
        address=clinic.address,
    )


def doctor_of(doctor: Doctor) -> DoctorFacts:
    """Make what an appointment shows of its doctor."""
    return DoctorFacts(
        full_name=doctor.full_name,
        title=doctor.title,
        specialty=doctor.specialty,
        photo_url=doctor.photo_url,
    )


def service_of(
    service_id: ServiceId, service: Service, *, currency: str, is_offered_by_doctor: bool
) -> ServiceFacts:
    """Make what the rules ask of the service; its prices are in the clinic's currency."""
    amount, deposit = service.price_amount, service.deposit_amount
    return ServiceFacts(
        id=service_id,
        name=service.name,
        need=Need(
            duration=service.duration_minutes * MINUTE,
            before=service.buffer_before_minutes * MINUTE,
            after=service.buffer_after_minutes * MINUTE,
            mode=Mode(service.mode),
        ),
        price=None if amount is None else Money(amount, currency),
        payment=PaymentTerms(service.payment),
        deposit=None if deposit is None else Money(deposit, currency),
        is_offered_by_doctor=is_offered_by_doctor,
        is_live=service.deleted_at is None,
    )
