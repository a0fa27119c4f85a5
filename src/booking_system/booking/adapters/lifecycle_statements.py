"""The statements of an appointment's life after booking; who locks first is the same everywhere."""

from booking_system.booking.adapters.statements import CARD, CARD_JOINS, shared
from booking_system.scheduling.records.holds import LET_GO

CHANGED = """kept AS (INSERT INTO appointment_history (appointment_id, version, action, occurred_at,
  by_user_id, side, reason, from_slot_id, from_starts_at, to_slot_id, to_starts_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)),
 told AS (INSERT INTO outbox (id, name, payload, occurred_at)
  VALUES ($12, $13, $14::text::jsonb, $4))"""

MARK = f"""WITH {CHANGED}
 UPDATE appointments SET version = $2, updated_at = $4, status = $15, previous_status = $16,
  released_at = $17 WHERE id = $1"""  # noqa: S608

FREE_THE_REST = """UPDATE time_slots SET appointment_id = NULL, version = version + 1
 WHERE id = ANY($2) AND appointment_id = $1 AND ends_at > $3 RETURNING id"""
"""What is not over of an appointment that ended early is anybody's again."""

TAKE_BACK = f"""UPDATE time_slots SET appointment_id = $1, version = version + 1, {LET_GO}
 WHERE id = ANY($2) AND appointment_id IS NULL AND deleted_at IS NULL"""  # noqa: S608
"""What a hold has left in the row is over: one in force was refused."""

MOVE = f"""WITH {CHANGED},
 owned AS (UPDATE time_slots SET version = version + 1, {LET_GO},
  appointment_id = CASE WHEN $18 THEN coalesce(appointment_id, $1) ELSE $1 END
  WHERE id = ANY($22))
 UPDATE appointments SET version = $2, updated_at = $4, time_slot_id = $10, starts_at = $11,
  doctor_id = $15, ends_at = $16, mode = $17, overbooked = $18,
  patient_doubled = $19, override_codes = $20, override_reason = $21,
  time_slot_ids = $22, blocked_from = $23, blocked_until = $24, revision = $25,
  doctor_shared = {shared("doctor", "$18", "$15", "$23", "$24")},
  patient_shared = {shared("patient", "$19", "appointments.patient_id", "$11", "$16")}
 WHERE id = $1"""  # noqa: S608

MARKED = """SELECT a.id FROM (
  SELECT a.id, a.created_at FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
    AS f(doctor_id, since, until)
   JOIN appointments a ON a.doctor_id = f.doctor_id AND a.overbooked
    AND a.status IN ('confirmed', 'checked_in')
    AND a.blocked_from < f.until AND a.blocked_until > f.since
  UNION SELECT a.id, a.created_at FROM unnest($4::uuid[], $2::timestamptz[], $3::timestamptz[])
    AS f(patient_id, since, until)
   JOIN appointments a ON a.patient_id = f.patient_id AND a.patient_doubled
    AND a.status IN ('confirmed', 'checked_in') AND a.starts_at < f.until AND a.ends_at > f.since
 ) a WHERE a.id <> ALL($5) ORDER BY a.created_at, a.id"""
"""The appointments that share time which was given back, the first to be booked first."""

HAND_OVER = """UPDATE time_slots s SET appointment_id = h.id, version = s.version + 1 FROM (
  SELECT DISTINCT ON (t.slot_id) t.slot_id, a.id FROM unnest($1::uuid[]) AS t(slot_id)
  JOIN appointments a ON a.time_slot_ids @> ARRAY[t.slot_id] AND a.overbooked
   AND a.status IN ('confirmed', 'checked_in') ORDER BY t.slot_id, a.created_at, a.id) h
 WHERE s.id = h.slot_id AND s.appointment_id IS NULL"""
"""Each slot that is locked and was left goes to the appointment that was overbooked in it first."""

SHARE_LESS = """UPDATE appointments a SET doctor_shared = x.of_doctor,
  patient_shared = nullif(x.of_patient, tstzmultirange()),
  patient_doubled = a.patient_doubled AND NOT isempty(x.of_patient)
 FROM (SELECT
   CASE WHEN m.overbooked THEN coalesce((SELECT range_agg(o.doctor_time) FROM appointments o
      WHERE o.doctor_id = m.doctor_id AND o.id <> m.id AND o.status <> 'cancelled'
      AND o.doctor_time && tstzrange(m.blocked_from, m.blocked_until))
     * tstzmultirange(tstzrange(m.blocked_from, m.blocked_until)), tstzmultirange()) END
    AS of_doctor,
   CASE WHEN m.patient_doubled THEN coalesce((SELECT range_agg(o.patient_time) FROM appointments o
      WHERE o.patient_id = m.patient_id AND o.id <> m.id AND o.status <> 'cancelled'
      AND o.patient_time && tstzrange(m.starts_at, m.ends_at))
     * tstzmultirange(tstzrange(m.starts_at, m.ends_at)), tstzmultirange()) END AS of_patient
  FROM appointments m WHERE m.id = $1) x WHERE a.id = $1"""
"""The time that a marked appointment shares with nobody any more, nobody else may have."""

HEIR = f"""SELECT {CARD} {CARD_JOINS} WHERE a.id = $1 AND a.overbooked
 AND isempty(a.doctor_shared) AND NOT EXISTS (SELECT FROM time_slots s
  WHERE s.id = ANY(a.time_slot_ids) AND s.appointment_id IS DISTINCT FROM a.id)
 FOR UPDATE OF a"""  # noqa: S608
"""An appointment that was overbooked, if all of its time is its own by now."""

INHERIT = f"""WITH {CHANGED}
 UPDATE appointments SET version = $2, updated_at = $4, overbooked = false, doctor_shared = NULL
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
