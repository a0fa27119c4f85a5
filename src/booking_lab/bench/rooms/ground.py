"""The rows: online appointments that begin in a moment, each with its own doctor and patient."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from booking_lab.bench import seed
from booking_lab.bench.plan import BenchProblem
from booking_system.bootstrap import migrations

PLACES = """CREATE TABLE bench.rooms AS
 SELECT n, uuidv7() AS booking_id, uuidv7() AS slot_id, uuidv7() AS doctor_id,
  uuidv7() AS patient_id, uuidv7() AS doctors_user, uuidv7() AS patients_user,
  uuidv7() AS doctors_session, uuidv7() AS patients_session,
  date_trunc('minute', now()) + interval '5 minutes' AS at, now() AS made_at
 FROM generate_series(1, $1::int) n"""
CLINIC = """INSERT INTO clinics (id, name, slug, time_zone, locale, currency, embed_origins,
  min_notice_minutes, cancel_notice_minutes, horizon_days, hold_minutes,
  max_open_bookings_per_patient, anonymous_holds, reminder_offsets_minutes, created_at, updated_at)
 VALUES (uuidv7(), 'Example Clinic', 'example', 'Europe/Berlin', 'de-DE', 'EUR', '{}',
  0, 60, 365, 10, 100, false, '{}', now(), now())"""
STATEMENTS = (
    """INSERT INTO doctors (id, clinic_id, full_name, languages, created_at, updated_at)
     SELECT doctor_id, c.id, 'Example Doctor ' || n, '{de}', made_at, made_at
     FROM bench.rooms, clinics c""",
    """INSERT INTO users (id, email, email_key, full_name, created_at, updated_at)
     SELECT doctors_user, format('doctor-%s@example.com', n), format('doctor-%s@example.com', n),
      'Example Doctor ' || n, made_at, made_at FROM bench.rooms
     UNION ALL
     SELECT patients_user, format('patient-%s@example.com', n),
      format('patient-%s@example.com', n), 'Example Patient ' || n, made_at, made_at
     FROM bench.rooms""",
    """INSERT INTO sessions (id, user_id, created_at, last_used_at)
     SELECT doctors_session, doctors_user, made_at, made_at FROM bench.rooms
     UNION ALL SELECT patients_session, patients_user, made_at, made_at FROM bench.rooms""",
    """INSERT INTO patients (id, user_id, full_name, email, created_at, updated_at)
     SELECT patient_id, patients_user, 'Example Patient ' || n,
      format('patient-%s@example.com', n), made_at, made_at FROM bench.rooms""",
    """INSERT INTO role_grants (id, user_id, role, patient_id, created_at)
     SELECT uuidv7(), patients_user, 'patient', patient_id, made_at FROM bench.rooms""",
    """INSERT INTO role_grants (id, user_id, role, clinic_id, doctor_id, created_at)
     SELECT uuidv7(), doctors_user, 'doctor', c.id, doctor_id, made_at
     FROM bench.rooms, clinics c""",
    """INSERT INTO time_slots (id, clinic_id, doctor_id, starts_at, ends_at, mode, created_at,
      wall_starts_at)
     SELECT slot_id, c.id, doctor_id, at, at + interval '30 minutes', 'online', made_at,
      at AT TIME ZONE 'UTC' FROM bench.rooms, clinics c""",
    """INSERT INTO appointments (id, reference, status, payment_status, time_slot_id,
      clinic_id, doctor_id, patient_id, starts_at, ends_at, mode, cancel_notice_minutes,
      booked_by, created_at, updated_at, time_slot_ids, blocked_from, blocked_until,
      duration_minutes)
     SELECT booking_id, substr(md5(booking_id::text), 1, 12), 'confirmed', 'unpaid', slot_id,
      c.id, doctor_id, patient_id, at, at + interval '30 minutes', 'online', 60,
      patients_user, made_at, made_at, ARRAY[slot_id], at, at + interval '30 minutes', 30
     FROM bench.rooms, clinics c""",
    """UPDATE time_slots s SET appointment_id = booking_id FROM bench.rooms
     WHERE s.id = slot_id""",
    """INSERT INTO clinic_patients (clinic_id, patient_id, known_since)
     SELECT clinic_id, patient_id, created_at FROM appointments""",
    "VACUUM (ANALYZE)",
)
PARTIES = """SELECT booking_id, doctors_user AS user_id, doctors_session AS session_id
 FROM bench.rooms WHERE NOT $1 UNION ALL
 SELECT booking_id, patients_user, patients_session FROM bench.rooms WHERE $1
 ORDER BY booking_id"""


async def filled(url: str, rooms: int) -> tuple[str, Sequence[tuple[Mapping[str, Any], ...]]]:
    """Fill an empty database; return the server's version, and doctor and patient of each room.

    Raises `BenchProblem`.
    """
    await migrations.upgrade(url)
    connection = await asyncpg.connect(url)
    try:
        if connection.get_server_version().major < seed.OLDEST:
            raise BenchProblem(f"The bench needs PostgreSQL {seed.OLDEST} or newer.")
        await connection.execute("CREATE SCHEMA bench")
        await connection.execute(PLACES, rooms)
        for statement in (CLINIC, *STATEMENTS):
            await connection.execute(statement)
        doctors = await connection.fetch(PARTIES, False)  # noqa: FBT003  (an argument of SQL)
        patients = await connection.fetch(PARTIES, True)  # noqa: FBT003
        version = str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()
    return version, list(zip(doctors, patients, strict=True))
