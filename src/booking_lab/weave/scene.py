"""The small clinic in which everything is played: fixed ids, and rows that come back at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.identity.domain.actor import Actor, Role, RoleGrant
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    PatientId,
    RuleId,
    ServiceId,
    SessionId,
    SlotId,
    UserId,
)

MINUTE = timedelta(minutes=1)
BEGIN = datetime(2030, 6, 3, 12, tzinfo=UTC)
"""When every run begins."""
MORNING = datetime(2030, 6, 4, 8, tzinfo=UTC)
"""When the first slots of both doctors begin; by the clinic's clock it is 10:00, a Tuesday."""
SLOT_MINUTES, HOLD_MINUTES, PAYMENT_MINUTES = 30, 10, 2
"""With the time of grace a payment has five minutes."""
REMINDERS = (60, 1140)
"""So many minutes before an appointment its patient is reminded."""
LATE_CANCEL = MORNING - BEGIN - 4 * MINUTE
"""So four minutes behind the beginning it costs something to cancel in the first slot."""
LATE_PERCENT, NO_SHOW_PERCENT = 50, 75
CANCEL_NOTICE = MORNING - BEGIN - HOLD_MINUTES * MINUTE
"""So the notice of the first slot begins when a hold of the first moment ends."""


def _id(kind: int, number: int) -> UUID:
    return UUID(int=kind << 64 | number)


CLINIC = ClinicId(_id(1, 1))
ONE, OTHER = DoctorId(_id(2, 1)), DoctorId(_id(2, 2))
"""The first has three slots in a row, the other one two at the same time."""
SLOTS = tuple(SlotId(_id(3, number)) for number in range(3))
OTHERS_SLOTS = tuple(SlotId(_id(3, 10 + number)) for number in range(2))
RULES = (RuleId(_id(4, 1)), RuleId(_id(4, 2)))
SHORT, LONG, PAID = ServiceId(_id(5, 1)), ServiceId(_id(5, 2)), ServiceId(_id(5, 3))
DEPOSIT, OPTIONAL = ServiceId(_id(5, 4)), ServiceId(_id(5, 5))
SERVICES = (
    (SHORT, SLOT_MINUTES, "none", None, None),
    (LONG, 2 * SLOT_MINUTES, "none", None, None),
    (PAID, SLOT_MINUTES, "required", 4000, None),
    (DEPOSIT, SLOT_MINUTES, "required", 4000, 1000),
    (OPTIONAL, SLOT_MINUTES, "optional", 4000, None),
)
PATIENTS = tuple(PatientId(_id(6, number)) for number in range(3))
USERS = tuple(UserId(_id(7, number)) for number in range(3))
CLERK = UserId(_id(7, 9))


def _actor(user_id: UserId, grant: RoleGrant) -> Actor:
    return Actor.of(user_id, SessionId(_id(8, user_id.int)), [grant])


OWNERS = tuple(
    _actor(user, RoleGrant(role=Role.PATIENT, patient_id=patient))
    for user, patient in zip(USERS, PATIENTS, strict=True)
)
DESK = _actor(CLERK, RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=CLINIC))

CLINIC_ROW = """INSERT INTO clinics (id, name, slug, time_zone, locale, currency, embed_origins,
 min_notice_minutes, cancel_notice_minutes, horizon_days, hold_minutes,
 max_open_bookings_per_patient, anonymous_holds, reminder_offsets_minutes, payment_minutes,
 email, created_at, updated_at, late_cancel_minutes, late_cancel_percent, no_show_percent)
 VALUES ($1, 'Example Clinic', 'example', 'Europe/Berlin', 'en', 'EUR', '{}',
 0, $2, 2, $3, 10, true, $6, $4, 'clinic@example.org', $5, $5, $7, $8, $9)"""
DOCTOR = """INSERT INTO doctors (id, clinic_id, full_name, languages, created_at, updated_at)
 VALUES ($1, $2, 'Example Doctor', '{}', $3, $3)"""
RULE = """INSERT INTO availability_rules (id, clinic_id, doctor_id, weekdays, start_minute,
 end_minute, slot_minutes, gap_minutes, valid_from, mode, created_at, updated_at)
 VALUES ($1, $2, $3, '{2}', 600, $4, 30, 0, '2030-06-01', 'in_person', $5, $5)"""
SLOT = """INSERT INTO time_slots (id, clinic_id, doctor_id, starts_at, ends_at, mode, created_at,
 wall_starts_at, rule_id)
 VALUES ($1, $2, $3, $4, $5, 'in_person', $6, $4 AT TIME ZONE 'Europe/Berlin', $7)"""
USER = """INSERT INTO users (id, email, email_key, full_name, created_at, updated_at)
 VALUES ($1, $2, $2, 'Example Person', $3, $3)"""
GRANT = """INSERT INTO role_grants (id, user_id, role, clinic_id, created_at)
 VALUES ($1, $1, 'clinic_admin', $2, $3)"""
PHONE = "+4915112345678"
PATIENT = """INSERT INTO patients (id, user_id, full_name, email, phone, created_at, updated_at)
 VALUES ($1, $2, 'Example Patient', 'patient@example.org', $4, $3, $3)"""
PLACE = "INSERT INTO feed_consumers (name, seq) VALUES ('messages', 0), ('payments', 0)"
KNOWN = """INSERT INTO clinic_patients (clinic_id, patient_id, known_since, known_because)
 VALUES ($1, $2, $3, 'taken_on')"""
SERVICE = """INSERT INTO services (id, clinic_id, name, duration_minutes, buffer_before_minutes,
 buffer_after_minutes, mode, payment, price_amount, deposit_amount, created_at, updated_at)
 VALUES ($1, $2, 'Example', $3, 0, 0, 'in_person', $4, $5, $6, $7, $7)"""
OFFER = "INSERT INTO service_doctors (service_id, doctor_id, clinic_id) VALUES ($1, $2, $3)"

TABLES = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'alembic_version' ORDER BY 1"""
UNWATCHED = "ALTER TABLE public.{} SET (autovacuum_enabled = off)"
AGAIN = """CREATE FUNCTION weave_kept.again() RETURNS void LANGUAGE plpgsql
 AS $$ BEGIN {}; END $$"""
"""A function keeps its plans: a run begins in a third of the time."""


class Scene:
    """The rows of the beginning, which `again` brings back."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is the owner's, and used for nothing that is part of a run."""
        self._connection = connection

    async def build(self) -> None:
        """Write the rows into a migrated database, which loses all others, and keep a copy."""
        connection = self._connection
        # Rows of the copy come back in any order.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("DROP SCHEMA IF EXISTS weave_kept CASCADE")
        for row in await connection.fetch(TABLES):
            await connection.execute(f"DELETE FROM public.{row['relname']}")  # noqa: S608
            # Rows come and go by the thousand: statistics would be gathered without end, and each
            # time all plans made anew.
            await connection.execute(UNWATCHED.format(row["relname"]))
        await self._people()
        await self._calendars()
        await connection.execute("CREATE SCHEMA weave_kept")
        parts, filled = list[str](), list[str]()
        for row in await connection.fetch(TABLES):
            name = row["relname"]
            parts.append(f"DELETE FROM public.{name}")  # noqa: S608  (names of our own tables)
            if await connection.fetchval(f"SELECT count(*) FROM public.{name}"):  # noqa: S608
                await connection.execute(f"CREATE TABLE weave_kept.{name} AS TABLE public.{name}")
                filled.append(f"INSERT INTO public.{name} TABLE weave_kept.{name}")
        body = "; ".join((*parts, *filled))
        await connection.execute(AGAIN.format(body))

    async def again(self, *, is_large: bool = False) -> None:
        """Bring the first rows back; all others go, and where it `is_large`, what they left."""
        await self._connection.fetchval("SELECT weave_kept.again()")
        if is_large:
            await self._connection.execute("VACUUM")

    async def _people(self) -> None:
        notice = CANCEL_NOTICE // MINUTE
        about = (CLINIC, notice, HOLD_MINUTES, PAYMENT_MINUTES, BEGIN, REMINDERS)
        kept = (LATE_CANCEL // MINUTE, LATE_PERCENT, NO_SHOW_PERCENT)
        await self._connection.execute(CLINIC_ROW, *about, *kept)
        await self._connection.execute(PLACE)
        users = [(user, f"{user}@example.org", BEGIN) for user in (*USERS, CLERK)]
        await self._connection.executemany(USER, users)
        await self._connection.execute(GRANT, CLERK, CLINIC, BEGIN)
        people = zip(PATIENTS, USERS, strict=True)
        await self._connection.executemany(PATIENT, [(*one, BEGIN, PHONE) for one in people])
        await self._connection.executemany(KNOWN, [(CLINIC, one, BEGIN) for one in PATIENTS])
        for service, *terms in SERVICES:
            await self._connection.execute(SERVICE, service, CLINIC, *terms, BEGIN)

    async def _calendars(self) -> None:
        places = ((ONE, RULES[0], SLOTS), (OTHER, RULES[1], OTHERS_SLOTS))
        for doctor, rule, slots in places:
            await self._connection.execute(DOCTOR, doctor, CLINIC, BEGIN)
            ends = 600 + SLOT_MINUTES * len(slots)
            await self._connection.execute(RULE, rule, CLINIC, doctor, ends, BEGIN)
            for service, *_ in SERVICES:
                await self._connection.execute(OFFER, service, doctor, CLINIC)
            rows = [_slot(slot, doctor, rule, place) for place, slot in enumerate(slots)]
            await self._connection.executemany(SLOT, rows)


def _slot(slot: SlotId, doctor: DoctorId, rule: RuleId, place: int) -> Sequence[Any]:
    starts_at = MORNING + place * SLOT_MINUTES * MINUTE
    ends_at = starts_at + SLOT_MINUTES * MINUTE
    return slot, CLINIC, doctor, starts_at, ends_at, BEGIN, rule
