"""The tables of payments. Attempts and refunds move; the ledger and documents never change."""

from sqlalchemy import (
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
from sqlalchemy.dialects.postgresql import ARRAY

from booking_system.platform.postgres.metadata import metadata

LIVE = text("state IN ('creating', 'open', 'closing', 'processing')")
MATTERS = (
    "'account', 'mode', 'currency', 'amount', 'reference', 'refund_failed', 'refund_by_hand',"
    " 'no_account'"
)
SIGNS = """CASE WHEN kind IN ('charge', 'desk_payment', 'refund_returned', 'dispute_reinstated')
  THEN amount > 0
 WHEN kind IN ('refund', 'desk_refund', 'dispute_withdrawn', 'dispute_fee') THEN amount < 0
 WHEN kind = 'dispute_lost' THEN amount = 0
 ELSE kind = 'unallocated' END"""


def _instant(name: str, *, nullable: bool = False) -> "Column[object]":
    return Column(name, DateTime(timezone=True), nullable=nullable)


payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("appointment_id", Uuid, ForeignKey("appointments.id"), nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    # From here to `created_at` nothing is ever changed: a trigger refuses it.
    Column("provider", Text, nullable=False),
    Column("account_key", Text, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("presentation", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("return_url", Text, nullable=False),
    Column("cancel_url", Text, nullable=False),
    _instant("window_end"),
    _instant("ends_at"),
    Column("started_by", Uuid),
    _instant("created_at"),
    Column("state", Text, nullable=False),
    Column("reference", Text),
    Column("checkout_url", Text),
    # For the payer's own page, as long as they may pay.
    Column("client_secret", Text),
    Column("publishable_key", Text),
    Column("problem", Text),
    Column("captured", Integer, nullable=False, server_default=text("0")),
    # What of that was given back or is on its way.
    Column("claimed", Integer, nullable=False, server_default=text("0")),
    Column("captures", SmallInteger, nullable=False, server_default=text("0")),
    Column("is_refundable", Boolean, nullable=False, server_default=text("true")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _instant("updated_at"),
    UniqueConstraint("provider", "account_key", "reference", name="uq_payments_reference"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint(
        "state IN ('creating', 'open', 'closing', 'processing', 'failed', 'cancelled',"
        " 'succeeded')",
        name="state",
    ),
    CheckConstraint("presentation IN ('redirect', 'embedded', 'desk')", name="presentation"),
    CheckConstraint("captured >= 0 AND claimed BETWEEN 0 AND captured", name="refunds"),
    CheckConstraint("(state = 'succeeded') = (captured > 0)", name="captured"),
    CheckConstraint(
        "state IN ('creating', 'closing', 'failed', 'cancelled') OR reference IS NOT NULL",
        name="reference",
    ),
    Index("uq_payments_live", "appointment_id", unique=True, postgresql_where=LIVE),
    Index("ix_payments_appointment", "appointment_id", "id"),
)

payment_ledger = Table(
    "payment_ledger",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("appointment_id", Uuid, ForeignKey("appointments.id"), nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("provider", Text, nullable=False),
    Column("account_key", Text, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("charge_id", Text, nullable=False),
    # Signed.
    Column("amount", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("method", Text),
    _instant("settled_at"),
    _instant("recorded_at"),
    Column("recorded_by", Uuid),
    UniqueConstraint(
        "provider", "account_key", "provider_id", "kind", name="uq_payment_ledger_once"
    ),
    CheckConstraint(SIGNS, name="amount"),
    CheckConstraint("method IN ('cash', 'terminal')", name="method"),
    Index("ix_payment_ledger_appointment", "appointment_id"),
    Index("ix_payment_ledger_day", "clinic_id", "settled_at"),
)

payment_refunds = Table(
    "payment_refunds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("appointment_id", Uuid, ForeignKey("appointments.id"), nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("charge_id", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("provider_id", Text),
    Column("problem", Text),
    Column("requested_by", Uuid),
    Column("note", Text),
    _instant("created_at"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("state IN ('asked', 'pending', 'settled', 'failed')", name="state"),
    CheckConstraint(
        "reason IN ('late_money', 'surplus', 'cancelled', 'no_show', 'staff', 'provider')",
        name="reason",
    ),
    Index("ix_payment_refunds_payment", "payment_id", "id"),
    Index("ix_payment_refunds_appointment", "appointment_id"),
)

payment_events = Table(
    "payment_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("account_key", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("reference", Text),
    Column("our_id", Text),
    Column("charge_id", Text),
    # As it came: for people who look for what went wrong.
    Column("body", LargeBinary, nullable=False),
    _instant("received_at"),
    _instant("handled_at", nullable=True),
    # None: about nothing of ours.
    Column("payment_id", Uuid),
    UniqueConstraint("provider", "account_key", "event_id", name="uq_payment_events_event"),
    Index("ix_payment_events_received_at", "received_at"),
    Index("ix_payment_events_waiting", "id", postgresql_where=text("handled_at IS NULL")),
)

payment_quarantine = Table(
    "payment_quarantine",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("appointment_id", Uuid, ForeignKey("appointments.id"), nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("about", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    _instant("found_at"),
    _instant("resolved_at", nullable=True),
    # None: it is so no more, by itself.
    Column("resolved_by", Uuid),
    CheckConstraint(f"kind IN ({MATTERS})", name="kind"),
    Index(
        "uq_payment_quarantine_open",
        "payment_id",
        "kind",
        "about",
        unique=True,
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index(
        "ix_payment_quarantine_appointment",
        "appointment_id",
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index(
        "ix_payment_quarantine_clinic",
        "clinic_id",
        "id",
        postgresql_where=text("resolved_at IS NULL"),
    ),
)

payment_work = Table(
    "payment_work",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("refund_id", Uuid, ForeignKey("payment_refunds.id")),
    _instant("due_at"),
    # How often it was planned: what was planned anew while it was done is done again.
    Column("asked", Integer, nullable=False, server_default=text("1")),
    # Fences: only the worker that has drawn the last number may write.
    Column("token", Integer, nullable=False, server_default=text("0")),
    _instant("lease_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("problem", Text),
    # Since when it fails for this and nothing else.
    _instant("problem_since", nullable=True),
    UniqueConstraint(
        "payment_id",
        "kind",
        "refund_id",
        name="uq_payment_work_once",
        postgresql_nulls_not_distinct=True,
    ),
    CheckConstraint(
        "kind IN ('create', 'poll', 'end', 'capture', 'refund', 'expire', 'settle')", name="kind"
    ),
    CheckConstraint("(kind = 'refund') = (refund_id IS NOT NULL)", name="refund"),
    Index("ix_payment_work_due", "due_at"),
    postgresql_with={"fillfactor": 70},
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("appointment_id", Uuid, ForeignKey("appointments.id"), nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("corrects", Uuid, ForeignKey("receipts.id")),
    Column("provider", Text, nullable=False),
    Column("account_key", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("line_kind", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("method", Text),
    Column("title", Text, nullable=False),
    Column("issuer_name", Text, nullable=False),
    Column("issuer_address", Text),
    # From here on: None where it was issued before these were kept.
    Column("issuer_tax_number", Text),
    Column("time_zone", Text),
    Column("is_live", Boolean),
    Column("languages", ARRAY(Text)),
    Column("recipient_name", Text),
    Column("service_name", Text),
    Column("reference", Text),
    _instant("starts_at", nullable=True),
    Column("price_amount", Integer),
    Column("deposit_amount", Integer),
    Column("received_amount", Integer),
    _instant("settled_at"),
    _instant("issued_at"),
    UniqueConstraint("clinic_id", "year", "number", name="uq_receipts_number"),
    # A document has a line of the ledger, and no line has two.
    UniqueConstraint(
        "provider", "account_key", "provider_id", "line_kind", name="uq_receipts_line"
    ),
    CheckConstraint("kind IN ('receipt', 'correction')", name="kind"),
    CheckConstraint("(kind = 'correction') = (corrects IS NOT NULL)", name="corrects"),
    CheckConstraint("number > 0", name="number"),
    Index("ix_receipts_payment", "payment_id", "number"),
)

receipt_counters = Table(
    "receipt_counters",
    metadata,
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), primary_key=True),
    Column("year", SmallInteger, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    CheckConstraint("last > 0", name="last"),
)
