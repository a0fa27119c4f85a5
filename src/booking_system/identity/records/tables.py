"""Identity's tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from booking_system.platform.postgres.metadata import metadata

LIVE = text("deleted_at IS NULL")

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("password_hash", Text),
    # Somebody else knows it: no role holds before the owner has chosen another one.
    Column("password_is_temporary", Boolean, nullable=False, server_default=text("false")),
    Column("full_name", Text, nullable=False),
    Column("locale", Text),
    Column("time_zone", Text),
    Column("email_verified_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    # Soft deletion frees the address.
    Index("uq_users_email_key", "email_key", unique=True, postgresql_where=LIVE),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_because", Text),
    Column("user_agent", Text),
    Column("network", LargeBinary),
    CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended"),
    CheckConstraint(
        "ended_because IN ('signed_out', 'ended_by_user', 'password_changed', 'token_reused',"
        " 'ended_by_admin')",
        name="ended_because",
    ),
    CheckConstraint("length(user_agent) <= 300", name="user_agent"),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_last_used_at", "last_used_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("used_at", DateTime(timezone=True)),
)

role_grants = Table(
    "role_grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id")),
    Column("doctor_id", Uuid, ForeignKey("doctors.id")),
    Column("patient_id", Uuid, ForeignKey("patients.id")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint(
        "user_id",
        "role",
        "clinic_id",
        "doctor_id",
        "patient_id",
        name="uq_role_grants_once",
        postgresql_nulls_not_distinct=True,
    ),
    CheckConstraint(
        "CASE role"
        " WHEN 'platform_admin' THEN num_nonnulls(clinic_id, doctor_id, patient_id) = 0"
        " WHEN 'clinic_admin' THEN clinic_id IS NOT NULL"
        " AND num_nonnulls(doctor_id, patient_id) = 0"
        " WHEN 'receptionist' THEN clinic_id IS NOT NULL"
        " AND num_nonnulls(doctor_id, patient_id) = 0"
        " WHEN 'doctor' THEN clinic_id IS NOT NULL AND doctor_id IS NOT NULL"
        " AND patient_id IS NULL"
        " WHEN 'patient' THEN patient_id IS NOT NULL"
        " AND num_nonnulls(clinic_id, doctor_id) = 0"
        " ELSE false END",
        name="role",
    ),
    Index("ix_role_grants_clinic_id", "clinic_id", postgresql_where=text("clinic_id IS NOT NULL")),
)

account_links = Table(
    "account_links",
    metadata,
    # Of the token itself nothing is kept.
    Column("token_hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    # It was used, or another one of the same purpose was.
    Column("used_at", DateTime(timezone=True)),
    CheckConstraint("purpose IN ('password_reset', 'email_verification')", name="purpose"),
    Index("ix_account_links_user_id", "user_id", postgresql_where=text("used_at IS NULL")),
    Index("ix_account_links_expires_at", "expires_at"),
)

access_changes = Table(
    "access_changes",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("user_id", Uuid, nullable=False),
    Column("session_id", Uuid),
    Column(
        "changed_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("clock_timestamp()"),
        index=True,
    ),
)
