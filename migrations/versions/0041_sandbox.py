"""The sandbox keeps its checkouts, and payments follow what becomes of appointments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_checkouts",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_sandbox_checkouts")),
    )
    op.create_index("ix_sandbox_checkouts_made_at", "sandbox_checkouts", ["made_at"])
    # What happened before has no payments.
    op.execute(
        "INSERT INTO feed_consumers (name, seq)"
        " SELECT 'payments', coalesce(max(seq), 0) + (SELECT count(*) FROM outbox) FROM event_feed"
    )


def downgrade() -> None:
    op.execute("DELETE FROM feed_consumers WHERE name = 'payments'")
    op.execute("DELETE FROM dead_events WHERE consumer = 'payments'")
    op.drop_table("sandbox_checkouts")
