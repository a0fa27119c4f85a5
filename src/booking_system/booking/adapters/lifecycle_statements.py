"""The statements of an appointment's life after booking; who locks first is the same everywhere."""

from booking_system.booking.adapters.statements import CARD, CARD_JOINS, LET_GO

CHANGED = """kept AS (INSERT INTO appointment_history (appointment_id, version, action, occurred_at,
  by_user_id, side, reason, from_slot_id, from_starts_at, to_slot_id, to_starts_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)),
 told AS (INSERT INTO outbox (id, name, payload, occurred_at)
  VALUES ($12, $13, $14::text::jsonb, $4))"""

MARK = f"""WITH {CHANGED}
 UPDATE appointments SET version = $2, updated_at = $4, status = $15, previous_status = $16
 WHERE id = $1"""  # noqa: S608

MOVE = f"""WITH {CHANGED},
 owned AS (UPDATE time_slots SET version = version + 1, {LET_GO},
  appointment_id = CASE WHEN $18 THEN coalesce(appointment_id, $1) ELSE $1 END
  WHERE id = ANY($22))
 UPDATE appointments SET version = $2, updated_at = $4, time_slot_id = $10, starts_at = $11,
  doctor_id = $15, ends_at = $16, mode = $17, overbooked = $18,
  patient_doubled = $19, override_codes = $20, override_reason = $21,
  time_slot_ids = $22, blocked_from = $23, blocked_until = $24 WHERE id = $1"""  # noqa: S608

HAND_OVER = """UPDATE time_slots s SET appointment_id = h.id, version = s.version + 1 FROM (
  SELECT DISTINCT ON (t.slot_id) t.slot_id, a.id FROM unnest($1::uuid[]) AS t(slot_id)
  JOIN appointments a ON a.time_slot_ids @> ARRAY[t.slot_id] AND a.overbooked
   AND a.status <> 'cancelled' ORDER BY t.slot_id, a.created_at, a.id) h
 WHERE s.id = h.slot_id AND s.appointment_id IS NULL RETURNING s.appointment_id"""
"""Each slot that is locked and was left goes to whoever was overbooked in it first."""

HEIR = f"""SELECT {CARD} {CARD_JOINS} WHERE a.id = $1
 AND NOT EXISTS (SELECT FROM time_slots s
  WHERE s.id = ANY(a.time_slot_ids) AND s.appointment_id IS DISTINCT FROM a.id)
 AND NOT EXISTS (SELECT FROM appointments o WHERE o.doctor_id = a.doctor_id AND o.id <> a.id
  AND o.status <> 'cancelled' AND NOT o.overbooked
  AND tstzrange(o.blocked_from, o.blocked_until) && tstzrange(a.blocked_from, a.blocked_until))
 FOR UPDATE OF a"""  # noqa: S608
"""An appointment that was given a slot, if all of its time is its own by now."""

INHERIT = f"""WITH {CHANGED}
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
