"""Booking's table, with the constraints that are the last wall against double booking."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from booking_system.platform.postgres.metadata import metadata

ACTIVE = text("status <> 'cancelled'")


def _never_twice(whose: str) -> ExcludeConstraint:
    return ExcludeConstraint(
        (f"{whose}_id", "="),
        (text("tstzrange(starts_at, ends_at)"), "&&"),
        name=f"ex_appointments_{whose}_never_twice",
        where=ACTIVE,
        using="gist",
    )


appointments = Table(
    "appointments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("time_slot_id", Uuid, nullable=False),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("patient_id", Uuid, ForeignKey("patients.id"), nullable=False),
    Column("service_id", Uuid),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("mode", Text, nullable=False),
    Column("reason", Text),
    Column("price_amount", Integer),
    Column("price_currency", Text),
    Column("cancel_notice_minutes", Integer, nullable=False),
    Column("booked_by", Uuid, nullable=False),
    Column("cancelled_by", Text),
    Column("cancel_reason", Text),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("reference"),
    # With the doctor and the clinic in the key, they can never differ from the slot's.
    ForeignKeyConstraint(
        ["time_slot_id", "doctor_id", "clinic_id"],
        ["time_slots.id", "time_slots.doctor_id", "time_slots.clinic_id"],
    ),
    ForeignKeyConstraint(["service_id", "clinic_id"], ["services.id", "services.clinic_id"]),
    CheckConstraint("ends_at > starts_at", name="length"),
    CheckConstraint("status IN ('confirmed', 'cancelled')", name="status"),
    CheckConstraint("payment_status IN ('not_required', 'unpaid')", name="payment_status"),
    CheckConstraint("mode IN ('in_person', 'online', 'phone')", name="mode"),
    CheckConstraint("cancelled_by IN ('patient', 'clinic')", name="cancelled_by"),
    CheckConstraint("(status = 'cancelled') = (cancelled_by IS NOT NULL)", name="cancelled"),
    CheckConstraint("(price_amount IS NULL) = (price_currency IS NULL)", name="price"),
    _never_twice("doctor"),
    _never_twice("patient"),
    Index("uq_appointments_active_slot", "time_slot_id", unique=True, postgresql_where=ACTIVE),
    Index("ix_appointments_clinic", "clinic_id", "starts_at", "id"),
    Index("ix_appointments_doctor", "doctor_id", "starts_at", "id"),
    Index("ix_appointments_patient", "patient_id", "starts_at", "id"),
)
