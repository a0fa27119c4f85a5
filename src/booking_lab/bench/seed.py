"""The rows that the bench works on, made by the database itself in seconds.

Real ids of version 7: ids from a counter would make the pages of the GiST indexes overlap.
"""

from datetime import datetime

import asyncpg

from booking_lab.bench.plan import BOOK_FROM, SLOTS_A_DAY, Plan

OLDEST = 18
"""`uuidv7()` came with PostgreSQL 18."""
BLOCKS = 40
"""Patients per doctor."""

SIZE = """CREATE TABLE bench.size AS SELECT $1::int AS doctors, $2::int AS days,
 date_trunc('day', $3::timestamptz, 'UTC') + interval '1 day' AS first_day,
 $3::timestamptz AS made_at"""

CLINICS = """INSERT INTO clinics (id, name, slug, time_zone, locale, currency, embed_origins,
  min_notice_minutes, cancel_notice_minutes, horizon_days, hold_minutes,
  max_open_bookings_per_patient, anonymous_holds, reminder_offsets_minutes, created_at, updated_at)
 SELECT uuidv7(), 'Example Clinic ' || n, 'example-' || n, 'Europe/Berlin', 'de-DE', 'EUR', '{}',
  0, 60, 365, 10, 100, false, '{}', made_at, made_at FROM bench.size, generate_series(0, 3) n"""

DOCTORS = """WITH places AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM clinics)
 INSERT INTO doctors (id, clinic_id, full_name, title, specialty, languages, created_at,
  updated_at)
 SELECT uuidv7(), p.id, 'Example Doctor ' || n, 'Dr.', 'Cardiology', '{de,en}', made_at, made_at
 FROM bench.size, generate_series(0, doctors - 1) n JOIN places p ON p.place = n % 4"""

SERVICES = """INSERT INTO services (id, clinic_id, name, duration_minutes, buffer_before_minutes,
  buffer_after_minutes, price_amount, mode, payment, created_at, updated_at)
 SELECT uuidv7(), c.id, 'Example Service ' || n, 30, 0, 0, 4500, 'in_person', 'optional',
  made_at, made_at FROM bench.size, clinics c, generate_series(1, 3) n"""

OFFERED = """INSERT INTO service_doctors (service_id, doctor_id, clinic_id)
 SELECT v.id, d.id, d.clinic_id FROM services v JOIN doctors d ON d.clinic_id = v.clinic_id"""

PEOPLE = """CREATE TABLE bench.people AS
 SELECT n, uuidv7() AS patient_id, uuidv7() AS user_id, uuidv7() AS session_id
 FROM bench.size, generate_series(0, doctors * $1::int - 1) n"""

USERS = """INSERT INTO users (id, email, email_key, full_name, created_at, updated_at)
 SELECT user_id, format('patient-%s@example.com', n), format('patient-%s@example.com', n),
  'Example Patient ' || n, made_at, made_at FROM bench.size, bench.people"""

SESSIONS = """INSERT INTO sessions (id, user_id, created_at, last_used_at)
 SELECT session_id, user_id, made_at, made_at FROM bench.size, bench.people"""

PATIENTS = """INSERT INTO patients (id, user_id, full_name, email, created_at, updated_at)
 SELECT patient_id, user_id, 'Example Patient ' || n, format('patient-%s@example.com', n),
  made_at, made_at FROM bench.size, bench.people"""

GRANTS = """INSERT INTO role_grants (id, user_id, role, patient_id, created_at)
 SELECT uuidv7(), user_id, 'patient', patient_id, made_at FROM bench.size, bench.people"""

TIMES = """CREATE TABLE bench.times AS
 SELECT day * $1::int + place AS t, day,
  first_day + day * interval '1 day' + interval '8 hours' + place * interval '30 minutes' AS at
 FROM bench.size, generate_series(0, days - 1) day,
  generate_series(0, $1::int - 1) place"""

# As a clinic does it: each doctor offers a week, then the next week comes.
SLOTS = """INSERT INTO time_slots (id, clinic_id, doctor_id, starts_at, ends_at, mode, created_at,
  wall_starts_at)
 SELECT uuidv7(), d.clinic_id, d.id, at, at + interval '30 minutes', 'in_person', made_at,
  at AT TIME ZONE 'UTC'
 FROM (SELECT d.id, d.clinic_id, at, made_at FROM bench.size, doctors d, bench.times
  ORDER BY day / 7, d.id, at) d"""

# At each time every doctor sees somebody else, so nobody is ever in two places. A quarter of the
# people have appointments already, as in any clinic's calendar, a quarter book over HTTP, the
# others by SQL.
ORDERS = """CREATE TABLE bench.orders AS
 SELECT kind, row_number() OVER (PARTITION BY kind ORDER BY random()) - 1 AS n,
  s.id AS slot_id, v.id AS service_id, p.patient_id, p.user_id, p.session_id
 FROM (SELECT *, (ARRAY['made', 'sql', 'http', 'sql'])[1 + t % 4] AS kind FROM bench.times) t
 JOIN time_slots s ON s.starts_at = at
 JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM doctors) d
  ON d.id = s.doctor_id
 JOIN (SELECT DISTINCT ON (clinic_id) clinic_id, id FROM services ORDER BY clinic_id, id) v
  ON v.clinic_id = s.clinic_id
 JOIN bench.people p
  ON p.n = (d.place + 7 * t) % (SELECT doctors FROM bench.size)
   + (SELECT doctors FROM bench.size) * (t % $1::int)
 WHERE day >= $2::int"""

MADE = """CREATE TEMPORARY TABLE made AS
 SELECT uuidv7() AS id, o.* FROM bench.orders o WHERE kind = 'made' AND n < $1::int"""

APPOINTMENTS = """INSERT INTO appointments (id, reference, status, payment_status, time_slot_id,
  clinic_id, doctor_id, patient_id, service_id, starts_at, ends_at, mode, cancel_notice_minutes,
  booked_by, created_at, updated_at, time_slot_ids, blocked_from, blocked_until,
  duration_minutes)
 SELECT m.id, substr(md5(m.id::text), 1, 12), 'confirmed', 'unpaid', s.id, s.clinic_id,
  s.doctor_id, m.patient_id, m.service_id, s.starts_at, s.ends_at, s.mode, 60, m.user_id, made_at,
  made_at, ARRAY[s.id], s.starts_at, s.ends_at, 30
 FROM bench.size, made m JOIN time_slots s ON s.id = m.slot_id"""

OWNED = """UPDATE time_slots s SET appointment_id = m.id FROM made m WHERE s.id = m.slot_id"""

KNOWN = """INSERT INTO clinic_patients (clinic_id, patient_id, known_since)
 SELECT DISTINCT clinic_id, patient_id, created_at FROM appointments"""

GUARDED = (
    """CREATE TABLE bench.guarded_slots (id uuid PRIMARY KEY,
     doctor_id uuid NOT NULL REFERENCES doctors, starts_at timestamptz NOT NULL,
     ends_at timestamptz NOT NULL, status text NOT NULL, version int NOT NULL)
     WITH (fillfactor = 80)""",
    """INSERT INTO bench.guarded_slots
     SELECT id, doctor_id, starts_at, ends_at, 'open', 1 FROM time_slots""",
    "CREATE INDEX ON bench.guarded_slots (doctor_id, starts_at)",
    """CREATE TABLE bench.guarded_bookings (id uuid PRIMARY KEY,
     slot_id uuid NOT NULL REFERENCES bench.guarded_slots,
     doctor_id uuid NOT NULL REFERENCES doctors, patient_id uuid NOT NULL REFERENCES patients,
     starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, status text NOT NULL,
     booked_by uuid NOT NULL, booked_at timestamptz NOT NULL,
     EXCLUDE USING gist (doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
      WHERE (status = 'booked'),
     EXCLUDE USING gist (patient_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
      WHERE (status = 'booked'))""",
    "CREATE UNIQUE INDEX ON bench.guarded_bookings (slot_id) WHERE status = 'booked'",
    "CREATE INDEX ON bench.guarded_bookings (patient_id, starts_at)",
)
"""What any system needs in which nothing is sold twice, and nothing else."""

GUARDED_MADE = """INSERT INTO bench.guarded_bookings
 SELECT m.id, s.id, s.doctor_id, m.patient_id, s.starts_at, s.ends_at, 'booked', m.user_id, made_at
 FROM bench.size, made m JOIN time_slots s ON s.id = m.slot_id"""

PLAIN = (
    """CREATE TABLE bench.plain_slots (id uuid PRIMARY KEY, doctor_id uuid NOT NULL,
     starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, status text NOT NULL,
     version int NOT NULL) WITH (fillfactor = 80)""",
    """CREATE TABLE bench.plain_bookings (id uuid PRIMARY KEY, slot_id uuid NOT NULL UNIQUE,
     doctor_id uuid NOT NULL, patient_id uuid NOT NULL, starts_at timestamptz NOT NULL,
     ends_at timestamptz NOT NULL, status text NOT NULL, booked_by uuid NOT NULL,
     booked_at timestamptz NOT NULL)""",
    """INSERT INTO bench.plain_slots
     SELECT id, doctor_id, starts_at, ends_at, 'open', 1 FROM time_slots""",
    """CREATE TABLE bench.plain_orders AS SELECT id, row_number() OVER (ORDER BY random()) - 1 AS n
     FROM bench.plain_slots""",
    "CREATE UNIQUE INDEX ON bench.plain_orders (n) INCLUDE (id)",
)

TO_READ = """SELECT d.id AS doctor_id, first_day + $1::int * interval '1 day' AS since,
 first_day + $2::int * interval '1 day' AS until
 FROM bench.size, doctors d"""

TO_BOOK = """SELECT slot_id, service_id, user_id, session_id FROM bench.orders
 WHERE kind = 'http' ORDER BY n LIMIT $1"""

TO_FLOOD = """SELECT slot_id, service_id, user_id, session_id FROM bench.orders
 WHERE kind IN ('http', 'sql') ORDER BY kind, n"""

CALLERS = "SELECT DISTINCT user_id, session_id FROM bench.orders WHERE kind = 'http'"

TO_RACE_FOR = """SELECT DISTINCT ON (s.starts_at) s.id AS slot_id, v.id AS service_id
 FROM bench.times JOIN time_slots s ON s.starts_at = at
 JOIN services v ON v.clinic_id = s.clinic_id
 WHERE day >= $2 AND day < $3
  AND s.doctor_id = (SELECT id FROM doctors ORDER BY id LIMIT 1)
 ORDER BY s.starts_at, v.id LIMIT $1"""

RIVALS_THERE = """SELECT user_id, session_id FROM bench.people
 ORDER BY n LIMIT $1"""

WON = """SELECT count(*) FROM time_slots s
 JOIN appointments a ON a.id = s.appointment_id AND a.time_slot_id = s.id
 WHERE s.id = ANY($1::uuid[])
  AND (SELECT count(*) FROM appointments b WHERE b.time_slot_id = s.id) = 1"""


async def seed(connection: asyncpg.Connection, plan: Plan, now: datetime) -> None:
    """Fill a migrated, empty database; the first slots are on the day after `now`, in UTC."""
    await connection.execute("CREATE SCHEMA bench")
    await connection.execute(SIZE, plan.doctors, plan.days, now)
    for statement in (CLINICS, DOCTORS, SERVICES, OFFERED):
        await connection.execute(statement)
    await connection.execute(PEOPLE, BLOCKS)
    for statement in (USERS, SESSIONS, PATIENTS, GRANTS):
        await connection.execute(statement)
    await connection.execute(TIMES, SLOTS_A_DAY)
    await connection.execute(SLOTS)
    # The same statistics, so the same plan and order, whether or not autovacuum was here by now.
    await connection.execute("ANALYZE")
    await connection.execute(ORDERS, BLOCKS, BOOK_FROM)
    for statement in (*PLAIN, *GUARDED):
        await connection.execute(statement)
    await connection.execute(MADE, plan.appointments)
    for statement in (APPOINTMENTS, OWNED, KNOWN, GUARDED_MADE):
        await connection.execute(statement)
    await connection.execute("CREATE UNIQUE INDEX ON bench.orders (kind, n)")
    await connection.execute("VACUUM (FREEZE, ANALYZE)")
