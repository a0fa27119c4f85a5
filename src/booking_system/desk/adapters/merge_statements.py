"""The statements that merge two records of a patient: $1 stays, $2 is the duplicate."""

from booking_system.booking.adapters.span_statements import IN_ORDER
from booking_system.directory.records.acquaintance_text import (
    clinics_that_know_text as clinics_that_know,
)

LOCK_RECORDS = "SELECT FROM patients WHERE id = $1 OR id = $2 ORDER BY id FOR NO KEY UPDATE"

RECORDS = f"""SELECT p.id, p.version, p.deleted_at IS NOT NULL AS is_removed,
 p.user_id IS NOT NULL AS has_account,
 {clinics_that_know("p.id")} AS known_to
 FROM patients p WHERE p.id = $1 OR p.id = $2"""  # noqa: S608
"""Read behind the lock: another merge may have brought more clinics."""

LOCK_SLOTS = f"""SELECT s.id FROM time_slots s WHERE s.id IN (
  SELECT unnest(a.time_slot_ids) FROM appointments a
   WHERE a.patient_id = $1 AND a.status <> 'cancelled'
  UNION ALL SELECT h.id FROM time_slots h WHERE h.held_for = $1 AND h.hold_id IS NOT NULL
 ){IN_ORDER}"""  # noqa: S608
"""Each change of an appointment or a hold of $1 waits here, before it has read whose it is."""

STOP_BOOKINGS = "SELECT FROM patients WHERE id = $1 FOR UPDATE"
"""Stronger than usual, and for the duplicate only: a booking that has been written is waited for,
a booking about to be written waits, and then finds the patient gone."""

IS_NEW = """SELECT EXISTS (SELECT FROM appointments a, unnest(a.time_slot_ids) AS t(slot_id)
 WHERE a.patient_id = $1 AND a.status <> 'cancelled' AND t.slot_id <> ALL($2))"""
"""Whether $1 has an appointment in a slot that was not locked."""

OVERLAP = """SELECT EXISTS (SELECT FROM appointments d JOIN appointments s ON s.patient_id = $1
  AND s.status IN ('confirmed', 'checked_in') AND s.patient_time && d.patient_time
 WHERE d.patient_id = $2 AND d.status IN ('confirmed', 'checked_in'))"""

FOLLOW = """UPDATE appointments d SET patient_id = $1, version = d.version + 1, updated_at = $3,
  patient_doubled = d.patient_doubled OR x.others IS NOT NULL,
  patient_shared = CASE WHEN x.others IS NULL THEN d.patient_shared
   ELSE coalesce(d.patient_shared, tstzmultirange())
    + x.others * tstzmultirange(tstzrange(d.starts_at, d.ends_at)) END,
  override_codes = CASE
   WHEN x.others IS NULL OR 'patient_overlap' = ANY (d.override_codes) THEN d.override_codes
   ELSE array_append(coalesce(d.override_codes, '{}'), 'patient_overlap') END,
  override_reason = CASE WHEN x.others IS NULL THEN d.override_reason
   ELSE coalesce(d.override_reason, $4) END
 FROM (SELECT m.id, (SELECT range_agg(o.patient_time) FROM appointments o
    WHERE o.patient_id = $1 AND o.status <> 'cancelled' AND o.patient_time && m.patient_time
    AND m.status <> 'cancelled' AND (m.status IN ('completed', 'no_show')
     OR o.status IN ('completed', 'no_show'))) AS others
  FROM appointments m WHERE m.patient_id = $2) x
 WHERE d.id = x.id"""
"""What took place at one time under both records cannot be undone: the time is shared. Open ones
share nothing, so the constraint has the last word about them."""

HOLDS_FOLLOW = """UPDATE time_slots SET held_for = $1, version = version + 1
 WHERE held_for = $2 AND hold_id IS NOT NULL"""

ACQUAINTANCE_FOLLOWS = """WITH gone AS (
  DELETE FROM clinic_patients WHERE patient_id = $2
  RETURNING clinic_id, known_since, known_because, known_as)
 INSERT INTO clinic_patients AS k (clinic_id, patient_id, known_since, known_because, known_as)
 SELECT clinic_id, $1, known_since,
  CASE known_because WHEN 'booked' THEN 'booked' ELSE 'taken_on' END, known_as FROM gone
 ON CONFLICT (clinic_id, patient_id)
 DO UPDATE SET known_since = least(k.known_since, excluded.known_since),
  known_because = CASE k.known_because WHEN 'booked' THEN excluded.known_because
   ELSE k.known_because END,
  known_as = coalesce(k.known_as, excluded.known_as)"""
"""Who registered the duplicate keeps knowing the patient; the record that stays is not theirs."""

FILL = """UPDATE patients s SET version = s.version + 1, updated_at = $3,
  email = coalesce(s.email, d.email), phone = coalesce(s.phone, d.phone),
  birth_date = coalesce(s.birth_date, d.birth_date), locale = coalesce(s.locale, d.locale),
  time_zone = coalesce(s.time_zone, d.time_zone)
 FROM patients s2 LEFT JOIN patients d ON d.id = $2 AND s2.user_id IS NULL
 WHERE s.id = $1 AND s2.id = s.id"""
"""Of an account only its owner says how to be reached."""

GO = """UPDATE patients SET merged_into = $1, deleted_at = coalesce(deleted_at, $3),
  version = version + 1, updated_at = $3
 WHERE id = $2 OR merged_into = $2"""
"""Records that were merged into the duplicate before lead to the record that stays, too."""

TELL = """INSERT INTO outbox (id, name, payload, occurred_at)
 VALUES ($1, $2, $3::text::jsonb, $4)"""
