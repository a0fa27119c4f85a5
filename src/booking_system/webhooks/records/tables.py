"""The tables of webhooks. Deliveries are queue and log in one, so these never differ."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Uuid, primary_key=True),
    # None: of the platform, which is told of no patient.
    Column("clinic_id", Uuid, ForeignKey("clinics.id")),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("events", ARRAY(Text), nullable=False),
    Column("with_patients", Boolean, nullable=False),
    # Sealed: the keys for these are derived from those of the installation.
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary),
    Column("former_until", DateTime(timezone=True)),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("state_since", DateTime(timezone=True), nullable=False),
    # Attempts that failed in a row, of all deliveries.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", DateTime(timezone=True)),
    Column("rests_until", DateTime(timezone=True)),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('enabled', 'paused', 'disabled')", name="state"),
    CheckConstraint("(reason IS NOT NULL) = (state = 'disabled')", name="reason"),
    CheckConstraint("clinic_id IS NOT NULL OR NOT with_patients", name="with_patients"),
    CheckConstraint("(former_secret IS NULL) = (former_until IS NULL)", name="former"),
    Index(
        "ix_webhook_endpoints_clinic",
        "clinic_id",
        "id",
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    # Version 7 by the event's, so the oldest events come first.
    Column("id", Uuid, primary_key=True),
    Column("endpoint_id", Uuid, ForeignKey("webhook_endpoints.id"), nullable=False),
    # None: a ping.
    Column("event_seq", BigInteger),
    Column("event_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    # Fences: only the worker that has drawn the last number may write.
    Column("token", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", DateTime(timezone=True)),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("attempted_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("last_status", SmallInteger),
    Column("error_code", Text),
    Column("answer", Text),
    UniqueConstraint("endpoint_id", "event_seq", name="uq_webhook_deliveries_event"),
    CheckConstraint(
        "state IN ('pending', 'sending', 'delivered', 'failed', 'paused')", name="state"
    ),
    CheckConstraint("(lease_until IS NOT NULL) = (state = 'sending')", name="lease"),
    CheckConstraint("octet_length(answer) <= 1024", name="answer"),
    Index(
        "ix_webhook_deliveries_due",
        "endpoint_id",
        "due_at",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_webhook_deliveries_lease",
        "lease_until",
        postgresql_where=text("state = 'sending'"),
    ),
    Index("ix_webhook_deliveries_page", "endpoint_id", "id"),
    postgresql_with={"fillfactor": 70},
)
