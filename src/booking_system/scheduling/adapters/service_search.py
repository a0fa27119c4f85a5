"""In which slots a service could begin: the doctor offers it, and enough time is free in a row."""

_FREE = """(n.closed_because IS NULL AND n.appointment_id IS NULL AND n.blocked_by IS NULL
 AND (n.held_until IS NULL OR n.held_until <= $3))"""

_ROW = f"""SELECT max(r.ends_at) AS ends_at FROM (
  SELECT n.ends_at, n.id = s.id OR ({_FREE} AND n.mode = s.mode
    AND coalesce(n.wall_starts_at::date = s.wall_starts_at::date, true)
    AND n.starts_at - lag(n.ends_at) OVER in_time
     <= coalesce(lag(r.gap_minutes) OVER in_time, 0) * interval '1 minute') AS goes_on
  FROM time_slots n LEFT JOIN availability_rules r ON r.id = n.rule_id
  WHERE n.doctor_id = s.doctor_id AND n.deleted_at IS NULL AND n.starts_at >= s.starts_at
   AND n.starts_at < s.starts_at + v.duration_minutes * interval '1 minute'
  WINDOW in_time AS (ORDER BY n.starts_at)) r
 HAVING bool_and(r.goes_on)
  AND max(r.ends_at) >= s.starts_at + v.duration_minutes * interval '1 minute'
  AND max(r.ends_at) <= s.starts_at + interval '1 day'"""  # noqa: S608
"""Where the slots that follow `s` go on for as long as the service takes: when they end."""

_KEPT = """NOT EXISTS (SELECT FROM appointments a WHERE a.doctor_id = s.doctor_id
   AND a.status <> 'cancelled' AND NOT a.overbooked
   AND tstzrange(a.blocked_from, a.blocked_until) && tstzrange(k.since, k.until))
  AND NOT EXISTS (SELECT FROM time_slots n WHERE n.doctor_id = s.doctor_id
   AND n.deleted_at IS NULL AND n.starts_at < k.until AND n.ends_at > k.since
   AND n.starts_at > k.since - interval '1 day'
   AND (n.appointment_id IS NOT NULL OR n.held_until > $3))"""
"""Nobody else has, or is about to have, anything of the time that is to be kept free."""

TAKEN_UNTIL = """(SELECT max(n.ends_at) FROM time_slots n JOIN services v ON v.id = ${0}
  WHERE n.doctor_id = s.doctor_id AND n.deleted_at IS NULL AND n.starts_at >= s.starts_at
  AND n.starts_at < s.starts_at + v.duration_minutes * interval '1 minute')"""
"""When the last of the slots ends that the service takes from `s` on."""

OFFERED = f"""EXISTS (SELECT FROM service_doctors o JOIN services v ON v.id = o.service_id
 WHERE o.service_id = ${{0}} AND o.doctor_id = s.doctor_id AND v.deleted_at IS NULL
 AND v.mode = s.mode AND CASE
  WHEN v.buffer_before_minutes + v.buffer_after_minutes > 0 THEN EXISTS (
   SELECT FROM ({_ROW}) r CROSS JOIN LATERAL (
    SELECT s.starts_at - v.buffer_before_minutes * interval '1 minute' AS since,
     r.ends_at + v.buffer_after_minutes * interval '1 minute' AS until) k
   WHERE {_KEPT})
  WHEN v.duration_minutes * interval '1 minute' <= s.ends_at - s.starts_at THEN true
  ELSE EXISTS ({_ROW}) END)"""  # noqa: S608
"""The condition on a slot `s` at the instant $3, to be formatted with the place of the service.

Most services fit into one slot: those cost no more than a look at it. The local day of a slot is
what its clock was to show; PostgreSQL has zone data of its own, which is not asked.
"""
