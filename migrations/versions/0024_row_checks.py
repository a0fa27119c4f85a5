"""All conditions on a row of the tables that bookings write are one constraint, by a function."""

from alembic import op

from booking_system.platform.postgres.row_checks import remove_row_checks, replace_row_checks

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BEFORE = {
    "appointments": {
        "length": "ends_at > starts_at",
        "status": "status IN ('confirmed', 'checked_in', 'completed', 'no_show', 'cancelled')",
        "previous_status": """CASE WHEN status IN ('checked_in', 'no_show')
  THEN previous_status = 'confirmed'
 WHEN status = 'completed' THEN previous_status IN ('confirmed', 'checked_in')
 ELSE previous_status IS NULL END IS TRUE""",
        "payment_status": "payment_status IN ('not_required', 'unpaid')",
        "mode": "mode IN ('in_person', 'online', 'phone')",
        "cancelled_by": "cancelled_by IN ('patient', 'clinic', 'system')",
        "revision": "revision BETWEEN 1 AND version",
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
        "action": "action IN ('rescheduled', 'cancelled', 'checked_in', 'completed', 'no_show',"
        " 'undone', 'slot_inherited')",
        "side": "side IN ('patient', 'clinic', 'system')",
        "system": "side <> 'system' OR by_user_id IS NULL",
        "version": "version > 1",
        "moved": "num_nonnulls(from_slot_id, from_starts_at, to_slot_id, to_starts_at)"
        " = CASE WHEN action = 'rescheduled' THEN 4 ELSE 0 END",
    },
    "time_slots": {
        "length": "ends_at > starts_at AND ends_at <= starts_at + interval '24 hours'",
        "mode": "mode IN ('in_person', 'online', 'phone')",
        "closed_because": "closed_because IN ('by_hand', 'doctor_removed', 'clinic_removed',"
        " 'time_off', 'closure', 'outside_availability')",
        "closed_by": "(closed_by IS NOT NULL)"
        " = coalesce(closed_because IN ('time_off', 'closure'), false)",
        "outside_availability": """CASE WHEN outside_availability THEN closed_because IS NOT NULL
 ELSE closed_because IS DISTINCT FROM 'outside_availability' END""",
        "deleted_is_free": "deleted_at IS NULL OR appointment_id IS NULL",
        "hold": "num_nonnulls(hold_id, held_until, hold_minutes) IN (0, 3)",
        "booked_is_not_held": "hold_id IS NULL OR appointment_id IS NULL",
    },
}
"""One constraint for each condition."""

NOW = {
    "appointments": BEFORE["appointments"]
    | {
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
    },
    "appointment_history": BEFORE["appointment_history"]
    | {
        "action": """action = ANY (ARRAY['rescheduled', 'cancelled', 'checked_in', 'completed',
 'no_show', 'undone', 'slot_inherited'])""",
        "side": "side = ANY (ARRAY['patient', 'clinic', 'system'])",
        "moved": """num_nonnulls(from_slot_id, from_starts_at, to_slot_id, to_starts_at)
 = CASE WHEN action = 'rescheduled' THEN 4 ELSE 0 END""",
    },
    "time_slots": BEFORE["time_slots"]
    | {
        "length": "ends_at > starts_at AND ends_at <= (starts_at + interval '24 hours')",
        "mode": "mode = ANY (ARRAY['in_person', 'online', 'phone'])",
        "closed_because": """closed_because = ANY (ARRAY['by_hand', 'doctor_removed',
 'clinic_removed', 'time_off', 'closure', 'outside_availability'])""",
        "closed_by": """(closed_by IS NOT NULL)
 = coalesce(closed_because = ANY (ARRAY['time_off', 'closure']), false)""",
        "outside_availability": """CASE WHEN outside_availability THEN closed_because IS NOT NULL
 ELSE coalesce(closed_because <> 'outside_availability', true) END""",
        "hold": """(hold_id IS NULL) = (held_until IS NULL)
 AND (hold_id IS NULL) = (hold_minutes IS NULL)""",
    },
}
"""The same, with every operator in sight."""


def upgrade() -> None:
    for table, conditions in BEFORE.items():
        for name in conditions:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        replace_row_checks(op.get_bind(), table, NOW[table])


def downgrade() -> None:
    for table, conditions in BEFORE.items():
        remove_row_checks(op.get_bind(), table)
        for name, condition in conditions.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
