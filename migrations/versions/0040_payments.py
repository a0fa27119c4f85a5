"""Payments: attempts, the ledger, refunds, events of providers, work, and numbered receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0035"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SIGNS = """CASE WHEN kind IN ('charge', 'desk_payment', 'refund_returned', 'dispute_reinstated')
  THEN amount > 0
 WHEN kind IN ('refund', 'desk_refund', 'dispute_withdrawn', 'dispute_fee') THEN amount < 0
 WHEN kind = 'dispute_lost' THEN amount = 0
 ELSE kind = 'unallocated' END"""
KEPT = """CREATE FUNCTION payments_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
  MESSAGE = 'rows of "' || TG_TABLE_NAME || '" are never changed or removed',
  TABLE = TG_TABLE_NAME, CONSTRAINT = 'kept_' || TG_TABLE_NAME;
END $$"""
FROZEN = """CREATE FUNCTION payments_freeze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 IF (OLD.id, OLD.appointment_id, OLD.clinic_id, OLD.provider, OLD.account_key, OLD.is_live,
   OLD.amount, OLD.currency, OLD.presentation, OLD.title, OLD.language, OLD.return_url,
   OLD.cancel_url, OLD.window_end, OLD.ends_at, OLD.started_by, OLD.created_at)
  IS DISTINCT FROM (NEW.id, NEW.appointment_id, NEW.clinic_id, NEW.provider, NEW.account_key,
   NEW.is_live, NEW.amount, NEW.currency, NEW.presentation, NEW.title, NEW.language,
   NEW.return_url, NEW.cancel_url, NEW.window_end, NEW.ends_at, NEW.started_by, NEW.created_at)
  OR (OLD.state = 'succeeded' AND NEW.state <> 'succeeded')
  OR (OLD.state IN ('failed', 'cancelled') AND NEW.state NOT IN (OLD.state, 'succeeded'))
  OR (OLD.reference IS NOT NULL AND NEW.reference IS DISTINCT FROM OLD.reference)
  OR NEW.captured < OLD.captured
 THEN
  RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
   MESSAGE = 'what a payment asked for is never changed, nor what it has become',
   TABLE = 'payments', CONSTRAINT = 'frozen_payments';
 END IF;
 RETURN NEW;
END $$"""
FREEZING = (
    "CREATE TRIGGER frozen_payments BEFORE UPDATE ON payments"
    " FOR EACH ROW EXECUTE FUNCTION payments_freeze()"
)


def upgrade() -> None:
    _make_payments()
    _make_payment_ledger()
    _make_payment_refunds()
    _make_payment_events()
    _make_payment_quarantine()
    _make_payment_work()
    _make_receipts()
    _make_receipt_counters()
    for statement in (KEPT, FROZEN, FREEZING):
        op.execute(statement)
    for table in ("payment_ledger", "receipts"):
        _keep(table)


def _make_payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("presentation", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("cancel_url", sa.Text(), nullable=False),
        sa.Column("window_end", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("started_by", sa.Uuid()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.Column("checkout_url", sa.Text()),
        sa.Column("client_secret", sa.Text()),
        sa.Column("publishable_key", sa.Text()),
        sa.Column("problem", sa.Text()),
        sa.Column("captured", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("captures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_refundable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(state = 'succeeded') = (captured > 0)", name=op.f("ck_payments_captured")
        ),
        sa.CheckConstraint(
            "presentation IN ('redirect', 'embedded', 'desk')",
            name=op.f("ck_payments_presentation"),
        ),
        sa.CheckConstraint(
            "state IN ('creating', 'closing', 'failed', 'cancelled') OR reference IS NOT NULL",
            name=op.f("ck_payments_reference"),
        ),
        sa.CheckConstraint(
            "state IN ('creating', 'open', 'closing', 'processing', 'failed', 'cancelled',"
            " 'succeeded')",
            name=op.f("ck_payments_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount")),
        sa.CheckConstraint(
            "captured >= 0 AND claimed BETWEEN 0 AND captured", name=op.f("ck_payments_refunds")
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_payments_appointment_id_appointments"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_payments_clinic_id_clinics")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("provider", "account_key", "reference", name="uq_payments_reference"),
    )
    op.create_index("ix_payments_appointment", "payments", ["appointment_id", "id"])
    op.create_index(
        "uq_payments_live",
        "payments",
        ["appointment_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('creating', 'open', 'closing', 'processing')"),
    )


def _make_payment_ledger() -> None:
    op.create_table(
        "payment_ledger",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("method", sa.Text()),
        sa.Column("settled_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.Uuid()),
        sa.CheckConstraint(
            SIGNS,
            name=op.f("ck_payment_ledger_amount"),
        ),
        sa.CheckConstraint("method IN ('cash', 'terminal')", name=op.f("ck_payment_ledger_method")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_payment_ledger_appointment_id_appointments"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_payment_ledger_clinic_id_clinics")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_ledger_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_ledger")),
        sa.UniqueConstraint(
            "provider", "account_key", "provider_id", "kind", name="uq_payment_ledger_once"
        ),
    )
    op.create_index("ix_payment_ledger_appointment", "payment_ledger", ["appointment_id"])
    op.create_index("ix_payment_ledger_day", "payment_ledger", ["clinic_id", "settled_at"])


def _make_payment_refunds() -> None:
    op.create_table(
        "payment_refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text()),
        sa.Column("problem", sa.Text()),
        sa.Column("requested_by", sa.Uuid()),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "reason IN ('late_money', 'surplus', 'cancelled', 'no_show', 'staff', 'provider')",
            name=op.f("ck_payment_refunds_reason"),
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'pending', 'settled', 'failed')",
            name=op.f("ck_payment_refunds_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_refunds_amount")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_payment_refunds_appointment_id_appointments"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_payment_refunds_clinic_id_clinics")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_refunds_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_refunds")),
    )
    op.create_index("ix_payment_refunds_appointment", "payment_refunds", ["appointment_id"])
    op.create_index("ix_payment_refunds_payment", "payment_refunds", ["payment_id", "id"])


def _make_payment_events() -> None:
    op.create_table(
        "payment_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.Column("our_id", sa.Text()),
        sa.Column("charge_id", sa.Text()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("handled_at", INSTANT),
        sa.Column("payment_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_events")),
        sa.UniqueConstraint("provider", "account_key", "event_id", name="uq_payment_events_event"),
    )
    op.create_index("ix_payment_events_received_at", "payment_events", ["received_at"])
    op.create_index(
        "ix_payment_events_waiting",
        "payment_events",
        ["id"],
        postgresql_where=sa.text("handled_at IS NULL"),
    )


def _make_payment_quarantine() -> None:
    op.create_table(
        "payment_quarantine",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT),
        sa.Column("resolved_by", sa.Uuid()),
        sa.CheckConstraint(
            "kind IN ('account', 'mode', 'currency', 'amount', 'reference', 'refund_failed',"
            " 'refund_by_hand')",
            name=op.f("ck_payment_quarantine_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_payment_quarantine_appointment_id_appointments"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_payment_quarantine_clinic_id_clinics")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_quarantine_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_quarantine")),
    )
    op.create_index(
        "ix_payment_quarantine_appointment",
        "payment_quarantine",
        ["appointment_id"],
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        "ix_payment_quarantine_clinic",
        "payment_quarantine",
        ["clinic_id", "id"],
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        "uq_payment_quarantine_open",
        "payment_quarantine",
        ["payment_id", "kind", "about"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )


def _make_payment_work() -> None:
    op.create_table(
        "payment_work",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid()),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("asked", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("token", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.CheckConstraint(
            "(kind = 'refund') = (refund_id IS NOT NULL)", name=op.f("ck_payment_work_refund")
        ),
        sa.CheckConstraint(
            "kind IN ('create', 'poll', 'end', 'capture', 'refund', 'expire', 'settle')",
            name=op.f("ck_payment_work_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_work_payment_id_payments")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"],
            ["payment_refunds.id"],
            name=op.f("fk_payment_work_refund_id_payment_refunds"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_work")),
        sa.UniqueConstraint(
            "payment_id",
            "kind",
            "refund_id",
            name="uq_payment_work_once",
            postgresql_nulls_not_distinct=True,
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_payment_work_due", "payment_work", ["due_at"])


def _make_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("corrects", sa.Uuid()),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("line_kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("method", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("issuer_name", sa.Text(), nullable=False),
        sa.Column("issuer_address", sa.Text()),
        sa.Column("settled_at", INSTANT, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(kind = 'correction') = (corrects IS NOT NULL)", name=op.f("ck_receipts_corrects")
        ),
        sa.CheckConstraint("kind IN ('receipt', 'correction')", name=op.f("ck_receipts_kind")),
        sa.CheckConstraint("number > 0", name=op.f("ck_receipts_number")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_receipts_appointment_id_appointments"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_receipts_clinic_id_clinics")
        ),
        sa.ForeignKeyConstraint(
            ["corrects"], ["receipts.id"], name=op.f("fk_receipts_corrects_receipts")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_receipts_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("clinic_id", "year", "number", name="uq_receipts_number"),
        sa.UniqueConstraint(
            "provider", "account_key", "provider_id", "line_kind", name="uq_receipts_line"
        ),
    )
    op.create_index("ix_receipts_payment", "receipts", ["payment_id", "number"])


def _make_receipt_counters() -> None:
    op.create_table(
        "receipt_counters",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.CheckConstraint("last > 0", name=op.f("ck_receipt_counters_last")),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_receipt_counters_clinic_id_clinics")
        ),
        sa.PrimaryKeyConstraint("clinic_id", "year", name=op.f("pk_receipt_counters")),
    )


def _keep(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER kept_{table} BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION payments_keep()"
    )
    op.execute(
        f"CREATE TRIGGER kept_whole_{table} BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION payments_keep()"
    )


def downgrade() -> None:
    op.drop_table("receipt_counters")
    op.drop_table("receipts")
    op.drop_table("payment_work")
    op.drop_table("payment_quarantine")
    op.drop_table("payment_events")
    op.drop_table("payment_refunds")
    op.drop_table("payment_ledger")
    op.drop_table("payments")
    op.execute("DROP FUNCTION payments_freeze(), payments_keep()")
