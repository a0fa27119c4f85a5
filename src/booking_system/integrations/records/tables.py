"""The tables of integrations."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from booking_system.platform.postgres.metadata import metadata

LIVE = text("revoked_at IS NULL")
REVOKED = text("revoked_at IS NOT NULL")

calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Of the token itself nothing is kept.
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("doctor_id", Uuid, ForeignKey("doctors.id")),
    Column("details", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    # What was told last, and since when it is that.
    Column("digest", LargeBinary),
    Column("changed_at", DateTime(timezone=True)),
    CheckConstraint("scope IN ('patient', 'doctor')", name="scope"),
    CheckConstraint("(scope = 'doctor') = (doctor_id IS NOT NULL)", name="doctor"),
    CheckConstraint("details IN ('none', 'initials', 'names')", name="details"),
    CheckConstraint("(digest IS NULL) = (changed_at IS NULL)", name="changed"),
    Index("ix_calendar_feeds_user_id", "user_id", "id", postgresql_where=LIVE),
    Index(
        "ix_calendar_feeds_revoked_at",
        "revoked_at",
        postgresql_where=REVOKED,
    ),
)
