"""Messages about money: clinics say these in their own words, too."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

KNOWN = ("confirmation", "change", "cancellation", "reminder", "staff_notice")
OF_MONEY = (
    *("payment_request", "payment_reminder", "payment_expired", "payment_late"),
    *("payment_receipt", "refund", "refund_failed", "dispute_notice", "matter_notice"),
)


def upgrade() -> None:
    _allow(*KNOWN, *OF_MONEY)


def downgrade() -> None:
    # Nobody could read them any more.
    for name in ("message_ledger", "message_templates"):
        table = sa.table(name, sa.column("kind"))
        op.execute(sa.delete(table).where(table.c.kind.in_(OF_MONEY)))
    _allow(*KNOWN)


def _allow(*kinds: str) -> None:
    name = op.f("ck_message_templates_kind")
    op.drop_constraint(name, "message_templates")
    listed = ", ".join(f"'{one}'" for one in kinds)
    op.create_check_constraint(name, "message_templates", f"kind IN ({listed})")
