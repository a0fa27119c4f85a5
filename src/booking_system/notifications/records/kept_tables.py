"""The table of messages that were kept instead of being sent."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from booking_system.platform.postgres.metadata import metadata

kept_messages = Table(
    "kept_messages",
    metadata,
    # Version 7, so the oldest come first.
    Column("id", Uuid, primary_key=True),
    # The ledger's; no reference, as a message may be kept that is in no ledger.
    Column("message_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    # As it is looked for: in small letters.
    Column("recipient", Text, nullable=False),
    Column("to_address", Text, nullable=False),
    Column("to_name", Text),
    Column("sender_address", Text),
    Column("sender_name", Text),
    Column("reply_to_address", Text),
    Column("reply_to_name", Text),
    Column("subject", Text),
    Column("text", Text, nullable=False),
    Column("html", Text),
    Column("calendar_method", Text),
    Column("calendar", LargeBinary),
    Column("unsubscribe_url", Text),
    Column("kept_at", DateTime(timezone=True), nullable=False),
    # PDFs, in the same order; None: it was kept before mails had some.
    Column("document_names", ARRAY(Text)),
    Column("documents", ARRAY(LargeBinary)),
    CheckConstraint("channel IN ('email', 'sms')", name="channel"),
    CheckConstraint("(calendar IS NULL) = (calendar_method IS NULL)", name="calendar"),
    CheckConstraint(
        "coalesce(cardinality(documents), 0) = coalesce(cardinality(document_names), 0)",
        name="documents",
    ),
    Index("ix_kept_messages_recipient", "recipient", "id"),
    Index("ix_kept_messages_kept_at", "kept_at"),
)
