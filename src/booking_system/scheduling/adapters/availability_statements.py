"""The statements of weekly availability."""

from booking_system.scheduling.adapters.postgres import BLOCKING
from booking_system.scheduling.records.holds import LET_GO

DOCTOR = """SELECT d.id AS doctor_id, d.clinic_id, c.time_zone, c.horizon_days
 FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 AND d.deleted_at IS NULL AND c.deleted_at IS NULL"""

LOCK_DOCTOR = """SELECT d.id FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 FOR NO KEY UPDATE OF d FOR SHARE OF c"""
"""Locks only: what it waited for is read by the statement behind it."""

RULE_COLUMNS = """r.id, r.clinic_id, r.doctor_id, r.weekdays, r.start_minute, r.end_minute,
 r.slot_minutes, r.gap_minutes, r.valid_from, r.valid_until, r.mode, r.version, r.created_at,
 r.updated_at"""

RULE = f"""SELECT {RULE_COLUMNS} FROM availability_rules r
 JOIN doctors d ON d.id = r.doctor_id JOIN clinics c ON c.id = r.clinic_id
 WHERE r.id = $1 AND r.deleted_at IS NULL AND d.deleted_at IS NULL AND c.deleted_at IS NULL"""  # noqa: S608

RULES = f"""SELECT {RULE_COLUMNS} FROM availability_rules r
 WHERE r.doctor_id = $1 AND r.deleted_at IS NULL ORDER BY r.id"""  # noqa: S608

PAGE = f"""SELECT {RULE_COLUMNS} FROM availability_rules r
 WHERE r.doctor_id = $1 AND r.deleted_at IS NULL AND ($2::uuid IS NULL OR r.id > $2)
 ORDER BY r.id LIMIT $3"""  # noqa: S608

DOCTORS = """SELECT DISTINCT r.doctor_id FROM availability_rules r
 JOIN doctors d ON d.id = r.doctor_id AND d.deleted_at IS NULL
 JOIN clinics c ON c.id = r.clinic_id AND c.deleted_at IS NULL ORDER BY r.doctor_id"""

ADD_RULE = """INSERT INTO availability_rules (id, weekdays, start_minute, end_minute, slot_minutes,
  gap_minutes, valid_from, valid_until, mode, version, updated_at, clinic_id, doctor_id, created_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"""

SAVE_RULE = """UPDATE availability_rules SET weekdays = $2, start_minute = $3, end_minute = $4,
  slot_minutes = $5, gap_minutes = $6, valid_from = $7, valid_until = $8, mode = $9, version = $10,
  updated_at = $11, deleted_at = $12 WHERE id = $1"""

GENERATED = "SELECT count(*) FROM time_slots WHERE rule_id = $1 AND created_at = $2"

LOCK_SLOTS = """SELECT count(*) FROM (SELECT id FROM time_slots
  WHERE doctor_id = $1 AND deleted_at IS NULL AND starts_at > $3 AND rule_id IS NOT NULL
  AND ($2::uuid[] IS NULL OR rule_id = ANY($2::uuid[]) OR outside_availability)
  ORDER BY id FOR UPDATE) AS locked"""

PRESENT_COLUMNS = """s.id, s.starts_at, s.ends_at, s.mode, s.appointment_id, s.closed_because,
 CASE WHEN s.rule_id IS NOT NULL THEN s.wall_starts_at END AS wall_starts_at,
 coalesce(s.held_until > $2, false) AS is_held,
 s.deleted_at IS NOT NULL AS is_deleted,
 s.outside_availability AND s.starts_at > $2 AS is_outside,
 CASE WHEN s.starts_at > $2 THEN s.rule_id END AS rule_id"""

PRESENT = f"""SELECT {PRESENT_COLUMNS} FROM time_slots s
  WHERE s.doctor_id = $1 AND s.deleted_at IS NULL AND s.ends_at > $2
  AND s.starts_at > $2 - interval '24 hours'
 UNION ALL
 SELECT {PRESENT_COLUMNS} FROM time_slots s
  WHERE s.rule_id IN (SELECT r.id FROM availability_rules r
   WHERE r.doctor_id = $1 AND r.deleted_at IS NULL)
  AND s.deleted_at IS NOT NULL AND s.starts_at > $2"""  # noqa: S608
"""A slot that a rule withdrew forgets the rule; one that was deleted by hand remembers it."""

WITHDRAW = f"""UPDATE time_slots SET deleted_at = $2, version = version + 1, rule_id = NULL,
  {LET_GO} WHERE id = ANY($1::uuid[])"""  # noqa: S608

LEAVE = """UPDATE time_slots SET outside_availability = true, version = version + 1,
  closed_because = coalesce(closed_because, 'outside_availability') WHERE id = ANY($1::uuid[])"""
"""What else closes it goes on closing it, and leaves it closed when it is over."""

REGAIN = """UPDATE time_slots s SET outside_availability = false, rule_id = n.rule_id,
  closed_because = nullif(s.closed_because, 'outside_availability'), version = s.version + 1
 FROM unnest($1::uuid[], $2::uuid[]) AS n(id, rule_id) WHERE s.id = n.id"""
"""What time off or a closure has closed as well goes on being closed by it."""

OPEN = f"""INSERT INTO time_slots (id, clinic_id, doctor_id, starts_at, ends_at, mode, rule_id,
  wall_starts_at, created_at, closed_because, closed_by, blocked_by)
 WITH absences AS MATERIALIZED (
  SELECT 'closure' AS because, id, tstzrange(starts_at, ends_at) AS during FROM closures
   WHERE clinic_id = $1 AND deleted_at IS NULL AND ends_at > $3
  UNION ALL
  SELECT 'time_off', id, tstzrange(starts_at, ends_at) FROM time_off
   WHERE doctor_id = $2 AND deleted_at IS NULL AND ends_at > $3)
 SELECT n.id, $1, $2, n.starts_at, n.ends_at, n.mode, n.rule_id, n.wall, $3, a.because, a.id,
  {BLOCKING}
 FROM unnest($4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::uuid[],
   $9::timestamp[]) AS n(id, starts_at, ends_at, mode, rule_id, wall)
 LEFT JOIN LATERAL (SELECT because, id FROM absences
  WHERE during && tstzrange(n.starts_at, n.ends_at) LIMIT 1) AS a ON true"""  # noqa: S608

SET_CLOCKS = """UPDATE time_slots s SET wall_starts_at = n.wall
 FROM unnest($1::uuid[], $2::timestamp[]) AS n(id, wall) WHERE s.id = n.id"""
