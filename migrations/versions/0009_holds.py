"""Slots are held for a while, and staff book twice on purpose."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

HELD = sa.text("hold_id IS NOT NULL")
SLOT_CHECKS = {
    "hold": "num_nonnulls(hold_id, held_until, hold_minutes) IN (0, 3)",
    "booked_is_not_held": "hold_id IS NULL OR appointment_id IS NULL",
}
OVERRIDE = """(override_codes IS NULL) = (override_reason IS NULL)
 AND (NOT overbooked OR 'slot_already_booked' = ANY (override_codes)) IS TRUE
 AND (NOT patient_doubled OR 'patient_overlap' = ANY (override_codes)) IS TRUE"""
ACTIONS = "'rescheduled', 'cancelled', 'checked_in', 'completed', 'no_show', 'undone'"
MARKS = {"doctor": "overbooked", "patient": "patient_doubled"}


def upgrade() -> None:
    for column in (
        sa.Column("hold_id", sa.Uuid()),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.Column("hold_minutes", sa.Integer()),
        sa.Column("hold_extended", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("held_for", sa.Uuid()),
        sa.Column("held_by", sa.Uuid()),
        sa.Column("hold_network", sa.LargeBinary()),
    ):
        op.add_column("time_slots", column)
    for name, rule in SLOT_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_time_slots_{name}"), "time_slots", rule)
    op.create_index(
        "uq_time_slots_hold", "time_slots", ["hold_id"], unique=True, postgresql_where=HELD
    )
    for column_name in ("held_for", "held_by", "hold_network"):
        op.create_index(
            f"ix_time_slots_{column_name}", "time_slots", [column_name], postgresql_where=HELD
        )
    for column in (
        sa.Column("override_codes", sa.ARRAY(sa.Text())),
        sa.Column("override_reason", sa.Text()),
        sa.Column("overbooked", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("patient_doubled", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    ):
        op.add_column("appointments", column)
    op.create_check_constraint(op.f("ck_appointments_override"), "appointments", OVERRIDE)
    _constrain({whose: f" AND NOT {mark}" for whose, mark in MARKS.items()})
    op.create_index(
        "ix_appointments_overbooked",
        "appointments",
        ["time_slot_id"],
        postgresql_where=sa.text("overbooked"),
    )
    _know(f"{ACTIONS}, 'slot_inherited'")


def downgrade() -> None:
    op.execute("DELETE FROM appointment_history WHERE action = 'slot_inherited'")
    _know(ACTIONS)
    op.drop_index("ix_appointments_overbooked", "appointments")
    # The constraints of before know no deliberate overbooking: it cannot stay.
    op.execute(
        "UPDATE appointments SET status = 'cancelled', cancelled_by = 'clinic',"
        " previous_status = NULL, version = version + 1 WHERE (overbooked OR patient_doubled)"
        " AND status <> 'cancelled'"
    )
    op.execute(
        "UPDATE time_slots s SET appointment_id = NULL FROM appointments a"
        " WHERE a.id = s.appointment_id AND a.status = 'cancelled'"
    )
    _constrain(dict.fromkeys(MARKS, ""))
    op.drop_constraint(op.f("ck_appointments_override"), "appointments")
    for name in ("patient_doubled", "overbooked", "override_reason", "override_codes"):
        op.drop_column("appointments", name)
    for name in SLOT_CHECKS:
        op.drop_constraint(op.f(f"ck_time_slots_{name}"), "time_slots")
    for name in (
        "hold_network",
        "held_by",
        "held_for",
        "hold_extended",
        "hold_minutes",
        "held_until",
        "hold_id",
    ):
        op.drop_column("time_slots", name)


def _constrain(unless: dict[str, str]) -> None:
    """Make the walls against double booking anew; `unless` is what each leaves out."""
    op.drop_index("uq_appointments_active_slot", "appointments")
    for whose, mark in unless.items():
        name = f"ex_appointments_{whose}_never_twice"
        op.drop_constraint(name, "appointments")
        op.execute(
            f"ALTER TABLE appointments ADD CONSTRAINT {name}"
            f" EXCLUDE USING gist ({whose}_id WITH =, tstzrange(starts_at, ends_at) WITH &&)"
            f" WHERE (status <> 'cancelled'{mark})"
        )
    op.create_index(
        "uq_appointments_active_slot",
        "appointments",
        ["time_slot_id"],
        unique=True,
        postgresql_where=sa.text(f"status <> 'cancelled'{unless['doctor']}"),
    )


def _know(actions: str) -> None:
    """Say which words a history may use."""
    name = op.f("ck_appointment_history_action")
    op.drop_constraint(name, "appointment_history")
    op.create_check_constraint(name, "appointment_history", f"action IN ({actions})")
