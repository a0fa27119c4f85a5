"""Scheduling's table."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
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

LIVE = text("deleted_at IS NULL")

time_slots = Table(
    "time_slots",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("mode", Text, nullable=False),
    Column("closed_because", Text),
    Column("appointment_id", Uuid),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    UniqueConstraint("id", "doctor_id", "clinic_id"),
    CheckConstraint(
        "ends_at > starts_at AND ends_at <= starts_at + interval '24 hours'", name="length"
    ),
    CheckConstraint("mode IN ('in_person', 'online', 'phone')", name="mode"),
    CheckConstraint(
        "closed_because IN ('by_hand', 'doctor_removed', 'clinic_removed')", name="closed_because"
    ),
    CheckConstraint("deleted_at IS NULL OR appointment_id IS NULL", name="deleted_is_free"),
    ExcludeConstraint(
        ("doctor_id", "="),
        (text("tstzrange(starts_at, ends_at)"), "&&"),
        name="ex_time_slots_doctor_never_twice",
        where=LIVE,
        using="gist",
    ),
    # No index mentions the owner: booking a slot then stays a heap-only update.
    Index("ix_time_slots_doctor", "doctor_id", "starts_at", "id", postgresql_where=LIVE),
    Index("ix_time_slots_clinic", "clinic_id", "starts_at", "id", postgresql_where=LIVE),
    Index("ix_time_slots_start", "starts_at", "id", postgresql_where=LIVE),
    postgresql_with={"fillfactor": 80},
)
