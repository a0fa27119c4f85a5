"""The tables of files: what was announced and stored, and how much room each clinic has used."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from booking_system.platform.postgres.metadata import metadata

PRESENT = text("state = 'ready' AND deleted_at IS NULL")

files = Table(
    "files",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("doctor_id", Uuid),
    Column("appointment_id", Uuid, ForeignKey("appointments.id")),
    Column("created_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("state", Text, nullable=False),
    # As it was given, without folders; patient data.
    Column("filename", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # What was announced, then what is stored.
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary),
    # Where the bytes arrive, and where they are served from. Both are random, and no signature ever
    # named the second one.
    Column("upload_key", Text(collation="C"), nullable=False, unique=True),
    Column("served_key", Text(collation="C"), unique=True),
    # What counts against the clinic's room: what was announced, then all that is stored.
    Column("stored_bytes", BigInteger, nullable=False),
    Column("fault", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # The end of the address for the bytes.
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
    # Since when it is part of something: what waits for that is removed before long.
    Column("used_at", DateTime(timezone=True)),
    # When something is to be done with the row: given up, looked at, removed.
    Column("due_at", DateTime(timezone=True)),
    # Counts the claims: what a late claimer finds out changes nothing.
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    # With the clinic in the key, a photo never belongs to another clinic's doctor.
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    CheckConstraint(
        "CASE purpose WHEN 'clinic_logo' THEN num_nonnulls(doctor_id, appointment_id) = 0"
        " WHEN 'doctor_photo' THEN doctor_id IS NOT NULL AND appointment_id IS NULL"
        " WHEN 'booking_document' THEN doctor_id IS NULL AND appointment_id IS NOT NULL"
        " WHEN 'chat_attachment' THEN doctor_id IS NULL AND appointment_id IS NOT NULL"
        " ELSE false END",
        name="owner",
    ),
    CheckConstraint(
        "CASE state WHEN 'uploading' THEN served_key IS NULL AND fault IS NULL"
        " WHEN 'checking' THEN fault IS NULL"
        " WHEN 'ready' THEN served_key IS NOT NULL AND sha256 IS NOT NULL"
        " AND completed_at IS NOT NULL AND fault IS NULL"
        " WHEN 'refused' THEN served_key IS NULL AND fault IS NOT NULL AND stored_bytes = 0"
        " WHEN 'lost' THEN served_key IS NOT NULL ELSE false END",
        name="state",
    ),
    CheckConstraint("state = 'ready' OR state = 'lost' OR due_at IS NOT NULL", name="ends"),
    CheckConstraint("deleted_at IS NULL OR due_at IS NOT NULL", name="deleted"),
    CheckConstraint("served_key <> upload_key", name="served"),
    CheckConstraint("size > 0 AND stored_bytes >= 0", name="size"),
    Index(
        "uq_files_logo",
        "clinic_id",
        unique=True,
        postgresql_where=text(f"purpose = 'clinic_logo' AND {PRESENT}"),
    ),
    Index(
        "uq_files_photo",
        "doctor_id",
        unique=True,
        postgresql_where=text(f"purpose = 'doctor_photo' AND {PRESENT}"),
    ),
    Index("ix_files_appointment_id", "appointment_id", "id"),
    Index("ix_files_doctor_id", "doctor_id"),
    Index("ix_files_clinic_id", "clinic_id", "purpose"),
    Index("ix_files_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

clinic_storage = Table(
    "clinic_storage",
    metadata,
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), primary_key=True),
    # The sum of `stored_bytes`; each statement that changes that changes this.
    Column("used_bytes", BigInteger, nullable=False),
    CheckConstraint("used_bytes >= 0", name="used"),
)
