"""The statements of an appointment's life after booking; who locks first is the same everywhere."""

from booking_system.booking.adapters.statements import ATTEMPT, CARD, CARD_JOINS, LET_GO

LOCK_TWO_SLOTS = """SELECT s.id FROM time_slots s
 WHERE s.id IN ($1, (SELECT a.time_slot_id FROM appointments a WHERE a.id = $2))
 ORDER BY s.id FOR UPDATE"""
"""The subquery runs before the wait: whoever reads on has to see that it still holds."""

ATTEMPT_TO_MOVE = ATTEMPT.replace(
    "a.status <> 'cancelled'", "a.status <> 'cancelled' AND a.id <> $5"
)
"""The very facts of a booking, for the very rules; only the moving appointment is not counted."""

CHANGED = """kept AS (INSERT INTO appointment_history (appointment_id, version, action, occurred_at,
  by_user_id, side, reason, from_slot_id, from_starts_at, to_slot_id, to_starts_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)),
 told AS (INSERT INTO outbox (id, name, payload, occurred_at)
  VALUES ($12, $13, $14::text::jsonb, $4))"""

MARK = f"""WITH {CHANGED}
 UPDATE appointments SET version = $2, updated_at = $4, status = $15, previous_status = $16
 WHERE id = $1"""  # noqa: S608

MOVE = f"""WITH {CHANGED},
 freed AS (UPDATE time_slots SET appointment_id = NULL, version = version + 1
  WHERE id = $8 AND appointment_id = $1),
 owned AS (UPDATE time_slots SET appointment_id = CASE WHEN $18 THEN appointment_id ELSE $1 END,
  version = version + 1, {LET_GO} WHERE id = $10)
 UPDATE appointments SET version = $2, updated_at = $4, time_slot_id = $10, starts_at = $11,
  doctor_id = $15, ends_at = $16, mode = $17, overbooked = $18,
  patient_doubled = $19, override_codes = $20, override_reason = $21 WHERE id = $1"""  # noqa: S608

HEIRS = f"""SELECT DISTINCT ON (a.time_slot_id) {CARD} {CARD_JOINS}
 JOIN time_slots s ON s.id = a.time_slot_id AND s.appointment_id IS NULL
 WHERE a.time_slot_id = ANY($1::uuid[]) AND a.overbooked AND a.status <> 'cancelled'
 ORDER BY a.time_slot_id, a.created_at, a.id"""
"""Of slots that are locked and were left: whoever was overbooked first."""

INHERIT = f"""WITH {CHANGED},
 owned AS (UPDATE time_slots SET appointment_id = $1, version = version + 1 WHERE id = $15)
 UPDATE appointments SET version = $2, updated_at = $4, overbooked = false
 WHERE id = $1"""  # noqa: S608

HISTORY = """SELECT 1 AS version, 'booked' AS action, a.created_at AS occurred_at,
  CASE WHEN p.user_id = a.booked_by THEN 'patient' ELSE 'clinic' END AS side,
  a.booked_by AS by_user_id, NULL AS reason, NULL::uuid AS from_slot_id,
  NULL::timestamptz AS from_starts_at, coalesce(f.from_slot_id, a.time_slot_id) AS to_slot_id,
  coalesce(f.from_starts_at, a.starts_at) AS to_starts_at
 FROM appointments a JOIN patients p ON p.id = a.patient_id
 LEFT JOIN LATERAL (SELECT m.from_slot_id, m.from_starts_at FROM appointment_history m
  WHERE m.appointment_id = a.id AND m.from_slot_id IS NOT NULL ORDER BY m.version LIMIT 1) f ON true
 WHERE a.id = $1 AND {within}
 UNION ALL
 SELECT h.version, h.action, h.occurred_at, h.side, h.by_user_id, h.reason, h.from_slot_id,
  h.from_starts_at, h.to_slot_id, h.to_starts_at
 FROM appointment_history h JOIN appointments a ON a.id = h.appointment_id
 WHERE a.id = $1 AND {within}
 ORDER BY version"""
"""The booking wrote no entry: the first one is what the appointment and its first move tell."""
