"""The statements about several slots in a row, and the time that is kept free around them."""


def near(slot: str, whose: str) -> str:
    """Return the condition that a live slot meets the time that `whose` blocks, for an index.

    No slot lasts longer than a day.
    """
    return f"""{slot}.doctor_id = {whose}.doctor_id AND {slot}.deleted_at IS NULL
  AND {slot}.starts_at < {whose}.blocked_until AND {slot}.ends_at > {whose}.blocked_from
  AND {slot}.starts_at > {whose}.blocked_from - interval '1 day'"""


BUFFERED = "(a.blocked_from < a.starts_at OR a.blocked_until > a.ends_at)"


def slots_of(which: str) -> str:
    """Return the query for the ids of all slots that these appointments `a` have or keep free."""
    return f"""SELECT unnest(a.time_slot_ids) FROM appointments a WHERE {which}
 UNION ALL SELECT n.id FROM appointments a JOIN time_slots n ON {near("n", "a")}
  WHERE {BUFFERED} AND {which}"""  # noqa: S608


def _needed(service: str) -> str:
    """Return the query for the time that a booking from the slot $1 on would need at most."""
    return f"""SELECT t.doctor_id, c.time_zone, v.*,
  t.starts_at - coalesce(v.buffer_before_minutes, 0) * interval '1 minute' AS blocked_from,
  coalesce((SELECT max(r.ends_at) FROM time_slots r WHERE r.doctor_id = t.doctor_id
    AND r.deleted_at IS NULL AND r.starts_at >= t.starts_at
    AND r.starts_at < t.starts_at + v.duration_minutes * interval '1 minute'), t.ends_at)
   + coalesce(v.buffer_after_minutes, 0) * interval '1 minute' AS blocked_until
 FROM time_slots t JOIN clinics c ON c.id = t.clinic_id LEFT JOIN LATERAL (
  SELECT duration_minutes, buffer_before_minutes, buffer_after_minutes, mode AS service_mode
  FROM services WHERE id = {service} AND clinic_id = t.clinic_id AND deleted_at IS NULL
 ) v ON true WHERE t.id = $1 AND t.deleted_at IS NULL"""  # noqa: S608


def nearby(columns: str) -> str:
    """Return the statement for the slots that a booking of the service $2 meets."""
    return f"""SELECT {columns}, w.time_zone, w.duration_minutes, w.buffer_before_minutes,
  w.buffer_after_minutes, w.service_mode, coalesce(r.gap_minutes, 0) AS gap_minutes
 FROM ({_needed("$2")}) w JOIN time_slots s ON {near("s", "w")}
 LEFT JOIN availability_rules r ON r.id = s.rule_id"""  # noqa: S608


IN_ORDER = " ORDER BY s.id FOR UPDATE OF s"
"""Behind any query of slots `s`: lock them in the order of all."""

LOCK_TO_MOVE = f"""SELECT s.id FROM time_slots s WHERE s.id IN ({slots_of("a.id = $2")}
 UNION ALL SELECT n.id
 FROM ({_needed("(SELECT a.service_id FROM appointments a WHERE a.id = $2)")}) w
 JOIN time_slots n ON {near("n", "w")}){IN_ORDER}"""  # noqa: S608
"""The subqueries run before the wait: whoever reads on has to see that they still hold."""

BLOCK = f"""UPDATE time_slots n SET blocked_by = array_append(n.blocked_by, a.id),
  version = n.version + 1
 FROM appointments a WHERE a.id = $1 AND {near("n", "a")} AND n.id <> ALL(a.time_slot_ids)"""  # noqa: S608

UNBLOCK = f"""UPDATE time_slots s SET version = s.version + 1,
  blocked_by = (SELECT array_agg(b) FROM unnest(s.blocked_by) b WHERE b <> ALL($1))
 WHERE s.id IN (SELECT n.id FROM appointments a JOIN time_slots n ON {near("n", "a")}
  WHERE a.id = ANY($1) AND {BUFFERED}) AND s.blocked_by && $1"""  # noqa: S608

LEAVE = """UPDATE time_slots SET appointment_id = NULL, version = version + 1
 WHERE id IN (SELECT unnest(a.time_slot_ids) FROM appointments a WHERE a.id = $1)
 AND appointment_id = $1 RETURNING id"""
