"""Documents keep what people read on them; clinics have a number for tax."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

OF_RECEIPTS = {
    "issuer_tax_number": sa.Text(),
    "time_zone": sa.Text(),
    "is_live": sa.Boolean(),
    "languages": postgresql.ARRAY(sa.Text()),
    "recipient_name": sa.Text(),
    "service_name": sa.Text(),
    "reference": sa.Text(),
    "starts_at": sa.DateTime(timezone=True),
    "price_amount": sa.Integer(),
    "deposit_amount": sa.Integer(),
    "received_amount": sa.Integer(),
}
"""Without a default: a document that was issued before says what it said then."""


def upgrade() -> None:
    op.add_column("clinics", sa.Column("tax_number", sa.Text()))
    for name, kind in OF_RECEIPTS.items():
        op.add_column("receipts", sa.Column(name, kind))


def downgrade() -> None:
    for name in OF_RECEIPTS:
        op.drop_column("receipts", name)
    op.drop_column("clinics", "tax_number")
