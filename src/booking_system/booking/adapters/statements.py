"""Parts and statements of removals, absences and days, as text."""

from booking_system.booking.adapters.span_statements import IN_ORDER, slots_of
from booking_system.directory.records.acquaintance_text import (
    clinics_that_know_text as clinics_that_know,
)
from booking_system.scheduling.records.holds import HOLD_COLUMNS, LET_GO

SLOT = f"""s.id AS slot_id, s.clinic_id, s.doctor_id, s.starts_at, s.ends_at, s.mode,
 s.closed_because, s.appointment_id, s.version AS slot_version, s.blocked_by, {HOLD_COLUMNS}"""

CARD = """a.id, a.reference, a.status, a.payment_status, a.time_slot_ids, a.clinic_id,
 a.doctor_id, a.patient_id, a.service_id, a.starts_at, a.ends_at, a.blocked_from, a.blocked_until,
 a.duration_minutes, a.released_at, a.mode, a.reason, a.price_amount,
 a.price_currency, a.cancel_notice_minutes, a.booked_by, a.previous_status, a.cancelled_by,
 a.cancel_reason, a.override_codes, a.override_reason, a.overbooked,
 a.version, a.revision, a.created_at, a.updated_at, c.name AS clinic_name, c.time_zone,
 d.full_name AS doctor_name, d.title AS doctor_title, d.specialty, d.photo_url,
 p.full_name AS patient_name, v.name AS service_name,
 c.deleted_at IS NOT NULL AS clinic_is_removed"""

CARD_JOINS = """FROM appointments a JOIN clinics c ON c.id = a.clinic_id
 JOIN doctors d ON d.id = a.doctor_id JOIN patients p ON p.id = a.patient_id
 LEFT JOIN services v ON v.id = a.service_id"""

LOCK_DOCTOR = """SELECT d.id, d.version, d.clinic_id, d.deleted_at IS NOT NULL AS is_removed,
 c.deleted_at IS NOT NULL AS clinic_is_removed
 FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 FOR NO KEY UPDATE OF d FOR SHARE OF c"""

LOCK_CLINIC = """SELECT c.id, c.version, c.id AS clinic_id, c.deleted_at IS NOT NULL AS is_removed,
 false AS clinic_is_removed FROM clinics c WHERE c.id = $1 FOR NO KEY UPDATE"""

LOCK_PATIENT = f"""SELECT p.id, p.version, p.deleted_at IS NOT NULL AS is_removed,
 p.user_id IS NOT NULL AS has_account, p.merged_into,
 {clinics_that_know("coalesce(p.merged_into, p.id)")} AS known_to
 FROM patients p WHERE p.id = $1 FOR NO KEY UPDATE"""  # noqa: S608

CLOSABLE = "coalesce(s.closed_because = 'outside_availability', true)"
"""What is kept for whoever holds it, and for nobody else, is closed to them as well."""

CLOSE_SLOTS = f"""WITH locked AS (SELECT id FROM time_slots
  WHERE {{whose}} = $1 AND deleted_at IS NULL AND starts_at > $2 ORDER BY id FOR UPDATE)
 UPDATE time_slots s SET version = s.version + 1, {LET_GO},
  closed_because = CASE WHEN {CLOSABLE} THEN $3 ELSE s.closed_because END
 FROM locked WHERE s.id = locked.id AND ({CLOSABLE} OR s.hold_id IS NOT NULL)"""  # noqa: S608
"""A hold keeps slots around it that are closed already: it ends in these, too."""

LOCK_SLOTS_OF_PATIENT = f"""SELECT count(*) FROM (SELECT s.id FROM time_slots s WHERE s.id IN (
  {slots_of("a.patient_id = $1 AND a.status <> 'cancelled' AND a.starts_at > $2")})
 {IN_ORDER}) AS locked"""  # noqa: S608

STANDING = """SELECT 'time_off' AS because, o.id FROM time_off o
  WHERE o.doctor_id = t.doctor_id AND o.deleted_at IS NULL
  AND o.starts_at < t.ends_at AND o.ends_at > t.starts_at
 UNION ALL
 SELECT 'closure', o.id FROM closures o WHERE o.clinic_id = t.clinic_id AND o.deleted_at IS NULL
  AND o.starts_at < t.ends_at AND o.ends_at > t.starts_at
 ORDER BY id LIMIT 1"""
"""What else keeps the slot `t` closed: when one thing that closed it is over, it is the next's."""

REOPEN_SLOTS = f"""WITH locked AS (SELECT s.id FROM time_slots s
  JOIN doctors d ON d.id = s.doctor_id AND d.deleted_at IS NULL
  WHERE s.{{whose}} = $1 AND s.closed_because = $2 ORDER BY s.id FOR UPDATE OF s)
 UPDATE time_slots s SET closed_by = o.id, version = s.version + 1, closed_because = coalesce(
   o.because, CASE WHEN t.outside_availability THEN 'outside_availability' END)
 FROM locked JOIN time_slots t ON t.id = locked.id LEFT JOIN LATERAL ({STANDING}) o ON true
 WHERE s.id = locked.id"""  # noqa: S608

AFFECTED = f"""SELECT {CARD} {CARD_JOINS} WHERE a.{{whose}} = $1
 AND a.status IN ('confirmed', 'checked_in') AND a.starts_at > $2
 ORDER BY a.time_slot_id FOR UPDATE OF a"""

OCCUPANT = """SELECT o.id FROM clinics c JOIN clinics o ON o.slug = c.slug
 WHERE c.id = $1 AND o.id <> c.id AND o.deleted_at IS NULL"""

MARK = """UPDATE {table} SET deleted_at = $2, version = version + 1, updated_at = $3
 WHERE id = $1"""
