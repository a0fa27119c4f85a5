"""The statements of time off and closures."""

from booking_system.booking.adapters.span_statements import IN_ORDER, slots_of
from booking_system.booking.adapters.statements import CARD, CARD_JOINS, CLOSABLE, STANDING
from booking_system.scheduling.records.holds import LET_GO

DOCTOR = """SELECT d.id AS doctor_id, d.clinic_id, c.time_zone
 FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 AND d.deleted_at IS NULL AND c.deleted_at IS NULL"""

LOCK_DOCTOR = """SELECT d.id FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 FOR NO KEY UPDATE OF d FOR SHARE OF c"""

CLINIC = """SELECT c.id AS clinic_id, c.time_zone FROM clinics c
 WHERE c.id = $1 AND c.deleted_at IS NULL"""

LOCK_CLINIC = "SELECT c.id FROM clinics c WHERE c.id = $1 FOR NO KEY UPDATE"

AWAY = (
    """unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS away(id, starts_at, ends_at)"""
)

WHEN = """{one}.ends_at > $5 AND {one}.starts_at > $6 AND {one}.starts_at < $7
 AND {one}.starts_at < away.ends_at AND {one}.ends_at > away.starts_at"""
"""Not over, near enough for the index, and covered."""
OF_SLOT, OF_APPOINTMENT = WHEN.format(one="s"), WHEN.format(one="a")

_AFFECTED = f"""a.{{whose}} = $1 AND a.status IN ('confirmed', 'checked_in')
 AND EXISTS (SELECT FROM {AWAY} WHERE {OF_APPOINTMENT})"""

_COVERED = f"""s.{{whose}} = $1 AND s.deleted_at IS NULL
 AND EXISTS (SELECT FROM {AWAY} WHERE {OF_SLOT})"""

_HELD = f"""SELECT h.id FROM time_slots h WHERE h.hold_id IN (
  SELECT s.hold_id FROM time_slots s WHERE s.hold_id IS NOT NULL AND {_COVERED})"""  # noqa: S608
"""All slots of the holds that keep anything of what is covered."""

LOCK_SLOTS = f"""SELECT count(*) FROM (SELECT s.id FROM time_slots s WHERE s.id IN (
  SELECT s.id FROM time_slots s WHERE {_COVERED}
  UNION ALL {_HELD}
  UNION ALL SELECT s.id FROM time_slots s WHERE s.closed_by = ANY($2::uuid[])
  UNION ALL {slots_of(_AFFECTED)}){IN_ORDER}) AS locked"""  # noqa: S608
"""Those that are covered or were, and all that the appointments have which would be cancelled."""

OPEN_SLOTS = f"""SELECT count(*) FROM time_slots s
 WHERE s.{{whose}} = $1 AND s.deleted_at IS NULL AND s.closed_because IS NULL
 AND s.appointment_id IS NULL AND EXISTS (SELECT FROM {AWAY} WHERE {OF_SLOT})"""  # noqa: S608

END_HOLDS = f"""UPDATE time_slots SET version = version + 1, {LET_GO}
 WHERE id IN ({_HELD}) RETURNING id, appointment_id, outside_availability"""  # noqa: S608
"""A hold that loses a slot is over in all of them."""

CLOSE = f"""UPDATE time_slots s SET closed_because = $8, closed_by = away.id,
  version = s.version + 1, {LET_GO}
 FROM {AWAY} WHERE s.{{whose}} = $1 AND s.deleted_at IS NULL AND {CLOSABLE}
 AND {OF_SLOT} RETURNING s.id, s.appointment_id, s.outside_availability"""  # noqa: S608

COUNT_AFFECTED = f"SELECT count(*) FROM appointments a WHERE {_AFFECTED}"  # noqa: S608

AFFECTED = f"""SELECT {CARD} {CARD_JOINS} WHERE {_AFFECTED}
 ORDER BY a.time_slot_id, a.id"""

AFFECTED_LOCKED = f"{AFFECTED} FOR UPDATE OF a"

LOCK_CLOSED = """SELECT count(*) FROM (SELECT id FROM time_slots
  WHERE closed_by = $1 ORDER BY id FOR UPDATE) AS locked"""

_LEFT = """t.closed_by = $1 AND t.deleted_at IS NULL
 AND ($2::timestamptz IS NULL OR t.starts_at >= $3::timestamptz OR t.ends_at <= $2)"""
"""What $1 closed and covers no longer, because it lasts from $2 until $3, or is over (None)."""

REOPEN = f"""UPDATE time_slots s SET version = s.version + 1, closed_by = o.id,
  closed_because = CASE WHEN o.id IS NULL AND d.deleted_at IS NOT NULL THEN 'doctor_removed'
   WHEN o.id IS NULL AND t.outside_availability THEN 'outside_availability' ELSE o.because END
 FROM time_slots t JOIN doctors d ON d.id = t.doctor_id
 LEFT JOIN LATERAL ({STANDING}) o ON true
 WHERE t.id = s.id AND {_LEFT} RETURNING s.id, s.doctor_id, s.outside_availability"""  # noqa: S608

OPENING = f"""SELECT count(*) FROM time_slots t JOIN doctors d ON d.id = t.doctor_id
 WHERE {_LEFT} AND t.ends_at > $4 AND t.appointment_id IS NULL AND d.deleted_at IS NULL
 AND NOT t.outside_availability
 AND NOT EXISTS (SELECT FROM time_off o WHERE o.doctor_id = t.doctor_id AND o.id <> $1
  AND o.deleted_at IS NULL AND o.starts_at < t.ends_at AND o.ends_at > t.starts_at)
 AND NOT EXISTS (SELECT FROM closures o WHERE o.clinic_id = t.clinic_id AND o.id <> $1
  AND o.deleted_at IS NULL AND o.starts_at < t.ends_at AND o.ends_at > t.starts_at)"""  # noqa: S608
"""How many slots to come `REOPEN` would open."""
