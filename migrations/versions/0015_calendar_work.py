"""Calendars that have to be planned anew soon."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_work",
        sa.Column("doctor_id", sa.Uuid(), primary_key=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_until", sa.DateTime(timezone=True)),
        sa.Column("asked", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.ForeignKeyConstraint(
            ["doctor_id", "clinic_id"],
            ["doctors.id", "doctors.clinic_id"],
            name="fk_calendar_work_doctor_id_clinic_id_doctors",
        ),
    )
    op.create_index("ix_calendar_work_due", "calendar_work", ["due_at"])


def downgrade() -> None:
    op.drop_table("calendar_work")
