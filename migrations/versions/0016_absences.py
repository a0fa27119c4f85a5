"""Time off and closures change, so they have versions; they are listed by start."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
ABSENCES = ("time_off", "closures")


def upgrade() -> None:
    for table in ABSENCES:
        version = sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1"))
        op.add_column(table, version)
    op.drop_index("ix_time_off_doctor", "time_off")
    by_start = ["starts_at", "id"]
    op.create_index(
        "ix_time_off_doctor", "time_off", ["doctor_id", *by_start], postgresql_where=LIVE
    )
    op.create_index(
        "ix_closures_clinic", "closures", ["clinic_id", *by_start], postgresql_where=LIVE
    )


def downgrade() -> None:
    op.drop_index("ix_closures_clinic", "closures")
    op.drop_index("ix_time_off_doctor", "time_off")
    op.create_index("ix_time_off_doctor", "time_off", ["doctor_id", "id"], postgresql_where=LIVE)
    for table in reversed(ABSENCES):
        op.drop_column(table, "version")
