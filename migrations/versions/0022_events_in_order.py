"""Events have numbers; appointments count what people are told; the system may act."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NUMBERED = """UPDATE outbox o SET n = numbered.n
 FROM (SELECT id, row_number() OVER (ORDER BY occurred_at, id) AS n FROM outbox) numbered
 WHERE o.id = numbered.id"""
GO_ON = """SELECT setval(pg_get_serial_sequence('outbox', 'n'), (SELECT count(*) + 1 FROM outbox),
 false)"""
QUEUE = """ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0,
 autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)"""
NO_QUEUE = """ALTER TABLE outbox RESET (autovacuum_vacuum_scale_factor,
 autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)"""
REVISIONS = """UPDATE appointments a SET revision = 1 + told.times
 FROM (SELECT appointment_id, count(*) AS times FROM appointment_history
  WHERE action IN ('rescheduled', 'cancelled') GROUP BY appointment_id) told
 WHERE a.id = told.appointment_id"""
SIDES = {"appointments": "cancelled_by", "appointment_history": "side"}


def upgrade() -> None:
    op.drop_constraint("pk_outbox", "outbox")
    op.add_column("outbox", sa.Column("n", sa.BigInteger()))
    op.execute(NUMBERED)
    op.alter_column("outbox", "n", nullable=False)
    op.execute("ALTER TABLE outbox ALTER n ADD GENERATED ALWAYS AS IDENTITY")
    op.execute(GO_ON)
    op.create_primary_key("pk_outbox", "outbox", ["n"])
    op.execute(QUEUE)
    op.add_column(
        "appointments",
        sa.Column("revision", sa.Integer(), nullable=False, server_default=sa.text("1")),
    )
    op.execute(REVISIONS)
    op.create_check_constraint(
        op.f("ck_appointments_revision"), "appointments", "revision BETWEEN 1 AND version"
    )
    _sides("'patient', 'clinic', 'system'")
    op.create_check_constraint(
        op.f("ck_appointment_history_system"),
        "appointment_history",
        "side <> 'system' OR by_user_id IS NULL",
    )


def downgrade() -> None:
    op.drop_constraint("ck_appointment_history_system", "appointment_history")
    op.execute("UPDATE appointment_history SET side = 'clinic' WHERE side = 'system'")
    op.execute("UPDATE appointments SET cancelled_by = 'clinic' WHERE cancelled_by = 'system'")
    _sides("'patient', 'clinic'")
    op.drop_constraint("ck_appointments_revision", "appointments")
    op.drop_column("appointments", "revision")
    op.execute(NO_QUEUE)
    op.drop_constraint("pk_outbox", "outbox")
    op.drop_column("outbox", "n")
    op.create_primary_key("pk_outbox", "outbox", ["id"])


def _sides(who: str) -> None:
    for table, column in SIDES.items():
        name = op.f(f"ck_{table}_{column}")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} IN ({who})")
