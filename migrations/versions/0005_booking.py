"""Appointments, and the constraints that no slot, doctor or patient is booked twice against."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ACTIVE = sa.text("status <> 'cancelled'")
CHECKS = {
    "length": "ends_at > starts_at",
    "status": "status IN ('confirmed', 'cancelled')",
    "payment_status": "payment_status IN ('not_required', 'unpaid')",
    "mode": "mode IN ('in_person', 'online', 'phone')",
    "cancelled_by": "cancelled_by IN ('patient', 'clinic')",
    "cancelled": "(status = 'cancelled') = (cancelled_by IS NOT NULL)",
    "price": "(price_amount IS NULL) = (price_currency IS NULL)",
}


def upgrade() -> None:
    op.create_table(
        "appointments",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("time_slot_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid()),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("price_amount", sa.Integer()),
        sa.Column("price_currency", sa.Text()),
        sa.Column("cancel_notice_minutes", sa.Integer(), nullable=False),
        sa.Column("booked_by", sa.Uuid(), nullable=False),
        sa.Column("cancelled_by", sa.Text()),
        sa.Column("cancel_reason", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("reference", name="uq_appointments_reference"),
        sa.ForeignKeyConstraint(
            ["time_slot_id", "doctor_id", "clinic_id"],
            ["time_slots.id", "time_slots.doctor_id", "time_slots.clinic_id"],
            name="fk_appointments_time_slot_id_doctor_id_clinic_id_time_slots",
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_appointments_patient_id_patients"
        ),
        sa.ForeignKeyConstraint(
            ["service_id", "clinic_id"],
            ["services.id", "services.clinic_id"],
            name="fk_appointments_service_id_clinic_id_services",
        ),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_appointments_{name}"))
            for name, rule in CHECKS.items()
        ),
    )
    for whose in ("doctor", "patient"):
        op.execute(
            f"ALTER TABLE appointments ADD CONSTRAINT ex_appointments_{whose}_never_twice"
            f" EXCLUDE USING gist ({whose}_id WITH =, tstzrange(starts_at, ends_at) WITH &&)"
            f" WHERE (status <> 'cancelled')"
        )
        op.create_index(
            f"ix_appointments_{whose}", "appointments", [f"{whose}_id", "starts_at", "id"]
        )
    op.create_index("ix_appointments_clinic", "appointments", ["clinic_id", "starts_at", "id"])
    op.create_index(
        "uq_appointments_active_slot",
        "appointments",
        ["time_slot_id"],
        unique=True,
        postgresql_where=ACTIVE,
    )
    op.create_foreign_key(
        "fk_time_slots_appointment_id_appointments",
        "time_slots",
        "appointments",
        ["appointment_id"],
        ["id"],
    )


def downgrade() -> None:
    op.drop_constraint("fk_time_slots_appointment_id_appointments", "time_slots")
    op.drop_table("appointments")
