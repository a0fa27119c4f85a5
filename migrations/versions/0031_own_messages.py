"""Clinics send their messages through accounts of their own, and in words of their own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
MISSED = """recipient_key = 'patient' AND appointment_id IS NOT NULL AND (state = 'failed'
 OR state = 'skipped' AND (reason IN ('no_address', 'opted_out', 'bounced', 'complained',
 'unusable', 'no_channel') OR reason = 'too_late' AND error_code IS NOT NULL))"""


def upgrade() -> None:
    _make_channels()
    _make_templates()
    op.create_index(
        "ix_message_ledger_missed",
        "message_ledger",
        ["clinic_id", "appointment_id"],
        postgresql_where=sa.text(MISSED),
    )


def _make_channels() -> None:
    op.create_table(
        "clinic_channels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text()),
        sa.Column("target", postgresql.JSONB(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("verified_at", INSTANT),
        sa.Column("tried_at", INSTANT),
        sa.Column("failed_at", INSTANT),
        sa.Column("failure", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic_channels")),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_clinic_channels_clinic_id_clinics")
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_clinic_channels_changed_by_users")
        ),
        sa.UniqueConstraint("clinic_id", "channel", name="uq_clinic_channels_channel"),
        sa.CheckConstraint(
            "channel = CASE WHEN provider IN ('smtp', 'sendgrid', 'ses') THEN 'email'"
            " WHEN provider IN ('twilio', 'sns') THEN 'sms' END",
            name=op.f("ck_clinic_channels_provider"),
        ),
        sa.CheckConstraint(
            "channel <> 'email' OR sender IS NOT NULL", name=op.f("ck_clinic_channels_sender")
        ),
        sa.CheckConstraint(
            "(failed_at IS NULL) = (failure IS NULL)", name=op.f("ck_clinic_channels_failure")
        ),
    )


def _make_templates() -> None:
    op.create_table(
        "message_templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("html", sa.Text()),
        sa.Column("sms", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("last_failure_at", INSTANT),
        sa.Column("last_failure_part", sa.Text()),
        sa.Column("last_failure", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_templates")),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_message_templates_clinic_id_clinics")
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_message_templates_changed_by_users")
        ),
        sa.UniqueConstraint("clinic_id", "kind", "language", name="uq_message_templates_language"),
        sa.CheckConstraint(
            "kind IN ('confirmation', 'change', 'cancellation', 'reminder', 'staff_notice')",
            name=op.f("ck_message_templates_kind"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(subject, text, html, sms) > 0", name=op.f("ck_message_templates_parts")
        ),
    )


def downgrade() -> None:
    op.drop_index("ix_message_ledger_missed", "message_ledger")
    op.drop_table("message_templates")
    op.drop_table("clinic_channels")
