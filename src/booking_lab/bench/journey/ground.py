"""The two databases and what there is to ask of them."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx

from booking_lab.bench import seed
from booking_lab.bench.journey.plan import JourneyPlan
from booking_lab.bench.plan import BenchProblem
from booking_lab.bench.run import seeded
from booking_system.bootstrap import migrations

Row = Mapping[str, Any]
ZONE = "Europe/Berlin"
SLOT_MINUTES = 15
DAYS_SEEN = 33
"""Nothing is booked in them, so that each round finds as many slots as the one before."""
OF_EACH = 3
"""Slots for each patient: so many may be held at a time."""
PATIENCE = 60.0

ADMIN = """INSERT INTO role_grants (id, user_id, role, created_at)
 SELECT uuidv7(), user_id, 'platform_admin', made_at FROM bench.size, bench.people WHERE n = 0"""
PEOPLE = "SELECT user_id, session_id FROM bench.people ORDER BY n"
FREE = """SELECT t.id AS slot_id FROM bench.size, time_slots t
 WHERE t.starts_at > first_day + $1 * interval '1 day' ORDER BY t.starts_at LIMIT $2"""
DOCTORS = "SELECT id AS doctor_id, clinic_id FROM doctors ORDER BY id"
HELD = "SELECT id, hold_id FROM time_slots WHERE id = ANY($1::uuid[]) AND hold_id IS NOT NULL"


@dataclass(slots=True, kw_only=True)
class Ground:
    """The doctors whom a page may show, and bookings that nobody has made yet."""

    url: str
    doctors: list[Row]
    orders: list[Row]

    def take(self, count: int) -> list[Row]:
        """Return the next bookings to make. Raises `BenchProblem` where too few are left."""
        if count > len(self.orders):
            raise BenchProblem("The journey has no slots left to book.")
        taken = self.orders[:count]
        del self.orders[:count]
        return taken

    async def holds(self, orders: list[Row]) -> dict[Any, Any]:
        """Return by slot the holds that were placed for these bookings."""
        rows = await fetched(self.url, HELD, [order["slot_id"] for order in orders])
        return {row["id"]: row["hold_id"] for row in rows}


async def people(url: str, plan: JourneyPlan) -> list[Row]:
    """Make tables, and accounts that are signed in; the first is the platform's administrator."""
    await migrations.upgrade(url)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE SCHEMA bench")
        await connection.execute(seed.SIZE, 1, plan.days, datetime.now(UTC))
        await connection.execute(seed.PEOPLE, 1 + OF_EACH + plan.orders // OF_EACH)
        for statement in (seed.USERS, seed.SESSIONS, seed.PATIENTS, seed.GRANTS, ADMIN):
            await connection.execute(statement)
        found: list[Row] = await connection.fetch(PEOPLE)
        return found
    finally:
        await connection.close()


def newcomer(port: int, plan: JourneyPlan, token: str) -> str:
    """Make a clinic, a doctor and weekly hours over HTTP; return the id of their one service.

    Returns once all slots are there. Raises `BenchProblem`.
    """
    now = datetime.now(ZoneInfo(ZONE))
    head = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=head, timeout=PATIENCE) as api:
        clinic = _made(
            api,
            "/v1/clinics",
            name="Example Clinic",
            slug="example",
            time_zone=ZONE,
            policy={"horizon_days": plan.days},
        )
        doctor = _made(
            api,
            f"/v1/clinics/{clinic['id']}/doctors",
            full_name="Example Doctor",
            specialty="Cardiology",
            languages=["de", "en"],
        )
        service = _made(
            api,
            f"/v1/clinics/{clinic['id']}/services",
            name="Example Service",
            duration_minutes=SLOT_MINUTES,
            doctor_ids=[doctor["id"]],
        )
        hours = _made(
            api,
            f"/v1/doctors/{doctor['id']}/availability",
            weekdays=[1, 2, 3, 4, 5, 6, 7],
            start_time="09:00",
            end_time="17:00",
            slot_minutes=SLOT_MINUTES,
            valid_from=f"{now:%Y-%m-%d}",
            valid_until=f"{now + timedelta(days=plan.days):%Y-%m-%d}",
        )
        deadline = time.monotonic() + PATIENCE
        while api.get(f"/v1/availability/{hours['id']}").json()["filled_until"] is not None:
            if time.monotonic() > deadline:
                raise BenchProblem("The slots of the small database did not come.")
            time.sleep(0.1)
        return str(service["id"])


async def small(url: str, plan: JourneyPlan, callers: list[Row], service_id: str) -> Ground:
    """Return what there is in the small database: a patient's slots lie far from each other."""
    slots = await fetched(url, FREE, DAYS_SEEN, plan.orders)
    apart = -(-plan.orders // OF_EACH)
    return Ground(
        url=url,
        doctors=await fetched(url, DOCTORS),
        orders=[
            {**slot, **callers[1 + place % apart], "service_id": service_id}
            for place, slot in enumerate(slots)
        ],
    )


async def large(url: str, plan: JourneyPlan) -> tuple[Ground, str]:
    """Fill a database as the usual bench does; return also the server's version."""
    version = await seeded(url, plan.large)
    rows = await fetched(url, seed.TO_BOOK, OF_EACH * plan.orders)
    orders = list(_few_of_each(rows))[: plan.orders]
    return Ground(url=url, doctors=await fetched(url, DOCTORS), orders=orders), version


def _few_of_each(rows: list[Row]) -> Iterator[Row]:
    """Nobody may hold more at a time; what was booked is not held any more."""
    seen: Counter[Any] = Counter()
    for row in rows:
        seen[row["user_id"]] += 1
        if seen[row["user_id"]] <= OF_EACH:
            yield row


async def fetched(url: str, query: str, *values: object) -> list[Row]:
    """Ask the database, on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        found: list[Row] = await connection.fetch(query, *values)
        return found
    finally:
        await connection.close()


def _made(api: httpx.Client, path: str, **about: Any) -> dict[str, Any]:
    answer = api.post(path, json=about)
    if answer.status_code != httpx.codes.CREATED:
        raise BenchProblem(f"The API answered {answer.status_code} to POST {path}.")
    made: dict[str, Any] = answer.json()
    return made
