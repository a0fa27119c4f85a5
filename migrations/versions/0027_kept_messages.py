"""Messages are kept to be looked at, where no provider is set."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("to_name", sa.Text()),
        sa.Column("sender_address", sa.Text()),
        sa.Column("sender_name", sa.Text()),
        sa.Column("reply_to_address", sa.Text()),
        sa.Column("reply_to_name", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text()),
        sa.Column("calendar_method", sa.Text()),
        sa.Column("calendar", sa.LargeBinary()),
        sa.Column("unsubscribe_url", sa.Text()),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_messages")),
        sa.CheckConstraint("channel IN ('email', 'sms')", name=op.f("ck_kept_messages_channel")),
        sa.CheckConstraint(
            "(calendar IS NULL) = (calendar_method IS NULL)",
            name=op.f("ck_kept_messages_calendar"),
        ),
    )
    op.create_index("ix_kept_messages_recipient", "kept_messages", ["recipient", "id"])
    op.create_index("ix_kept_messages_kept_at", "kept_messages", ["kept_at"])


def downgrade() -> None:
    op.drop_table("kept_messages")
