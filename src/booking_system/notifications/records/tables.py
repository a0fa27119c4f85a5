"""The tables of messages. The ledger is plan, queue and record, so these never differ."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    or_,
    text,
)

from booking_system.platform.postgres.metadata import metadata

STATES = """state IN ('planned', 'claimed', 'sending', 'unknown', 'sent', 'delivered', 'failed',
 'withdrawn', 'skipped')"""
PLANNED = text("state = 'planned'")
MISSED = """recipient_key = 'patient' AND appointment_id IS NOT NULL AND (state = 'failed'
 OR state = 'skipped' AND (reason IN ('no_address', 'opted_out', 'bounced', 'complained',
 'unusable', 'no_channel') OR reason = 'too_late' AND error_code IS NOT NULL))"""
UNDER_WAY = text("state IN ('claimed', 'sending', 'unknown')")

message_ledger = Table(
    "message_ledger",
    metadata,
    # Version 7, so the oldest come first. Providers are told it.
    Column("id", Uuid, primary_key=True),
    # None: of an account.
    Column("appointment_id", Uuid, ForeignKey("appointments.id")),
    # The appointment's; of an account the number of the event in the feed.
    Column("revision", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("offset_minutes", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    # Who it goes to, by their part: an address is looked up when it is sent.
    Column("recipient_key", Text, nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id")),
    Column("lane", SmallInteger, nullable=False),
    Column("planned_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("not_after", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    # Why it was skipped, withdrawn, or has failed.
    Column("reason", Text),
    # Fences: only the worker that has drawn the last number may write.
    Column("token", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", DateTime(timezone=True)),
    Column("began_at", DateTime(timezone=True)),
    # How often its bytes may have gone out.
    Column("began", SmallInteger, nullable=False, server_default=text("0")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("ended_at", DateTime(timezone=True)),
    Column("provider", Text),
    Column("provider_id", Text),
    Column("error_code", Text),
    # Keyed, the number that it may have gone to: who answers is known by it.
    Column("sent_to", LargeBinary),
    UniqueConstraint(
        "appointment_id",
        "revision",
        "kind",
        "offset_minutes",
        "channel",
        "recipient_key",
        postgresql_nulls_not_distinct=True,
        name="uq_message_ledger_identity",
    ),
    CheckConstraint(STATES, name="state"),
    CheckConstraint("channel IN ('email', 'sms')", name="channel"),
    CheckConstraint(
        "(lease_until IS NOT NULL) = (state IN ('claimed', 'sending', 'unknown'))", name="lease"
    ),
    CheckConstraint("began <= 2", name="began"),
    Index("ix_message_ledger_due", "lane", "due_at", postgresql_where=PLANNED),
    Index("ix_message_ledger_turns", "lane", "clinic_id", "due_at", postgresql_where=PLANNED),
    Index("ix_message_ledger_lease", "lease_until", postgresql_where=UNDER_WAY),
    Index(
        "uq_message_ledger_provider_id",
        "provider",
        "provider_id",
        unique=True,
        postgresql_where=text("provider_id IS NOT NULL"),
    ),
    Index("ix_message_ledger_clinic", "clinic_id", "id"),
    Index(
        "ix_message_ledger_sent_to",
        "sent_to",
        "began_at",
        postgresql_where=text("sent_to IS NOT NULL"),
    ),
    Index("ix_message_ledger_missed", "clinic_id", "appointment_id", postgresql_where=text(MISSED)),
    Index("ix_message_ledger_failed", "id", postgresql_where=text("state = 'failed'")),
    postgresql_with={"fillfactor": 70},
)

message_attempts = Table(
    "message_attempts",
    metadata,
    Column(
        "message_id",
        Uuid,
        ForeignKey("message_ledger.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("token", Integer, primary_key=True, autoincrement=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("provider", Text, nullable=False),
    # None: its worker has not come back yet.
    Column("outcome", Text),
    Column("provider_id", Text),
    Column("error_code", Text),
)

message_reports = Table(
    "message_reports",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("message_id", Uuid),
    Column("reported", Text, nullable=False),
    Column("code", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
    Index("ix_message_reports_stored_at", "stored_at"),
    Index(
        "ix_message_reports_message",
        "message_id",
        postgresql_where=text("message_id IS NOT NULL"),
    ),
)

notification_preferences = Table(
    "notification_preferences",
    metadata,
    Column("patient_id", Uuid, ForeignKey("patients.id"), primary_key=True),
    Column("email", Boolean, nullable=False),
    Column("sms", Boolean, nullable=False),
    Column("reminders", Boolean, nullable=False),
    # Minutes after midnight on the patient's wall clock; alike: no quiet hours.
    Column("quiet_from", SmallInteger, nullable=False),
    Column("quiet_until", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(
        "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439", name="quiet"
    ),
)
"""What patients have set themselves; without a row, what is usual holds."""

recipient_blocks = Table(
    "recipient_blocks",
    metadata,
    Column("channel", Text, primary_key=True),
    # Keyed, of the address or number: an opt-out outlives the data of the person.
    Column("recipient_hash", LargeBinary, primary_key=True),
    # The sender that is not wanted; empty: any.
    Column("sender", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    # None: until it is lifted.
    Column("until", DateTime(timezone=True)),
    Column("times", SmallInteger, nullable=False, server_default=text("1")),
    # When it last stood in the provider's own list, from which it can go again.
    Column("listed_at", DateTime(timezone=True)),
    CheckConstraint("reason IN ('opted_out', 'bounced', 'complained', 'unusable')", name="reason"),
    Index(
        "ix_recipient_blocks_listed_at",
        "listed_at",
        postgresql_where=text("listed_at IS NOT NULL"),
    ),
    Index("ix_recipient_blocks_until", "until", postgresql_where=text("until IS NOT NULL")),
)

sms_talks = Table(
    "sms_talks",
    metadata,
    # Keyed, of the number that answers; the sender is the one of ours that it wrote to.
    Column("recipient_hash", LargeBinary, primary_key=True),
    Column("sender", Text, primary_key=True),
    # What we have asked it: `cancel`, or `which` of several appointments; null: nothing.
    Column("asked", Text),
    Column("message_id", Uuid),
    Column("appointment_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("revisions", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    Column("asked_at", DateTime(timezone=True)),
    # When it was last told that nobody reads what it wrote.
    Column("excused_at", DateTime(timezone=True)),
    # How many answers it got since.
    Column("counted_from", DateTime(timezone=True), nullable=False),
    Column("answers", SmallInteger, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("asked IN ('cancel', 'which')", name="asked"),
    CheckConstraint(
        "(asked IS NOT NULL) = (message_id IS NOT NULL AND asked_at IS NOT NULL)"
        " AND cardinality(appointment_ids) = cardinality(revisions)",
        name="question",
    ),
    Index("ix_sms_talks_updated_at", "updated_at"),
    Index("ix_sms_talks_message", "message_id", postgresql_where=text("message_id IS NOT NULL")),
)
"""What was said with a number by SMS, as far as the next answer depends on it."""


def was_missed(m: FromClause) -> ColumnElement[bool]:
    """Return the condition that a message for a patient was given up, or had no way to go.

    It is that of an index: `MISSED` says the same.
    """
    had_no_way = ("no_address", "opted_out", "bounced", "complained", "unusable", "no_channel")
    was_tried = and_(m.c.reason == "too_late", m.c.error_code.is_not(None))
    was_skipped = and_(m.c.state == "skipped", or_(m.c.reason.in_(had_no_way), was_tried))
    return and_(
        m.c.recipient_key == "patient",
        m.c.appointment_id.is_not(None),
        or_(m.c.state == "failed", was_skipped),
    )
