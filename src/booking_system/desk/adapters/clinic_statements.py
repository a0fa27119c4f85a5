"""The statements of a change of a clinic's clock."""

from booking_system.scheduling.records.holds import LET_GO

LOCK = """SELECT time_zone, horizon_days FROM clinics
 WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"""

LAST_START = """SELECT greatest(
 (SELECT max(starts_at) FROM time_slots WHERE clinic_id = $1 AND deleted_at IS NULL),
 (SELECT max(starts_at) FROM appointments WHERE clinic_id = $1))"""

MOVED_BOOKINGS = """SELECT a.id, a.reference, a.doctor_id, a.time_slot_id, a.starts_at,
  count(*) OVER () AS moved
 FROM unnest($2::timestamptz[], $3::timestamptz[]) AS m(since, until)
 JOIN appointments a ON a.clinic_id = $1 AND a.starts_at >= m.since AND a.starts_at < m.until
 WHERE a.status IN ('confirmed', 'checked_in') ORDER BY a.starts_at, a.id LIMIT $4"""

LOCK_SLOTS = """SELECT count(*) FROM (
 SELECT id FROM time_slots WHERE clinic_id = $1 AND deleted_at IS NULL AND starts_at > $2
 ORDER BY id FOR UPDATE) AS locked"""

_MOVED = """s.clinic_id = $1 AND s.deleted_at IS NULL AND s.starts_at > $2
 AND s.starts_at >= m.since AND s.starts_at < m.until"""

WITHDRAW = f"""UPDATE time_slots s SET deleted_at = $2, version = s.version + 1, rule_id = NULL,
  {LET_GO} FROM unnest($3::timestamptz[], $4::timestamptz[]) AS m(since, until)
 WHERE {_MOVED} AND s.rule_id IS NOT NULL AND s.appointment_id IS NULL
 AND s.closed_because IS DISTINCT FROM 'by_hand' AND NOT coalesce(s.held_until > $2, false)"""  # noqa: S608

SET_CLOCKS = f"""UPDATE time_slots s SET
  wall_starts_at = (s.starts_at AT TIME ZONE 'UTC') + m.ahead,
  version = s.version + CASE WHEN s.rule_id IS NULL OR s.outside_availability THEN 0 ELSE 1 END,
  outside_availability = s.outside_availability OR s.rule_id IS NOT NULL,
  closed_because = CASE WHEN s.rule_id IS NULL THEN s.closed_because
   ELSE coalesce(s.closed_because, 'outside_availability') END
 FROM unnest($3::timestamptz[], $4::timestamptz[], $5::interval[]) AS m(since, until, ahead)
 WHERE {_MOVED}"""  # noqa: S608
"""The plan that follows takes the mark from all that the hours want where they are."""

DOCTORS = "SELECT id FROM doctors WHERE clinic_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"
