"""Events get numbers without a gap: the feed that others read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BACK = """INSERT INTO outbox (id, name, payload, occurred_at)
 SELECT id, name, payload, occurred_at FROM event_feed ORDER BY seq"""


def upgrade() -> None:
    op.create_table(
        "event_feed",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid()),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("relayed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event_feed")),
        sa.UniqueConstraint("id", name=op.f("uq_event_feed_id")),
    )
    op.create_index("ix_event_feed_clinic", "event_feed", ["clinic_id", "seq"])
    op.create_table(
        "feed_epoch",
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("is_only", name=op.f("pk_feed_epoch")),
        sa.CheckConstraint("is_only", name=op.f("ck_feed_epoch_only")),
    )
    op.execute("INSERT INTO feed_epoch (epoch) VALUES (gen_random_uuid())")


def downgrade() -> None:
    op.execute(BACK)
    op.drop_table("feed_epoch")
    op.drop_table("event_feed")
