"""A session remembers in which network its device was last, by a digest."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEX = "ix_sessions_user_id"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("network", sa.LargeBinary()))
    # Sessions that have ended are asked for as well.
    op.drop_index(INDEX, "sessions")
    op.create_index(INDEX, "sessions", ["user_id"])


def downgrade() -> None:
    op.drop_index(INDEX, "sessions")
    op.create_index(INDEX, "sessions", ["user_id"], postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_column("sessions", "network")
