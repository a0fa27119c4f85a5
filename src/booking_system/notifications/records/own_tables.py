"""The tables of what clinics set of their messages: accounts with providers, and templates."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    FromClause,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    cast,
    literal,
)
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata

clinic_channels = Table(
    "clinic_channels",
    metadata,
    # Random in all its bits: providers call addresses that it stands in.
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("provider", Text, nullable=False),
    # Who writes: an address, a number, a name, or the id of a service.
    Column("sender", Text),
    # Where the secret is good for; it opens for nothing else.
    Column("target", JSONB, nullable=False),
    # What else was set: topics, public keys, limits.
    Column("options", JSONB, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The name of the key that has sealed it.
    Column("key_id", LargeBinary, nullable=False),
    # The last characters of the secret, so that people tell one from another.
    Column("hint", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("verified_at", DateTime(timezone=True)),
    Column("tried_at", DateTime(timezone=True)),
    Column("failed_at", DateTime(timezone=True)),
    # The provider's code, never its sentence.
    Column("failure", Text),
    UniqueConstraint("clinic_id", "channel", name="uq_clinic_channels_channel"),
    CheckConstraint(
        "channel = CASE WHEN provider IN ('smtp', 'sendgrid', 'ses') THEN 'email'"
        " WHEN provider IN ('twilio', 'sns') THEN 'sms' END",
        name="provider",
    ),
    CheckConstraint("channel <> 'email' OR sender IS NOT NULL", name="sender"),
    CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name="failure"),
)

message_templates = Table(
    "message_templates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("language", Text, nullable=False),
    # None: as the program says it.
    Column("subject", Text),
    Column("text", Text),
    Column("html", Text),
    Column("sms", Text),
    Column("version", Integer, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Uuid, ForeignKey("users.id"), nullable=False),
    # When it could not be used for a message, and why; quotes nothing of the message.
    Column("last_failure_at", DateTime(timezone=True)),
    Column("last_failure_part", Text),
    Column("last_failure", Text),
    UniqueConstraint("clinic_id", "kind", "language", name="uq_message_templates_language"),
    CheckConstraint(
        "kind IN ('confirmation', 'change', 'cancellation', 'reminder', 'staff_notice',"
        " 'payment_request', 'payment_reminder', 'payment_expired', 'payment_late',"
        " 'payment_receipt', 'refund', 'refund_failed', 'dispute_notice', 'matter_notice')",
        name="kind",
    ),
    CheckConstraint("num_nonnulls(subject, text, html, sms) > 0", name="parts"),
)


def mark_of(templates: FromClause) -> ColumnElement[str]:
    """Return what names one version of one clinic's templates, and never another one."""
    version = cast(templates.c.version, Text)
    return cast(templates.c.id, Text).concat(literal(" ", Text)).concat(version)
