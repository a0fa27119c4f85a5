"""An appointment takes consecutive slots, and keeps time free around it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

DOCTOR_ONCE = "ex_appointments_doctor_never_twice"
OVERBOOKED = sa.text("overbooked")
HELD = sa.text("hold_id IS NOT NULL")
ADDED = ("time_slot_ids", "blocked_from", "blocked_until")


def upgrade() -> None:
    op.add_column("time_slots", sa.Column("blocked_by", postgresql.ARRAY(sa.Uuid())))
    op.add_column("appointments", sa.Column("time_slot_ids", postgresql.ARRAY(sa.Uuid())))
    for name in ("blocked_from", "blocked_until"):
        op.add_column("appointments", sa.Column(name, sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE appointments SET time_slot_ids = ARRAY[time_slot_id],"
        " blocked_from = starts_at, blocked_until = ends_at"
    )
    # Those that were booked before this was taken back.
    op.execute(
        "UPDATE appointments a SET time_slot_ids = s.ids FROM ("
        "SELECT appointment_id, array_agg(id ORDER BY starts_at) AS ids FROM time_slots"
        " WHERE appointment_id IS NOT NULL GROUP BY appointment_id HAVING count(*) > 1) s"
        " WHERE s.appointment_id = a.id"
    )
    for name in ADDED:
        op.alter_column("appointments", name, nullable=False)
    op.create_check_constraint(
        op.f("ck_appointments_slots"), "appointments", "time_slot_ids[1] = time_slot_id"
    )
    op.create_check_constraint(
        op.f("ck_appointments_blocked"),
        "appointments",
        "blocked_from <= starts_at AND blocked_until >= ends_at",
    )
    _doctor_never_twice("blocked_from", "blocked_until")
    op.drop_index("ix_appointments_overbooked", "appointments")
    op.create_index(
        "ix_appointments_overbooked",
        "appointments",
        ["time_slot_ids"],
        postgresql_using="gin",
        postgresql_where=OVERBOOKED,
    )
    op.add_column("time_slots", sa.Column("hold_place", sa.Integer()))
    op.execute("UPDATE time_slots SET hold_place = 1 WHERE hold_id IS NOT NULL")
    op.drop_index("uq_time_slots_hold", "time_slots")
    op.create_index("ix_time_slots_hold", "time_slots", ["hold_id"], postgresql_where=HELD)


def _doctor_never_twice(since: str, until: str) -> None:
    op.drop_constraint(DOCTOR_ONCE, "appointments")
    op.execute(
        f"ALTER TABLE appointments ADD CONSTRAINT {DOCTOR_ONCE}"
        f" EXCLUDE USING gist (doctor_id WITH =, tstzrange({since}, {until}) WITH &&)"
        " WHERE (status <> 'cancelled' AND NOT overbooked)"
    )


def downgrade() -> None:
    # A hold is of one slot again: it keeps its first.
    op.execute(
        "UPDATE time_slots SET hold_id = NULL, held_until = NULL, hold_minutes = NULL,"
        " hold_extended = false, held_for = NULL, held_by = NULL, hold_network = NULL"
        " WHERE hold_id IS NOT NULL AND hold_place IS DISTINCT FROM 1"
    )
    op.drop_column("time_slots", "hold_place")
    op.drop_index("ix_time_slots_hold", "time_slots")
    op.create_index(
        "uq_time_slots_hold", "time_slots", ["hold_id"], unique=True, postgresql_where=HELD
    )
    op.drop_index("ix_appointments_overbooked", "appointments")
    op.create_index(
        "ix_appointments_overbooked", "appointments", ["time_slot_id"], postgresql_where=OVERBOOKED
    )
    _doctor_never_twice("starts_at", "ends_at")
    for name in ("slots", "blocked"):
        op.drop_constraint(op.f(f"ck_appointments_{name}"), "appointments")
    for name in ADDED:
        op.drop_column("appointments", name)
    op.drop_column("time_slots", "blocked_by")
