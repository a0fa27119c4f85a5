"""The statements that keep rules and exceptions."""

from booking_system.scheduling.records.calendar_statements import EXCEPTION_COLUMNS, RULE_COLUMNS

RULE = f"""SELECT {RULE_COLUMNS} FROM availability_rules r
 JOIN doctors d ON d.id = r.doctor_id JOIN clinics c ON c.id = r.clinic_id
 WHERE r.id = $1 AND r.deleted_at IS NULL AND d.deleted_at IS NULL AND c.deleted_at IS NULL"""  # noqa: S608

PAGE = f"""SELECT {RULE_COLUMNS} FROM availability_rules r
 WHERE r.doctor_id = $1 AND r.deleted_at IS NULL AND ($2::uuid IS NULL OR r.id > $2)
 ORDER BY r.id LIMIT $3"""  # noqa: S608

DOCTORS = """SELECT d.id AS doctor_id FROM doctors d
 JOIN clinics c ON c.id = d.clinic_id AND c.deleted_at IS NULL WHERE d.deleted_at IS NULL
 AND (EXISTS (SELECT FROM availability_rules r WHERE r.doctor_id = d.id)
  OR EXISTS (SELECT FROM availability_exceptions e WHERE e.doctor_id = d.id)) ORDER BY d.id"""

ADD_RULE = """INSERT INTO availability_rules (id, weekdays, start_minute, end_minute, slot_minutes,
  gap_minutes, valid_from, valid_until, mode, version, updated_at, clinic_id, doctor_id, created_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"""

SAVE_RULE = """UPDATE availability_rules SET weekdays = $2, start_minute = $3, end_minute = $4,
  slot_minutes = $5, gap_minutes = $6, valid_from = $7, valid_until = $8, mode = $9, version = $10,
  updated_at = $11, deleted_at = $12 WHERE id = $1"""

EXCEPTION = f"""SELECT {EXCEPTION_COLUMNS} FROM availability_exceptions e
 JOIN doctors d ON d.id = e.doctor_id JOIN clinics c ON c.id = e.clinic_id
 WHERE e.id = $1 AND e.deleted_at IS NULL AND d.deleted_at IS NULL AND c.deleted_at IS NULL"""  # noqa: S608

EXCEPTIONS_PAGE = f"""SELECT {EXCEPTION_COLUMNS} FROM availability_exceptions e
 WHERE e.doctor_id = $1 AND e.deleted_at IS NULL
 AND ($2::date IS NULL OR e.date >= $2) AND ($3::date IS NULL OR e.date < $3)
 AND ($4::date IS NULL OR (e.date, e.id) > ($4, $5::uuid))
 ORDER BY e.date, e.id LIMIT $6"""  # noqa: S608

ADD_EXCEPTION = """INSERT INTO availability_exceptions (id, clinic_id, doctor_id, date, replaces,
  start_minutes, end_minutes, slot_minutes, gap_minutes, modes, created_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""

END_EXCEPTION = "UPDATE availability_exceptions SET deleted_at = $2 WHERE id = $1"

GENERATED = "SELECT count(*) FROM time_slots WHERE rule_id = $1 AND created_at = $2"
