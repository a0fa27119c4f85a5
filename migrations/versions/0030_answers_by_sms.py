"""Patients answer by SMS: what they confirmed, whom a message went to, what they were asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from booking_system.platform.postgres.row_checks import reword_row_checks

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BEFORE = {
    "action": """action = ANY (ARRAY['rescheduled', 'cancelled', 'checked_in', 'completed',
 'no_show', 'undone', 'slot_inherited'])""",
    "side": "side = ANY (ARRAY['patient', 'clinic', 'system'])",
    "system": "side <> 'system' OR by_user_id IS NULL",
    "version": "version > 1",
    "moved": """num_nonnulls(from_slot_id, from_starts_at, to_slot_id, to_starts_at)
 = CASE WHEN action = 'rescheduled' THEN 4 ELSE 0 END""",
}
NOW = BEFORE | {
    "action": """action = ANY (ARRAY['rescheduled', 'cancelled', 'checked_in', 'completed',
 'no_show', 'undone', 'slot_inherited', 'patient_confirmed'])"""
}
UNSAID = "DELETE FROM appointment_history WHERE action = 'patient_confirmed'"


def upgrade() -> None:
    op.add_column("appointments", sa.Column("patient_confirmed_at", INSTANT))
    reword_row_checks(op.get_bind(), "appointment_history", NOW)
    op.add_column("message_ledger", sa.Column("sent_to", sa.LargeBinary()))
    op.create_index(
        "ix_message_ledger_sent_to",
        "message_ledger",
        ["sent_to", "began_at"],
        postgresql_where=sa.text("sent_to IS NOT NULL"),
    )
    op.add_column("recipient_blocks", sa.Column("listed_at", INSTANT))
    op.create_index(
        "ix_recipient_blocks_listed_at",
        "recipient_blocks",
        ["listed_at"],
        postgresql_where=sa.text("listed_at IS NOT NULL"),
    )
    _make_talks()


def _make_talks() -> None:
    op.create_table(
        "sms_talks",
        sa.Column("recipient_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text()),
        sa.Column("message_id", sa.Uuid()),
        sa.Column(
            "appointment_ids",
            postgresql.ARRAY(sa.Uuid()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "revisions",
            postgresql.ARRAY(sa.Integer()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("asked_at", INSTANT),
        sa.Column("excused_at", INSTANT),
        sa.Column("counted_from", INSTANT, nullable=False),
        sa.Column("answers", sa.SmallInteger(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("recipient_hash", "sender", name=op.f("pk_sms_talks")),
        sa.CheckConstraint("asked IN ('cancel', 'which')", name=op.f("ck_sms_talks_asked")),
        sa.CheckConstraint(
            "(asked IS NOT NULL) = (message_id IS NOT NULL AND asked_at IS NOT NULL)"
            " AND cardinality(appointment_ids) = cardinality(revisions)",
            name=op.f("ck_sms_talks_question"),
        ),
    )
    op.create_index("ix_sms_talks_updated_at", "sms_talks", ["updated_at"])
    op.create_index(
        "ix_sms_talks_message",
        "sms_talks",
        ["message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("sms_talks")
    op.drop_index("ix_recipient_blocks_listed_at", "recipient_blocks")
    op.drop_column("recipient_blocks", "listed_at")
    op.drop_index("ix_message_ledger_sent_to", "message_ledger")
    op.drop_column("message_ledger", "sent_to")
    op.execute(UNSAID)
    reword_row_checks(op.get_bind(), "appointment_history", BEFORE)
    op.drop_column("appointments", "patient_confirmed_at")
