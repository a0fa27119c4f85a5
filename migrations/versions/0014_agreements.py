"""Appointments and holds keep what was agreed; time is claimed as far as nobody else has it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

HELD = sa.text("hold_id IS NOT NULL")
OPEN = "status IN ('confirmed', 'checked_in') AND NOT overbooked"
OVERRIDE = """(override_codes IS NULL) = (override_reason IS NULL)
 AND (NOT overbooked OR 'slot_already_booked' = ANY (override_codes)) IS TRUE
 AND (NOT patient_doubled OR 'patient_overlap' = ANY (override_codes)) IS TRUE"""
SHARED = """ AND overbooked = (doctor_shared IS NOT NULL)
 AND patient_doubled = (patient_shared IS NOT NULL)"""
HOLD = (
    ("hold_blocks", postgresql.TSTZRANGE()),
    ("hold_service_id", sa.Uuid()),
    ("hold_duration_minutes", sa.Integer()),
    ("hold_price_amount", sa.Integer()),
    ("hold_price_currency", sa.Text()),
    ("hold_payment", sa.Text()),
)


def claimed(since: str, until: str, shared: str) -> str:
    return f"""CASE WHEN status = 'cancelled' THEN tstzmultirange()
 ELSE tstzmultirange(tstzrange({since}, greatest({since}, least({until}, released_at))))
  - coalesce({shared}, tstzmultirange()) END"""


def upgrade() -> None:
    for name, kind in HOLD:
        op.add_column("time_slots", sa.Column(name, kind))
    op.create_index("ix_time_slots_held_doctor", "time_slots", ["doctor_id"], postgresql_where=HELD)
    # What is left is of before there were rules, and of the time zone data of this server.
    op.execute(
        "UPDATE time_slots s SET wall_starts_at = s.starts_at AT TIME ZONE c.time_zone"
        " FROM clinics c WHERE c.id = s.clinic_id AND s.wall_starts_at IS NULL"
    )
    op.alter_column("time_slots", "wall_starts_at", nullable=False)

    op.add_column("appointments", sa.Column("duration_minutes", sa.Integer()))
    op.execute(
        "UPDATE appointments a SET duration_minutes = least("
        " ceil(extract(epoch FROM a.ends_at - a.starts_at) / 60)::int,"
        " (SELECT v.duration_minutes FROM services v WHERE v.id = a.service_id))"
    )
    op.alter_column("appointments", "duration_minutes", nullable=False)
    op.add_column("appointments", sa.Column("released_at", sa.DateTime(timezone=True)))
    for whose in ("doctor", "patient"):
        op.add_column("appointments", sa.Column(f"{whose}_shared", postgresql.TSTZMULTIRANGE()))
    op.execute(
        "UPDATE appointments SET"
        " doctor_shared = CASE WHEN overbooked"
        "  THEN tstzmultirange(tstzrange(blocked_from, blocked_until)) END,"
        " patient_shared = CASE WHEN patient_doubled"
        "  THEN tstzmultirange(tstzrange(starts_at, ends_at)) END"
        " WHERE overbooked OR patient_doubled"
    )
    times = {"doctor": ("blocked_from", "blocked_until"), "patient": ("starts_at", "ends_at")}
    for whose, (since, until) in times.items():
        expression = claimed(since, until, f"{whose}_shared")
        op.execute(
            f"ALTER TABLE appointments ADD COLUMN {whose}_time tstzmultirange"
            f" GENERATED ALWAYS AS ({expression}) STORED"
        )
        name = f"ex_appointments_{whose}_never_twice"
        op.drop_constraint(name, "appointments")
        op.execute(
            f"ALTER TABLE appointments ADD CONSTRAINT {name}"
            f" EXCLUDE USING gist ({whose}_id WITH =, {whose}_time WITH &&)"
            " WHERE (status <> 'cancelled')"
        )
    _override(OVERRIDE + SHARED)
    _active_slot(OPEN)


def _override(rule: str) -> None:
    name = op.f("ck_appointments_override")
    op.drop_constraint(name, "appointments")
    op.create_check_constraint(name, "appointments", rule)


def _active_slot(which: str) -> None:
    op.drop_index("uq_appointments_active_slot", "appointments")
    op.create_index(
        "uq_appointments_active_slot",
        "appointments",
        ["time_slot_id"],
        unique=True,
        postgresql_where=sa.text(which),
    )


def downgrade() -> None:
    times = {"doctor": ("blocked_from", "blocked_until"), "patient": ("starts_at", "ends_at")}
    marks = {"doctor": "overbooked", "patient": "patient_doubled"}
    _active_slot("status <> 'cancelled' AND NOT overbooked")
    _override(OVERRIDE)
    for whose, (since, until) in times.items():
        name = f"ex_appointments_{whose}_never_twice"
        op.drop_constraint(name, "appointments")
        op.execute(
            f"ALTER TABLE appointments ADD CONSTRAINT {name}"
            f" EXCLUDE USING gist ({whose}_id WITH =, tstzrange({since}, {until}) WITH &&)"
            f" WHERE (status <> 'cancelled' AND NOT {marks[whose]})"
        )
        op.drop_column("appointments", f"{whose}_time")
        op.drop_column("appointments", f"{whose}_shared")
    op.drop_column("appointments", "released_at")
    op.drop_column("appointments", "duration_minutes")
    op.alter_column("time_slots", "wall_starts_at", nullable=True)
    op.drop_index("ix_time_slots_held_doctor", "time_slots")
    for name, _ in reversed(HOLD):
        op.drop_column("time_slots", name)
