"""Rows of the directory, made into what the domain speaks of."""

from dataclasses import fields
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.types import Uuid

from booking_system.directory.domain.clinic import Clinic, ClinicPolicy
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.service import PaymentTerms, Service
from booking_system.directory.records.tables import doctors, service_doctors, services
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money

OFFERED_BY = (
    select(
        func.array_agg(
            aggregate_order_by(service_doctors.c.doctor_id, service_doctors.c.doctor_id),
            type_=ARRAY(Uuid),
        )
    )
    .join(doctors, doctors.c.id == service_doctors.c.doctor_id)
    .where(service_doctors.c.service_id == services.c.id, doctors.c.deleted_at.is_(None))
    .scalar_subquery()
    .label("doctor_ids")
)
"""The doctors of a row of `services`."""
POLICY = [field.name for field in fields(ClinicPolicy)]


def clinic_of(row: Any) -> Clinic:
    """Make a clinic of a row of the table."""
    policy = {name: row[name] for name in POLICY}
    policy["reminder_offsets_minutes"] = tuple(policy["reminder_offsets_minutes"])
    return Clinic(
        id=row["id"],
        name=row["name"],
        slug=row["slug"],
        time_zone=row["time_zone"],
        address=row["address"],
        phone=row["phone"],
        email=row["email"],
        tax_number=row["tax_number"],
        locale=row["locale"],
        currency=row["currency"],
        embed_origins=tuple(row["embed_origins"]),
        logo_url=row["logo_url"],
        policy=ClinicPolicy(**policy),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def doctor_of(row: Any) -> Doctor:
    """Make a doctor of a row of the table."""
    return Doctor(
        id=row["id"],
        clinic_id=row["clinic_id"],
        full_name=row["full_name"],
        title=row["title"],
        specialty=row["specialty"],
        languages=tuple(row["languages"]),
        bio=row["bio"],
        photo_url=row["photo_url"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def service_of(row: Any) -> Service:
    """Make a service of a row of the table with `currency` and `doctor_ids`."""

    def money(amount: int | None) -> Money | None:
        return None if amount is None else Money(amount, row["currency"])

    return Service(
        id=row["id"],
        clinic_id=row["clinic_id"],
        name=row["name"],
        duration_minutes=row["duration_minutes"],
        buffer_before_minutes=row["buffer_before_minutes"],
        buffer_after_minutes=row["buffer_after_minutes"],
        price=money(row["price_amount"]),
        deposit=money(row["deposit_amount"]),
        mode=Mode(row["mode"]),
        payment=PaymentTerms(row["payment"]),
        doctor_ids=tuple(row["doctor_ids"] or ()),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
