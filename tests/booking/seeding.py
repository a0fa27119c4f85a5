"""The scene, written into PostgreSQL; whatever was there before goes."""

import asyncpg

from booking_system.booking.domain.attempt import ClinicFacts
from tests.booking import scene
from tests.booking.builders import NOON
from tests.booking.scene import MINUTE

EMPTY = "; ".join(
    f"DELETE FROM {table}"
    for table in (
        "role_grants",
        "outbox",
        "idempotency_keys",
        "appointment_history",
        "appointments",
        "time_slots",
        "service_doctors",
        "services",
        "clinic_patients",
        "patients",
        "users",
        "calendar_work",
        "doctors",
        "clinics",
    )
)
CLINIC = """INSERT INTO clinics (id, name, slug, time_zone, locale, currency, embed_origins,
 min_notice_minutes, cancel_notice_minutes, horizon_days, hold_minutes,
 max_open_bookings_per_patient, anonymous_holds, reminder_offsets_minutes, created_at, updated_at)
 VALUES ($1, $2, $3, $4, 'en', 'EUR', '{}', $5, $6, $7, $8, $9, $10, '{}', $11, $11)"""
DOCTOR = """INSERT INTO doctors (id, clinic_id, full_name, title, specialty, photo_url, languages,
 created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, '{}', $7, $7)"""
USER = """INSERT INTO users (id, email, email_key, full_name, created_at, updated_at)
 VALUES ($1, $2, $2, $3, $4, $4)"""
PATIENT = """INSERT INTO patients (id, user_id, full_name, created_at, updated_at)
 VALUES ($1, $2, $3, $4, $4)"""
GRANT = """INSERT INTO role_grants (id, user_id, role, clinic_id, created_at)
 VALUES (gen_random_uuid(), $1, 'receptionist', $2, $3)"""
KNOWN = """INSERT INTO clinic_patients (clinic_id, patient_id, known_since, known_because)
 VALUES ($1, $2, $3, 'taken_on')"""
SERVICE = """INSERT INTO services (id, clinic_id, name, duration_minutes, buffer_before_minutes,
 buffer_after_minutes, price_amount, mode, payment, created_at, updated_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'none', $9, $9)"""
OFFER = "INSERT INTO service_doctors (service_id, doctor_id, clinic_id) VALUES ($1, $2, $3)"
SLOT = """INSERT INTO time_slots (id, clinic_id, doctor_id, starts_at, ends_at, mode, created_at,
 wall_starts_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $4 AT TIME ZONE 'Europe/Berlin')"""


async def seed(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await connection.execute(EMPTY)
        await connection.executemany(
            CLINIC, [(one.id, *_policy(one.facts, str(one.id))) for one in scene.CLINICS]
        )
        await connection.executemany(
            DOCTOR,
            [
                (d.id, d.clinic_id, d.facts.full_name, d.facts.title, d.facts.specialty, None, NOON)
                for d in scene.DOCTORS
            ],
        )
        with_account = [one for one in scene.PATIENTS if one.user_id is not None]
        await connection.executemany(
            USER, [(p.user_id, f"{p.user_id}@example.org", p.full_name, NOON) for p in with_account]
        )
        await connection.executemany(
            PATIENT, [(p.id, p.user_id, p.full_name, NOON) for p in scene.PATIENTS]
        )
        staff = [(one.user_id, clinic) for one in scene.ACTORS for clinic in one.staff_of]
        await connection.executemany(
            USER, [(user, f"{user}@example.org", "Example Clerk", NOON) for user, _ in staff]
        )
        await connection.executemany(GRANT, [(*one, NOON) for one in staff])
        await connection.executemany(KNOWN, [(*pair, NOON) for pair in scene.KNOWN])
        await _seed_services(connection)
        await connection.executemany(
            SLOT,
            [
                (s.id, s.clinic_id, s.doctor_id, s.period.starts_at, s.period.ends_at, s.mode, NOON)
                for s in scene.SLOTS
            ],
        )


async def _seed_services(connection: asyncpg.Connection) -> None:
    for service in scene.SERVICES:
        facts, need, price = service.facts, service.facts.need, service.facts.price
        minutes = (one // MINUTE for one in (need.duration, need.before, need.after))
        amount = None if price is None else price.amount
        about = (facts.id, service.clinic_id, facts.name, *minutes, amount, need.mode, NOON)
        await connection.execute(SERVICE, *about)
        await connection.executemany(
            OFFER, [(facts.id, doctor, service.clinic_id) for doctor in service.doctors]
        )


def _policy(facts: ClinicFacts, slug: str) -> tuple[object, ...]:
    return (
        facts.name,
        slug,
        facts.time_zone,
        facts.minimum_notice // MINUTE,
        facts.cancel_notice // MINUTE,
        facts.horizon.days,
        facts.hold_length // MINUTE,
        facts.most_open_bookings,
        facts.takes_anonymous_holds,
        NOON,
    )
