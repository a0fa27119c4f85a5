"""The directory's tables. Deletion is soft, and every unique key is partial because of it."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from booking_system.directory.records.references import noted_columns
from booking_system.platform.postgres.metadata import metadata

LIVE = text("deleted_at IS NULL")


def _changes() -> list[Column[object]]:
    return [
        Column("version", Integer, nullable=False, server_default=text("1")),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
        Column("deleted_at", DateTime(timezone=True)),
    ]


def _trigrams(name: str, column: str) -> Index:
    """For `q`: finds any part of a name without reading the table."""
    return Index(name, column, postgresql_using="gin", postgresql_ops={column: "gin_trgm_ops"})


clinics = Table(
    "clinics",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("address", Text),
    Column("phone", Text),
    Column("email", Text),
    Column("tax_number", Text),
    Column("locale", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("embed_origins", ARRAY(Text), nullable=False),
    Column("min_notice_minutes", Integer, nullable=False),
    Column("cancel_notice_minutes", Integer, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    Column("hold_minutes", Integer, nullable=False),
    Column("max_open_bookings_per_patient", Integer, nullable=False),
    Column("anonymous_holds", Boolean, nullable=False),
    Column("reminder_offsets_minutes", ARRAY(Integer), nullable=False),
    Column("payment_minutes", Integer, nullable=False, server_default=text("30")),
    Column("late_cancel_minutes", Integer, nullable=False, server_default=text("1440")),
    Column("late_cancel_percent", Integer, nullable=False, server_default=text("0")),
    Column("no_show_percent", Integer, nullable=False, server_default=text("0")),
    Column("logo_url", Text),
    Column("consultation_opens_minutes", Integer, nullable=False, server_default=text("15")),
    Column("consultation_closes_minutes", Integer, nullable=False, server_default=text("30")),
    Column("consultation_relay_only", Boolean, nullable=False, server_default=text("false")),
    *_changes(),
    Index("uq_clinics_slug", "slug", unique=True, postgresql_where=LIVE),
    _trigrams("ix_clinics_name_trgm", "name"),
)

doctors = Table(
    "doctors",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("full_name", Text, nullable=False),
    Column("title", Text),
    Column("specialty", Text),
    Column("languages", ARRAY(Text), nullable=False),
    Column("bio", Text),
    Column("photo_url", Text),
    *_changes(),
    UniqueConstraint("id", "clinic_id"),
    Index("ix_doctors_clinic", "clinic_id", "id", postgresql_where=LIVE),
    # With the column itself, those of a specialty are found without a look at their rows.
    Index(
        "ix_doctors_specialty",
        text("lower(specialty)"),
        "id",
        postgresql_include=["specialty"],
        postgresql_where=LIVE,
    ),
    Index("ix_doctors_languages", "languages", postgresql_using="gin"),
    _trigrams("ix_doctors_full_name_trgm", "full_name"),
)

services = Table(
    "services",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    Column("buffer_before_minutes", Integer, nullable=False),
    Column("buffer_after_minutes", Integer, nullable=False),
    Column("price_amount", Integer),
    Column("deposit_amount", Integer),
    Column("mode", Text, nullable=False),
    Column("payment", Text, nullable=False),
    *_changes(),
    UniqueConstraint("id", "clinic_id"),
    CheckConstraint("duration_minutes BETWEEN 1 AND 1440", name="duration"),
    CheckConstraint("price_amount >= 0", name="price"),
    CheckConstraint("deposit_amount BETWEEN 0 AND price_amount", name="deposit"),
    CheckConstraint("mode IN ('in_person', 'online', 'phone')", name="mode"),
    CheckConstraint("payment IN ('none', 'optional', 'required')", name="payment"),
    Index("ix_services_clinic", "clinic_id", "id", postgresql_where=LIVE),
)

service_doctors = Table(
    "service_doctors",
    metadata,
    Column("service_id", Uuid, primary_key=True),
    Column("doctor_id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    # With the clinic in both keys, a service is never offered by another clinic's doctor.
    ForeignKeyConstraint(["service_id", "clinic_id"], ["services.id", "services.clinic_id"]),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    Index("ix_service_doctors_doctor_id", "doctor_id"),
)

patients = Table(
    "patients",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id")),
    Column("full_name", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("birth_date", Date),
    Column("locale", Text),
    Column("time_zone", Text),
    *_changes(),
    # The record into which this duplicate was merged.
    Column("merged_into", Uuid, ForeignKey("patients.id")),
    CheckConstraint(
        "merged_into IS NULL OR (deleted_at IS NOT NULL AND merged_into <> id)", name="merged"
    ),
    Index("uq_patients_user_id", "user_id", unique=True, postgresql_where=LIVE),
    Index("ix_patients_email", text("lower(email)"), "id", postgresql_where=LIVE),
    Index("ix_patients_phone", "phone", "id", postgresql_where=LIVE),
    Index(
        "ix_patients_merged_into",
        "merged_into",
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
    _trigrams("ix_patients_full_name_trgm", "full_name"),
)

clinic_patients = Table(
    "clinic_patients",
    metadata,
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), primary_key=True),
    Column("patient_id", Uuid, ForeignKey("patients.id"), primary_key=True),
    Column("known_since", DateTime(timezone=True), nullable=False),
    # What was only booked counts for as long as an appointment is left (`records.acquaintance`).
    Column("known_because", Text, nullable=False, server_default=text("'booked'")),
    # What the clinic calls the patient, for its own staff.
    Column("known_as", Text),
    CheckConstraint("known_because IN ('registered', 'taken_on', 'booked')", name="known_because"),
    Index("ix_clinic_patients_patient_id", "patient_id"),
    Index(
        "ix_clinic_patients_known_as",
        "clinic_id",
        postgresql_where=text("known_as IS NOT NULL"),
    ),
)

# What other systems call them, apart from what everybody may read.
doctor_references = Table(
    "doctor_references",
    metadata,
    Column("doctor_id", Uuid, primary_key=True),
    *noted_columns("doctor"),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
)

service_references = Table(
    "service_references",
    metadata,
    Column("service_id", Uuid, primary_key=True),
    *noted_columns("service"),
    ForeignKeyConstraint(["service_id", "clinic_id"], ["services.id", "services.clinic_id"]),
)

patient_references = Table(
    "patient_references",
    metadata,
    Column("patient_id", Uuid, ForeignKey("patients.id"), nullable=False),
    *noted_columns("patient"),
    PrimaryKeyConstraint("patient_id", "clinic_id"),
    ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    # Of the token itself nothing is kept.
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("doctor_id", Uuid, ForeignKey("doctors.id")),
    Column("invited_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("accepted_at", DateTime(timezone=True)),
    Column("accepted_by", Uuid, ForeignKey("users.id")),
    CheckConstraint(
        "CASE role WHEN 'doctor' THEN doctor_id IS NOT NULL"
        " WHEN 'clinic_admin' THEN doctor_id IS NULL WHEN 'receptionist' THEN doctor_id IS NULL"
        " ELSE false END",
        name="role",
    ),
    CheckConstraint("(accepted_at IS NULL) = (accepted_by IS NULL)", name="accepted"),
    CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name="ended_once"),
    Index("ix_invitations_clinic", "clinic_id", "id"),
    Index("ix_invitations_expires_at", "expires_at"),
)

invitation_links = Table(
    "invitation_links",
    metadata,
    # Of a link that went out by mail; an administrator hands over the invitation's own.
    Column("token_hash", LargeBinary, primary_key=True),
    Column(
        "invitation_id",
        Uuid,
        ForeignKey("invitations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
)
