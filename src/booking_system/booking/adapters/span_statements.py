"""The statements about several slots in a row, and the time that is kept free around them."""

from booking_system.scheduling.records.spans_text import blocked_from_text as blocked_from
from booking_system.scheduling.records.spans_text import blocked_until_text as blocked_until
from booking_system.scheduling.records.spans_text import span_of_text as span_of


def near(slot: str, whose: str) -> str:
    """Return the condition that a live slot meets the time that `whose` blocks, for an index.

    No slot lasts longer than a day.
    """
    return f"""{slot}.doctor_id = {whose}.doctor_id AND {slot}.deleted_at IS NULL
  AND {slot}.starts_at < {whose}.blocked_until AND {slot}.ends_at > {whose}.blocked_from
  AND {slot}.starts_at > {whose}.blocked_from - interval '1 day'"""


REACHES_FURTHER = """(a.blocked_from < a.starts_at OR a.blocked_until > a.ends_at
  OR cardinality(a.time_slot_ids) > 1)"""
"""The appointment claims time outside of its slots: around them, or in the gaps between them."""


def slots_of(which: str) -> str:
    """Return the query for the ids of all slots that these appointments `a` have or keep free."""
    return f"""SELECT unnest(a.time_slot_ids) FROM appointments a WHERE {which}
 UNION ALL SELECT n.id FROM appointments a JOIN time_slots n ON {near("n", "a")}
  WHERE {REACHES_FURTHER} AND {which}"""  # noqa: S608


_NEED_OF_SERVICE = """SELECT t.*, coalesce(v.duration_minutes, 0) AS duration_minutes,
  coalesce(v.buffer_before_minutes, 0) AS buffer_before_minutes,
  coalesce(v.buffer_after_minutes, 0) AS buffer_after_minutes
 FROM time_slots t LEFT JOIN services v ON v.id = $2 AND v.clinic_id = t.clinic_id
 WHERE t.id = $1 AND t.deleted_at IS NULL"""
"""The slot $1 and what the service $2 needs."""

_NEED_OF_APPOINTMENT = """SELECT t.*, a.duration_minutes,
  extract(epoch FROM a.starts_at - a.blocked_from)::int / 60 AS buffer_before_minutes,
  extract(epoch FROM a.blocked_until - a.ends_at)::int / 60 AS buffer_after_minutes
 FROM time_slots t JOIN appointments a ON a.id = $2
 WHERE t.id = $1 AND t.deleted_at IS NULL"""
"""The slot $1 and what was agreed for the appointment $2."""

_MET = f"""needed AS ({{need}}),
 wanted AS (SELECT f.*, p.slot_ids, {blocked_from("f", "f")} AS blocked_from,
   {blocked_until("p", "f")} AS blocked_until
  FROM needed f CROSS JOIN LATERAL {span_of("f", "f")} p),
 met AS (SELECT n.id FROM wanted w JOIN time_slots n ON {near("n", "w")}
  UNION SELECT n.id FROM wanted w JOIN time_slots n ON n.hold_id = w.hold_id
  UNION SELECT n.id FROM wanted w CROSS JOIN LATERAL (SELECT n.id FROM time_slots n
    WHERE n.doctor_id = w.doctor_id AND n.deleted_at IS NULL AND n.starts_at < w.blocked_from
    AND n.ends_at <= w.blocked_from ORDER BY n.starts_at DESC LIMIT 1) n
   WHERE w.buffer_before_minutes + w.buffer_after_minutes > 0
  UNION SELECT n.id FROM wanted w CROSS JOIN LATERAL (SELECT n.id FROM time_slots n
    WHERE n.doctor_id = w.doctor_id AND n.deleted_at IS NULL AND n.starts_at >= w.blocked_until
    ORDER BY n.starts_at LIMIT 1) n
   WHERE w.buffer_before_minutes + w.buffer_after_minutes > 0)"""  # noqa: S608
"""All slots that the need meets from the slot on, those of the slot's hold, and the next ones on
both sides of buffers: two bookings that keep the same time between slots free both meet one of
these, so one waits for the other."""

IN_ORDER = " ORDER BY s.id FOR UPDATE OF s"
"""Behind any query of slots `s`: lock them in the order of all."""

_NEARBY = """WITH {met}
 SELECT {columns}, array_position(w.slot_ids, s.id) AS place,
  s.starts_at < w.blocked_until AND s.ends_at > w.blocked_from AS is_met,
  w.buffer_before_minutes, w.buffer_after_minutes
 FROM wanted w JOIN time_slots s ON s.id IN (SELECT id FROM met)"""

_LOCK = """WITH {met} SELECT s.id, s.outside_availability FROM time_slots s
 WHERE s.id IN (SELECT id FROM met){more}{order}"""


def nearby(columns: str) -> str:
    """Return the statement for the slots that a booking of the service $2 from $1 on meets.

    `place` counts those that it takes, in time order; None: it only keeps them free.
    """
    return _NEARBY.format(met=_MET.format(need=_NEED_OF_SERVICE), columns=columns)


def nearby_to_move(columns: str) -> str:
    """Return the same for the appointment $2, which would begin in the slot $1."""
    return _NEARBY.format(met=_MET.format(need=_NEED_OF_APPOINTMENT), columns=columns)


LOCK_NEARBY = _LOCK.format(met=_MET.format(need=_NEED_OF_SERVICE), more="", order=IN_ORDER)

LOCK_TO_HOLD_FOR_MOVE = _LOCK.format(
    met=_MET.format(need=_NEED_OF_APPOINTMENT), more="", order=IN_ORDER
)

LOCK_TO_MOVE = _LOCK.format(
    met=_MET.format(need=_NEED_OF_APPOINTMENT),
    more=f" OR s.id IN ({slots_of('a.id = $2')})",
    order=IN_ORDER,
)
"""The subqueries run before the wait: the statement behind it has to see that they still hold."""

BLOCK = f"""UPDATE time_slots n SET blocked_by = array_append(n.blocked_by, a.id),
  version = n.version + 1
 FROM appointments a WHERE a.id = $1 AND {near("n", "a")} AND n.id <> ALL(a.time_slot_ids)"""  # noqa: S608

UNBLOCK = f"""UPDATE time_slots s SET version = s.version + 1,
  blocked_by = (SELECT array_agg(b) FROM unnest(s.blocked_by) b WHERE b <> ALL($1))
 WHERE s.id IN (SELECT n.id FROM appointments a JOIN time_slots n ON {near("n", "a")}
  WHERE a.id = ANY($1) AND {REACHES_FURTHER}) AND s.blocked_by && $1"""  # noqa: S608

LEAVE = """UPDATE time_slots SET appointment_id = NULL, version = version + 1
 WHERE id IN (SELECT unnest(a.time_slot_ids) FROM appointments a WHERE a.id = $1)
 AND appointment_id = $1 RETURNING id"""
