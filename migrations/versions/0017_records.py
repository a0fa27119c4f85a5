"""Patients are found by exact e-mail and phone; a merged record remembers where it went."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
MERGED = sa.text("merged_into IS NOT NULL")
IS_GONE = "merged_into IS NULL OR (deleted_at IS NOT NULL AND merged_into <> id)"


def upgrade() -> None:
    op.add_column("patients", sa.Column("merged_into", sa.Uuid()))
    op.create_foreign_key(
        "fk_patients_merged_into_patients", "patients", "patients", ["merged_into"], ["id"]
    )
    op.create_check_constraint(op.f("ck_patients_merged"), "patients", IS_GONE)
    op.create_index(
        "ix_patients_email", "patients", [sa.text("lower(email)"), "id"], postgresql_where=LIVE
    )
    op.create_index("ix_patients_phone", "patients", ["phone", "id"], postgresql_where=LIVE)
    op.create_index("ix_patients_merged_into", "patients", ["merged_into"], postgresql_where=MERGED)


def downgrade() -> None:
    for name in ("ix_patients_merged_into", "ix_patients_phone", "ix_patients_email"):
        op.drop_index(name, "patients")
    op.drop_constraint(op.f("ck_patients_merged"), "patients")
    op.drop_constraint("fk_patients_merged_into_patients", "patients")
    op.drop_column("patients", "merged_into")
