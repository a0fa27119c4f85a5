"""Calendars that have to be planned anew soon; exceptions from weekly hours."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

HOURS = {
    "start_minutes": sa.Integer(),
    "end_minutes": sa.Integer(),
    "slot_minutes": sa.Integer(),
    "gap_minutes": sa.Integer(),
    "modes": sa.Text(),
}
EACH_HOUR_IS_WHOLE = """cardinality(start_minutes) = cardinality(modes)
 AND cardinality(end_minutes) = cardinality(modes)
 AND cardinality(slot_minutes) = cardinality(modes)
 AND cardinality(gap_minutes) = cardinality(modes)"""


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
    _create_exceptions()


def _create_exceptions() -> None:
    op.create_table(
        "availability_exceptions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        *(sa.Column(name, postgresql.ARRAY(kind), nullable=False) for name, kind in HOURS.items()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["doctor_id", "clinic_id"],
            ["doctors.id", "doctors.clinic_id"],
            name="fk_availability_exceptions_doctor_id_clinic_id_doctors",
        ),
        sa.CheckConstraint(EACH_HOUR_IS_WHOLE, name=op.f("ck_availability_exceptions_hours")),
        sa.CheckConstraint(
            "replaces OR cardinality(modes) > 0", name=op.f("ck_availability_exceptions_something")
        ),
    )
    op.create_index(
        "ix_availability_exceptions_doctor",
        "availability_exceptions",
        ["doctor_id", "date", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("availability_exceptions")
    op.drop_table("calendar_work")
