"""Consumers read the feed, and the ledger says which messages go out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STATES = """state IN ('planned', 'claimed', 'sending', 'unknown', 'sent', 'delivered', 'failed',
 'withdrawn', 'skipped')"""
UNDER_WAY = sa.text("state IN ('claimed', 'sending', 'unknown')")


def upgrade() -> None:
    _make_consumers()
    _make_ledger()
    _make_attempts_and_reports()
    _make_recipients()
    # What happened before nobody is told of now: what no relay has taken yet gets the next numbers.
    op.execute(
        "INSERT INTO feed_consumers (name, seq)"
        " SELECT 'messages', coalesce(max(seq), 0) + (SELECT count(*) FROM outbox) FROM event_feed"
    )


def _make_consumers() -> None:
    op.create_table(
        "feed_consumers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feed_consumers")),
    )
    op.create_table(
        "dead_events",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid()),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("died_at", INSTANT, nullable=False),
        sa.Column("wanted_again", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "seq", name=op.f("pk_dead_events")),
    )


def _make_ledger() -> None:
    op.create_table(
        "message_ledger",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("offset_minutes", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid()),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("not_after", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("token", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("began_at", INSTANT),
        sa.Column("began", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("provider", sa.Text()),
        sa.Column("provider_id", sa.Text()),
        sa.Column("error_code", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_ledger")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_message_ledger_appointment_id_appointments"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_message_ledger_clinic_id_clinics")
        ),
        sa.UniqueConstraint(
            "appointment_id",
            "revision",
            "kind",
            "offset_minutes",
            "channel",
            "recipient_key",
            postgresql_nulls_not_distinct=True,
            name="uq_message_ledger_identity",
        ),
        sa.CheckConstraint(STATES, name=op.f("ck_message_ledger_state")),
        sa.CheckConstraint("channel IN ('email', 'sms')", name=op.f("ck_message_ledger_channel")),
        sa.CheckConstraint(
            "(lease_until IS NOT NULL) = (state IN ('claimed', 'sending', 'unknown'))",
            name=op.f("ck_message_ledger_lease"),
        ),
        sa.CheckConstraint("began <= 2", name=op.f("ck_message_ledger_began")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_message_ledger_due",
        "message_ledger",
        ["lane", "due_at"],
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "ix_message_ledger_turns",
        "message_ledger",
        ["lane", "clinic_id", "due_at"],
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "ix_message_ledger_lease", "message_ledger", ["lease_until"], postgresql_where=UNDER_WAY
    )
    op.create_index(
        "uq_message_ledger_provider_id",
        "message_ledger",
        ["provider", "provider_id"],
        unique=True,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index("ix_message_ledger_clinic", "message_ledger", ["clinic_id", "id"])
    op.create_index(
        "ix_message_ledger_failed",
        "message_ledger",
        ["id"],
        postgresql_where=sa.text("state = 'failed'"),
    )


def _make_attempts_and_reports() -> None:
    op.create_table(
        "message_attempts",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("provider_id", sa.Text()),
        sa.Column("error_code", sa.Text()),
        sa.PrimaryKeyConstraint("message_id", "token", name=op.f("pk_message_attempts")),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message_ledger.id"],
            name=op.f("fk_message_attempts_message_id_message_ledger"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "message_reports",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("reported", sa.Text(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("stored_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_message_reports")),
    )
    op.create_index("ix_message_reports_stored_at", "message_reports", ["stored_at"])
    op.create_index(
        "ix_message_reports_message",
        "message_reports",
        ["message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )


def _make_recipients() -> None:
    op.create_table(
        "notification_preferences",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Boolean(), nullable=False),
        sa.Column("sms", sa.Boolean(), nullable=False),
        sa.Column("reminders", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.SmallInteger(), nullable=False),
        sa.Column("quiet_until", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_notification_preferences")),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_notification_preferences_patient_id_patients"),
        ),
        sa.CheckConstraint(
            "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439",
            name=op.f("ck_notification_preferences_quiet"),
        ),
    )
    op.create_table(
        "recipient_blocks",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("times", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint(
            "channel", "recipient_hash", "sender", name=op.f("pk_recipient_blocks")
        ),
        sa.CheckConstraint(
            "reason IN ('opted_out', 'bounced', 'complained', 'unusable')",
            name=op.f("ck_recipient_blocks_reason"),
        ),
    )
    op.create_index(
        "ix_recipient_blocks_until",
        "recipient_blocks",
        ["until"],
        postgresql_where=sa.text("until IS NOT NULL"),
    )


def downgrade() -> None:
    for table in (
        "recipient_blocks",
        "notification_preferences",
        "message_reports",
        "message_attempts",
        "message_ledger",
        "dead_events",
        "feed_consumers",
    ):
        op.drop_table(table)
