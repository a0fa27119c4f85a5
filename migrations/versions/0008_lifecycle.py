"""Appointments are checked in, completed, missed and moved; a history says who did what."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATUS = "status IN ('confirmed', 'checked_in', 'completed', 'no_show', 'cancelled')"
PREVIOUS = """CASE WHEN status IN ('checked_in', 'no_show') THEN previous_status = 'confirmed'
 WHEN status = 'completed' THEN previous_status IN ('confirmed', 'checked_in')
 ELSE previous_status IS NULL END IS TRUE"""
HISTORY_CHECKS = {
    "action": "action IN"
    " ('rescheduled', 'cancelled', 'checked_in', 'completed', 'no_show', 'undone')",
    "side": "side IN ('patient', 'clinic')",
    "version": "version > 1",
    "moved": "num_nonnulls(from_slot_id, from_starts_at, to_slot_id, to_starts_at)"
    " = CASE WHEN action = 'rescheduled' THEN 4 ELSE 0 END",
}


def upgrade() -> None:
    op.add_column("appointments", sa.Column("previous_status", sa.Text()))
    op.drop_constraint(op.f("ck_appointments_status"), "appointments")
    op.create_check_constraint(op.f("ck_appointments_status"), "appointments", STATUS)
    op.create_check_constraint(op.f("ck_appointments_previous_status"), "appointments", PREVIOUS)
    op.create_table(
        "appointment_history",
        sa.Column("appointment_id", sa.Uuid(), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid()),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("from_slot_id", sa.Uuid()),
        sa.Column("from_starts_at", sa.DateTime(timezone=True)),
        sa.Column("to_slot_id", sa.Uuid()),
        sa.Column("to_starts_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name="fk_appointment_history_appointment_id_appointments",
        ),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_appointment_history_{name}"))
            for name, rule in HISTORY_CHECKS.items()
        ),
    )
    op.execute(
        "INSERT INTO appointment_history (appointment_id, version, action, occurred_at, side,"
        " reason) SELECT id, version, 'cancelled', updated_at, cancelled_by, cancel_reason"
        " FROM appointments WHERE status = 'cancelled' AND version > 1"
    )


def downgrade() -> None:
    op.drop_table("appointment_history")
    op.drop_constraint(op.f("ck_appointments_previous_status"), "appointments")
    op.drop_constraint(op.f("ck_appointments_status"), "appointments")
    # What is over was confirmed once, and that is the only word for it there was.
    op.execute("UPDATE appointments SET status = 'confirmed' WHERE status <> 'cancelled'")
    op.create_check_constraint(
        op.f("ck_appointments_status"), "appointments", "status IN ('confirmed', 'cancelled')"
    )
    op.drop_column("appointments", "previous_status")
