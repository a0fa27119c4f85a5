"""A session remembers the network of its device, and sessions and tokens are found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEX = "ix_sessions_user_id"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("network", sa.LargeBinary()))
    # Sessions that have ended are asked for as well.
    op.drop_index(INDEX, "sessions")
    op.create_index(INDEX, "sessions", ["user_id"])
    op.create_index("ix_sessions_last_used_at", "sessions", ["last_used_at"])
    op.create_index("ix_refresh_tokens_expires_at", "refresh_tokens", ["expires_at"])


def downgrade() -> None:
    op.drop_index("ix_refresh_tokens_expires_at", "refresh_tokens")
    op.drop_index("ix_sessions_last_used_at", "sessions")
    op.drop_index(INDEX, "sessions")
    op.create_index(INDEX, "sessions", ["user_id"], postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_column("sessions", "network")
