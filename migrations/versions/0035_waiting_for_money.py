"""Appointments wait for money, expire for want of it, and show what became of it."""

import sqlalchemy as sa
from alembic import op

from booking_system.platform.postgres.row_checks import reword_row_checks

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None

BEFORE = {
    "appointments": {
        "length": "ends_at > starts_at",
        "status": "status = ANY"
        " (ARRAY['confirmed', 'checked_in', 'completed', 'no_show', 'cancelled'])",
        "previous_status": """CASE WHEN status = ANY (ARRAY['checked_in', 'no_show'])
  THEN previous_status = 'confirmed'
 WHEN status = 'completed' THEN previous_status = ANY (ARRAY['confirmed', 'checked_in'])
 ELSE previous_status IS NULL END IS TRUE""",
        "payment_status": "payment_status = ANY (ARRAY['not_required', 'unpaid'])",
        "mode": "mode = ANY (ARRAY['in_person', 'online', 'phone'])",
        "cancelled_by": "cancelled_by = ANY (ARRAY['patient', 'clinic', 'system'])",
        "revision": "revision >= 1 AND revision <= version",
        "cancelled": "(status = 'cancelled') = (cancelled_by IS NOT NULL)",
        "price": "(price_amount IS NULL) = (price_currency IS NULL)",
        "override": """(override_codes IS NULL) = (override_reason IS NULL)
 AND (NOT overbooked OR 'slot_already_booked' = ANY (override_codes)) IS TRUE
 AND (NOT patient_doubled OR 'patient_overlap' = ANY (override_codes)) IS TRUE
 AND overbooked = (doctor_shared IS NOT NULL)
 AND patient_doubled = (patient_shared IS NOT NULL)""",
        "slots": "time_slot_ids[1] = time_slot_id",
        "blocked": "blocked_from <= starts_at AND blocked_until >= ends_at",
    },
    "appointment_history": {
        "action": """action = ANY (ARRAY['rescheduled', 'cancelled', 'checked_in', 'completed',
 'no_show', 'undone', 'slot_inherited', 'patient_confirmed'])""",
        "side": "side = ANY (ARRAY['patient', 'clinic', 'system'])",
        "system": "side <> 'system' OR by_user_id IS NULL",
        "version": "version > 1",
        "moved": """num_nonnulls(from_slot_id, from_starts_at, to_slot_id, to_starts_at)
 = CASE WHEN action = 'rescheduled' THEN 4 ELSE 0 END""",
    },
}
NOW = {
    "appointments": BEFORE["appointments"]
    | {
        "status": """status = ANY (ARRAY['confirmed', 'checked_in', 'completed', 'no_show',
 'cancelled', 'pending_payment', 'expired'])""",
        "payment_status": """payment_status = ANY (ARRAY['not_required', 'unpaid', 'paid',
 'partially_paid', 'refunded', 'partially_refunded'])""",
        "waiting": """(status = 'pending_payment') = (pay_by IS NOT NULL)
 AND (pay_by IS NULL OR due_first_amount > 0) IS TRUE""",
        "unpaid_has_no_time": """CASE WHEN status = ANY (ARRAY['pending_payment', 'expired'])
  THEN released_at = blocked_from AND NOT overbooked AND NOT patient_doubled
 ELSE true END IS TRUE""",
    },
    "appointment_history": BEFORE["appointment_history"]
    | {
        "action": """action = ANY (ARRAY['rescheduled', 'cancelled', 'checked_in', 'completed',
 'no_show', 'undone', 'slot_inherited', 'patient_confirmed', 'confirmed', 'expired', 'payment'])""",
    },
}
"""Rows that were fine stay so: nothing has to be read again."""

OF_APPOINTMENTS = {
    "pay_by": sa.DateTime(timezone=True),
    "due_first_amount": sa.Integer(),
    "late_cancel_minutes": sa.Integer(),
    "late_cancel_percent": sa.Integer(),
    "no_show_percent": sa.Integer(),
}
OF_CLINICS = {
    "payment_minutes": "30",
    "late_cancel_minutes": "1440",
    "late_cancel_percent": "0",
    "no_show_percent": "0",
}
UNPAID = """UPDATE appointments SET status = 'cancelled', cancelled_by = 'system', pay_by = NULL
 WHERE status IN ('pending_payment', 'expired')"""
OWED = """UPDATE appointments SET payment_status = 'unpaid'
 WHERE payment_status NOT IN ('not_required', 'unpaid')"""
NEW_ENTRIES = "DELETE FROM appointment_history WHERE action IN ('confirmed', 'expired', 'payment')"


def upgrade() -> None:
    for name, usual in OF_CLINICS.items():
        column = sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text(usual))
        op.add_column("clinics", column)
    op.add_column("time_slots", sa.Column("hold_deposit_amount", sa.Integer()))
    for name, kind in OF_APPOINTMENTS.items():
        op.add_column("appointments", sa.Column(name, kind))
    op.create_index(
        "ix_appointments_pay_by",
        "appointments",
        ["pay_by"],
        postgresql_where=sa.text("pay_by IS NOT NULL"),
    )
    for table, conditions in NOW.items():
        reword_row_checks(op.get_bind(), table, conditions)


def downgrade() -> None:
    # What came to nothing for want of money is cancelled, as far as anybody knows then.
    for statement in (UNPAID, OWED, NEW_ENTRIES):
        op.execute(statement)
    for table, conditions in BEFORE.items():
        reword_row_checks(op.get_bind(), table, conditions)
    op.drop_index("ix_appointments_pay_by", "appointments")
    for name in OF_APPOINTMENTS:
        op.drop_column("appointments", name)
    op.drop_column("time_slots", "hold_deposit_amount")
    for name in OF_CLINICS:
        op.drop_column("clinics", name)
