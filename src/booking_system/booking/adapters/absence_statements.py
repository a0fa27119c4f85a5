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

TIME_OFF = """SELECT o.* FROM time_off o JOIN doctors d ON d.id = o.doctor_id
 JOIN clinics c ON c.id = o.clinic_id WHERE o.id = $1 AND o.deleted_at IS NULL
 AND d.deleted_at IS NULL AND c.deleted_at IS NULL"""

CLOSURE = "SELECT * FROM closures WHERE clinic_id = $1 AND id = $2 AND deleted_at IS NULL"

CLOSURES_ON = """SELECT * FROM closures
 WHERE clinic_id = $1 AND date = ANY($2::date[]) AND deleted_at IS NULL ORDER BY date"""

SOME_CLOSURES = """SELECT * FROM closures
 WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY date"""

_PAGE = """SELECT * FROM {table} WHERE {whose} = $1 AND deleted_at IS NULL
 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"""
TIME_OFF_PAGE = _PAGE.format(table="time_off", whose="doctor_id")
CLOSURE_PAGE = _PAGE.format(table="closures", whose="clinic_id")

_ADD = """INSERT INTO {table} (id, clinic_id, {whose}, starts_at, ends_at, reason, created_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7)"""
ADD_TIME_OFF = _ADD.format(table="time_off", whose="doctor_id")
ADD_CLOSURE = _ADD.format(table="closures", whose="date")

AWAY = (
    """unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS away(id, starts_at, ends_at)"""
)

WHEN = """{one}.ends_at > $5 AND {one}.starts_at > $6 AND {one}.starts_at < $7
 AND {one}.starts_at < away.ends_at AND {one}.ends_at > away.starts_at"""
"""Not over, near enough for the index, and covered."""
OF_SLOT, OF_APPOINTMENT = WHEN.format(one="s"), WHEN.format(one="a")

_AFFECTED = f"""a.{{whose}} = $1 AND a.status IN ('confirmed', 'checked_in')
 AND EXISTS (SELECT FROM {AWAY} WHERE {OF_APPOINTMENT})"""

LOCK_SLOTS = f"""SELECT count(*) FROM (SELECT s.id FROM time_slots s WHERE s.id IN (
  SELECT s.id FROM time_slots s
  WHERE s.{{whose}} = $1 AND s.deleted_at IS NULL AND EXISTS (SELECT FROM {AWAY} WHERE {OF_SLOT})
  UNION ALL {slots_of(_AFFECTED)}){IN_ORDER}) AS locked"""  # noqa: S608
"""Those that are covered, and all that the appointments have which would be cancelled."""

OPEN_SLOTS = f"""SELECT count(*) FROM time_slots s
 WHERE s.{{whose}} = $1 AND s.deleted_at IS NULL AND s.closed_because IS NULL
 AND s.appointment_id IS NULL AND EXISTS (SELECT FROM {AWAY} WHERE {OF_SLOT})"""  # noqa: S608

CLOSE = f"""UPDATE time_slots s SET closed_because = $8, closed_by = away.id,
  version = s.version + 1, {LET_GO}
 FROM {AWAY} WHERE s.{{whose}} = $1 AND s.deleted_at IS NULL AND {CLOSABLE}
 AND {OF_SLOT} RETURNING s.appointment_id"""  # noqa: S608

AFFECTED = f"""SELECT {CARD} {CARD_JOINS} WHERE {_AFFECTED}
 ORDER BY a.time_slot_id, a.id"""

AFFECTED_LOCKED = f"{AFFECTED} FOR UPDATE OF a"

END = "UPDATE {table} SET deleted_at = $2 WHERE id = $1"

LOCK_CLOSED = """SELECT count(*) FROM (SELECT id FROM time_slots
  WHERE closed_by = $1 ORDER BY id FOR UPDATE) AS locked"""

REOPEN = f"""UPDATE time_slots s SET version = s.version + 1, closed_by = o.id,
  closed_because = CASE WHEN o.id IS NULL AND d.deleted_at IS NOT NULL THEN 'doctor_removed'
   WHEN o.id IS NULL AND t.outside_availability THEN 'outside_availability' ELSE o.because END
 FROM time_slots t JOIN doctors d ON d.id = t.doctor_id
 LEFT JOIN LATERAL ({STANDING}) o ON true
 WHERE t.id = s.id AND t.closed_by = $1 AND t.deleted_at IS NULL"""  # noqa: S608
