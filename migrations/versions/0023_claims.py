"""A key may be claimed before work outside of any transaction, and finished behind it."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

JOINED = """UPDATE idempotency_keys SET answer = status || ' ' || location
 WHERE operation <> 'create_booking'"""
PARTED = """UPDATE idempotency_keys SET
 status = CASE WHEN answer IS NULL THEN 201 ELSE split_part(answer, ' ', 1)::int END,
 location = CASE WHEN answer IS NULL THEN '/v1/bookings/' || resource_ids[1]
  ELSE substr(answer, strpos(answer, ' ') + 1) END
 WHERE claimed_until IS NULL"""
UNFINISHED = "DELETE FROM idempotency_keys WHERE claimed_until IS NOT NULL"
CLAIMED = "claimed_until IS NULL OR (outside_key IS NOT NULL AND claims > 0 AND answer IS NULL)"


def upgrade() -> None:
    op.add_column("idempotency_keys", sa.Column("answer", sa.Text()))
    op.add_column("idempotency_keys", sa.Column("outside_key", sa.Uuid()))
    op.add_column("idempotency_keys", sa.Column("claimed_until", sa.DateTime(timezone=True)))
    op.add_column(
        "idempotency_keys",
        sa.Column("claims", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )
    op.execute(JOINED)
    op.create_check_constraint(op.f("ck_idempotency_keys_claimed"), "idempotency_keys", CLAIMED)
    op.drop_column("idempotency_keys", "status")
    op.drop_column("idempotency_keys", "location")


def downgrade() -> None:
    op.add_column("idempotency_keys", sa.Column("status", sa.Integer()))
    op.add_column("idempotency_keys", sa.Column("location", sa.Text()))
    op.execute(PARTED)
    op.execute(UNFINISHED)
    op.drop_constraint(op.f("ck_idempotency_keys_claimed"), "idempotency_keys", type_="check")
    for column in ("answer", "outside_key", "claimed_until", "claims"):
        op.drop_column("idempotency_keys", column)
