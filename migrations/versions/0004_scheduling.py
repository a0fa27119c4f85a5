"""Time slots: a doctor's live ones never overlap."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "time_slots",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("closed_because", sa.Text()),
        sa.Column("appointment_id", sa.Uuid()),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["doctor_id", "clinic_id"],
            ["doctors.id", "doctors.clinic_id"],
            name="fk_time_slots_doctor_id_clinic_id_doctors",
        ),
        sa.UniqueConstraint(
            "id", "doctor_id", "clinic_id", name="uq_time_slots_id_doctor_id_clinic_id"
        ),
        sa.CheckConstraint(
            "ends_at > starts_at AND ends_at <= starts_at + interval '24 hours'",
            name=op.f("ck_time_slots_length"),
        ),
        sa.CheckConstraint(
            "mode IN ('in_person', 'online', 'phone')", name=op.f("ck_time_slots_mode")
        ),
        sa.CheckConstraint(
            "closed_because IN ('by_hand', 'doctor_removed', 'clinic_removed')",
            name=op.f("ck_time_slots_closed_because"),
        ),
        sa.CheckConstraint(
            "deleted_at IS NULL OR appointment_id IS NULL",
            name=op.f("ck_time_slots_deleted_is_free"),
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.execute(
        "ALTER TABLE time_slots ADD CONSTRAINT ex_time_slots_doctor_never_twice"
        " EXCLUDE USING gist (doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&)"
        " WHERE (deleted_at IS NULL)"
    )
    for name, columns in (
        ("ix_time_slots_doctor", ["doctor_id", "starts_at", "id"]),
        ("ix_time_slots_clinic", ["clinic_id", "starts_at", "id"]),
        ("ix_time_slots_start", ["starts_at", "id"]),
    ):
        op.create_index(name, "time_slots", columns, postgresql_where=LIVE)


def downgrade() -> None:
    op.drop_table("time_slots")
