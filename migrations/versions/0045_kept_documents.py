"""Messages that are kept to be looked at have the documents that go with them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

COLUMNS = {
    "document_names": postgresql.ARRAY(sa.Text()),
    "documents": postgresql.ARRAY(sa.LargeBinary()),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("kept_messages", sa.Column(name, kind))
    op.create_check_constraint(
        op.f("ck_kept_messages_documents"),
        "kept_messages",
        "coalesce(cardinality(documents), 0) = coalesce(cardinality(document_names), 0)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_kept_messages_documents"), "kept_messages")
    for name in COLUMNS:
        op.drop_column("kept_messages", name)
