"""The statements that make a doctor's time slots follow the hours."""

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

RULES = f"""SELECT {RULE_COLUMNS} FROM availability_rules r
 WHERE r.doctor_id = $1 AND r.deleted_at IS NULL
 AND (r.valid_until IS NULL OR r.valid_until >= $2) ORDER BY r.id"""  # noqa: S608

EXCEPTION_COLUMNS = """e.id, e.clinic_id, e.doctor_id, e.date, e.replaces, e.start_minutes,
 e.end_minutes, e.slot_minutes, e.gap_minutes, e.modes, e.created_at"""

EXCEPTIONS = f"""SELECT {EXCEPTION_COLUMNS} FROM availability_exceptions e
 WHERE e.doctor_id = $1 AND e.deleted_at IS NULL AND e.date >= $2 ORDER BY e.date, e.id"""  # noqa: S608

IS_FREE = """s.appointment_id IS NULL AND (s.held_until IS NULL OR s.held_until <= $2)
 AND s.closed_because IS DISTINCT FROM 'by_hand'"""
"""Nobody has the slot at $2, or has decided about it by hand: it may go."""

LOCK_SLOTS = """SELECT count(*) FROM (SELECT id FROM time_slots
  WHERE doctor_id = $1 AND deleted_at IS NULL AND starts_at > $2 AND rule_id IS NOT NULL
  AND ($3::timestamptz IS NULL OR starts_at < $3 OR rule_id = ANY($4::uuid[])
   OR outside_availability AND cardinality($4::uuid[]) > 0)
  ORDER BY id FOR UPDATE) AS locked"""

PRESENT_COLUMNS = """s.id, s.starts_at, s.ends_at, s.mode, s.appointment_id, s.closed_because,
 CASE WHEN s.rule_id IS NOT NULL THEN s.wall_starts_at END AS wall_starts_at,
 coalesce(s.held_until > $2, false) AS is_held,
 s.deleted_at IS NOT NULL AS is_deleted,
 s.outside_availability AND s.starts_at > $2 AS is_outside,
 CASE WHEN s.starts_at > $2 THEN s.rule_id END AS rule_id"""

_MEETS = """s.starts_at < $4 AND s.ends_at > $3 AND s.starts_at > $3 - interval '24 hours'"""

PRESENT = f"""SELECT {PRESENT_COLUMNS} FROM time_slots s
  WHERE s.doctor_id = $1 AND s.deleted_at IS NULL AND {_MEETS}
 UNION ALL
 SELECT {PRESENT_COLUMNS} FROM time_slots s
  WHERE s.rule_id IN (SELECT r.id FROM availability_rules r
    WHERE r.doctor_id = $1 AND r.deleted_at IS NULL
   UNION ALL SELECT e.id FROM availability_exceptions e
    WHERE e.doctor_id = $1 AND e.deleted_at IS NULL)
  AND s.deleted_at IS NOT NULL AND {_MEETS}"""  # noqa: S608
"""A slot that a rule withdrew forgets the rule; a slot deleted by hand remembers it."""

OCCUPIED = f"""SELECT {PRESENT_COLUMNS} FROM time_slots s
 WHERE s.doctor_id = $1 AND s.deleted_at IS NULL AND s.rule_id IS NOT NULL
 AND s.starts_at >= $3 AND s.starts_at > $2 AND ($4::timestamptz IS NULL OR s.starts_at > $4)
 AND ($5::uuid[] IS NULL OR s.rule_id = ANY($5::uuid[]) OR s.outside_availability)
 AND NOT ({IS_FREE}) ORDER BY s.starts_at LIMIT $6"""  # noqa: S608

_FREE = f"""s.doctor_id = $1 AND s.deleted_at IS NULL AND s.rule_id IS NOT NULL
 AND s.starts_at >= $3 AND s.starts_at > $2
 AND ($4::uuid[] IS NULL OR s.rule_id = ANY($4::uuid[])) AND {IS_FREE}"""

COUNT_FREE = f"""SELECT count(*) FROM time_slots s
 WHERE {_FREE} AND NOT s.outside_availability"""  # noqa: S608

_GO = f"deleted_at = $2, version = s.version + 1, rule_id = NULL, {LET_GO}"

WITHDRAW_FREE = f"""WITH gone AS (UPDATE time_slots s SET {_GO} WHERE {_FREE}
  RETURNING s.outside_availability)
 SELECT count(*) FROM gone WHERE NOT outside_availability"""  # noqa: S608

WITHDRAW = f"""UPDATE time_slots s SET {_GO} WHERE s.id = ANY($1::uuid[]) AND {IS_FREE}"""  # noqa: S608

LEAVE = """UPDATE time_slots SET outside_availability = true, version = version + 1,
  closed_because = coalesce(closed_because, 'outside_availability') WHERE id = ANY($1::uuid[])"""
"""What else closes it goes on closing it, and leaves it closed when it is over."""

REGAIN = """UPDATE time_slots s SET outside_availability = false, rule_id = n.rule_id,
  closed_because = nullif(s.closed_because, 'outside_availability'), version = s.version + 1
 FROM unnest($1::uuid[], $2::uuid[]) AS n(id, rule_id) WHERE s.id = n.id"""
"""What time off or a closure has closed as well goes on being closed by it."""

BLOCKING = """(SELECT array_agg(a.id) FROM appointments a WHERE a.doctor_id = $2
  AND a.status <> 'cancelled' AND a.doctor_time && tstzrange(n.starts_at, n.ends_at))"""
"""The appointments of the doctor $2 around which a new slot `n` is kept free."""

_KEPT = """h.hold_id, h.held_until, h.hold_minutes, coalesce(h.hold_extended, false), h.held_for,
  h.held_by, h.hold_network, h.hold_blocks, h.hold_service_id, h.hold_duration_minutes,
  h.hold_price_amount, h.hold_price_currency, h.hold_payment"""

_OPEN = f"""INSERT INTO time_slots AS s (id, clinic_id, doctor_id, starts_at, ends_at, mode,
  rule_id, wall_starts_at, created_at, closed_because, closed_by, blocked_by, hold_id, held_until,
  hold_minutes, hold_extended, held_for, held_by, hold_network, hold_blocks, hold_service_id,
  hold_duration_minutes, hold_price_amount, hold_price_currency, hold_payment)
 WITH absences AS MATERIALIZED (
  SELECT 'closure' AS because, id, tstzrange(starts_at, ends_at) AS during FROM closures
   WHERE clinic_id = $1 AND deleted_at IS NULL AND ends_at > $3
  UNION ALL
  SELECT 'time_off', id, tstzrange(starts_at, ends_at) FROM time_off
   WHERE doctor_id = $2 AND deleted_at IS NULL AND ends_at > $3),
 holds AS MATERIALIZED (SELECT k.* FROM time_slots k WHERE k.doctor_id = $2
  AND k.hold_blocks IS NOT NULL AND k.held_until > $3 AND k.deleted_at IS NULL)
 SELECT n.id, $1, $2, n.starts_at, n.ends_at, n.mode, n.rule_id, n.wall, $3, a.because, a.id,
  {BLOCKING}, {_KEPT}
 FROM unnest($4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::uuid[],
   $9::timestamp[]) AS n(id, starts_at, ends_at, mode, rule_id, wall)
 LEFT JOIN LATERAL (SELECT because, id FROM absences
  WHERE during && tstzrange(n.starts_at, n.ends_at) ORDER BY id LIMIT 1) AS a ON true
 LEFT JOIN LATERAL (SELECT k.* FROM holds k WHERE a.id IS NULL
  AND k.hold_blocks && tstzrange(n.starts_at, n.ends_at) LIMIT 1) AS h ON true"""  # noqa: S608
"""New slots of the doctor $2: what time off or a closure covers comes closed by it, and what a hold
keeps free comes held by it.
"""

OPEN = _OPEN
OFFER = f"{_OPEN} RETURNING s.id, s.closed_because, s.blocked_by IS NOT NULL AS is_blocked"
"""The same, and what was stored."""

SET_CLOCKS = """UPDATE time_slots s SET wall_starts_at = n.wall
 FROM unnest($1::uuid[], $2::timestamp[]) AS n(id, wall) WHERE s.id = n.id"""

LEFT_OVER = f"""SELECT s.id FROM time_slots s
 WHERE s.doctor_id = $1 AND s.deleted_at IS NULL AND s.outside_availability AND s.starts_at > $2
 AND {IS_FREE} AND EXISTS (SELECT FROM unnest($3::timestamptz[], $4::timestamptz[])
  AS f(starts_at, ends_at) WHERE s.starts_at < f.ends_at AND s.ends_at > f.starts_at)
 ORDER BY s.id FOR UPDATE SKIP LOCKED"""  # noqa: S608
"""What somebody else is at is not awaited: it is theirs to see to it."""

FREED = """SELECT s.doctor_id, s.starts_at, s.ends_at FROM time_slots s
 WHERE s.id = ANY($1::uuid[]) AND s.deleted_at IS NULL AND s.outside_availability
 ORDER BY s.doctor_id, s.starts_at"""

MOST_FORGOTTEN = 100

FORGOTTEN = f"""SELECT s.starts_at, s.ends_at FROM time_slots s
 WHERE s.clinic_id = (SELECT clinic_id FROM doctors WHERE id = $1) AND s.doctor_id = $1
 AND s.deleted_at IS NULL AND s.outside_availability AND s.starts_at > $2 AND {IS_FREE}
 ORDER BY s.starts_at LIMIT {MOST_FORGOTTEN}"""  # noqa: S608
"""Slots that were left behind for somebody who has them no more."""
