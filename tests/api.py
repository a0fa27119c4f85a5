"""The whole application over ASGI, on a real database, with people who are signed in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import httpx
from dependency_injector import providers
from fastapi import FastAPI
from httpx import AsyncClient, Response
from pydantic import SecretStr

from booking_system.bootstrap import http_app
from booking_system.bootstrap.container import Container, build, close
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.secret_key import _new_key
from booking_system.bootstrap.settings import Settings
from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.platform.http.openapi import HERE
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    PatientId,
    SessionId,
    UserId,
)
from tests.budget import MADE
from tests.client import Client
from tests.contract import Contract, Watched
from tests.identity.builders import CHEAP

ZONE = "Europe/Berlin"
NOTHING = Settings(database_url="postgresql:///none", secret_key=SecretStr(_new_key().decode()))
"""Of an application that is only looked at."""
PASSWORDS = Argon2Passwords(CHEAP, threads=2)
COMMITTED = Path(__file__).parents[1] / "docs" / "openapi.json"


def nothing_at(place: Path) -> Settings:
    """The same where it is built: it keeps nothing there, but makes a folder."""
    return NOTHING.model_copy(update={"data_dir": place})


def next_morning(at: datetime) -> datetime:
    """The next eight o'clock, so that no verdict hangs on the hour in which tests are run.

    A service takes slots of one local day: those behind a start in the evening are none.
    """
    morning = at.replace(hour=8, minute=0, second=0, microsecond=0)
    return morning if morning >= at else morning + timedelta(days=1)


START = next_morning(datetime.now(UTC) + timedelta(days=2))
PERSON = """WITH account AS (INSERT INTO users (id, email, email_key, full_name, version,
 created_at, updated_at) VALUES ($1, $2, $2, 'Example Person', $3, $4, $4)),
 known AS (INSERT INTO patients (id, full_name, user_id, created_at, updated_at)
 SELECT id, 'Example Patient', $1, $4, $4 FROM unnest($5::uuid[]) AS given (id)),
 session AS (INSERT INTO sessions (id, user_id, created_at, last_used_at)
 VALUES ($6, $1, $4, $4)),
 token AS (INSERT INTO refresh_tokens (token_hash, session_id, issued_at, expires_at)
 VALUES ($7, $6, $4, $8))
 INSERT INTO role_grants (id, user_id, role, clinic_id, doctor_id, patient_id, created_at)
 SELECT given.id, $1, given.role, given.clinic_id, given.doctor_id, given.patient_id, $4
 FROM unnest($9::uuid[], $10::text[], $11::uuid[], $12::uuid[], $13::uuid[])
 AS given (id, role, clinic_id, doctor_id, patient_id)"""
"""At once what the program does one after the other: there are thousands of them in a run."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    user_id: UUID
    token: str
    patient_id: UUID | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Api:
    """A client of the application, and short ways to what a test needs first."""

    def __init__(self, client: AsyncClient, container: Container, app: FastAPI) -> None:
        self.client = client
        self.container = container
        self.app = app
        self.admin: Person

    async def send(
        self, method: str, path: str, by: Person | None = None, **about: Any
    ) -> Response:
        headers = {**(by.headers if by else {}), **about.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **about)

    async def get(self, path: str, by: Person | None = None, **params: Any) -> Response:
        return await self.send("GET", path, by, params=params)

    async def post(
        self, path: str, body: Any = None, by: Person | None = None, **about: Any
    ) -> Response:
        return await self.send("POST", path, by, json=body, **about)

    async def made(self, path: str, body: Any, by: Person | None = None) -> dict[str, Any]:
        answer = await self.post(path, body, by or self.admin)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def person(
        self, *grants: RoleGrant, patient_id: UUID | None = None, new_patient: bool = False
    ) -> Person:
        """Sign somebody in without a password: hashing is slow on purpose."""
        user_id, session_id = UserId(uuid4()), SessionId(uuid4())
        identity, now = self.container.identity, datetime.now(UTC)
        async with self.container.database().reading() as connection:
            await connection.execute(
                PERSON,
                user_id,
                f"{user_id}@example.com",
                1 + len(grants),
                now,
                [patient_id] if new_patient else [],
                session_id,
                session_id.bytes,
                identity.lifetimes().end_of(now, now),
                [uuid4() for _ in grants],
                [grant.role for grant in grants],
                [grant.clinic_id for grant in grants],
                [grant.doctor_id for grant in grants],
                [grant.patient_id for grant in grants],
            )
        token = identity.access_tokens().sign(user_id, session_id, now)
        return Person(user_id, token, patient_id)

    async def platform_admin(self) -> Person:
        return await self.person(RoleGrant(role=Role.PLATFORM_ADMIN))

    async def clinic_admin(self, clinic_id: str) -> Person:
        clinic = ClinicId(UUID(clinic_id))
        return await self.person(RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=clinic))

    async def receptionist(self, clinic_id: str) -> Person:
        clinic = ClinicId(UUID(clinic_id))
        return await self.person(RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic))

    async def doctor_account(self, doctor: dict[str, Any]) -> Person:
        clinic, one = ClinicId(UUID(doctor["clinic_id"])), DoctorId(UUID(doctor["id"]))
        return await self.person(RoleGrant(role=Role.DOCTOR, clinic_id=clinic, doctor_id=one))

    async def patient(self) -> Person:
        """A patient with an account."""
        patient_id = PatientId(uuid4())
        grant = RoleGrant(role=Role.PATIENT, patient_id=patient_id)
        return await self.person(grant, patient_id=patient_id, new_patient=True)

    async def clinic(self, **about: Any) -> dict[str, Any]:
        usual = {"name": "Example Clinic", "slug": f"clinic-{uuid4().hex[:12]}", "time_zone": ZONE}
        return await self.made("/v1/clinics", usual | about)

    async def doctor(self, clinic: dict[str, Any], **about: Any) -> dict[str, Any]:
        usual = {"full_name": "Example Doctor", "specialty": "Cardiology", "languages": ["de"]}
        return await self.made(f"/v1/clinics/{clinic['id']}/doctors", usual | about)

    async def service(self, clinic: dict[str, Any], **about: Any) -> dict[str, Any]:
        usual = {"name": "Example Service", "duration_minutes": 30}
        return await self.made(f"/v1/clinics/{clinic['id']}/services", usual | about)

    async def slots(
        self, doctor: dict[str, Any], count: int = 1, *, start: datetime = START, minutes: int = 30
    ) -> list[dict[str, Any]]:
        """Slots of the doctor, one after the other."""
        made = await self.made(
            f"/v1/doctors/{doctor['id']}/slots", {"slots": some_slots(count, start, minutes)}
        )
        items: list[dict[str, Any]] = made["items"]
        return items

    async def slot(self, clinic: dict[str, Any] | None = None, **about: Any) -> dict[str, Any]:
        """One open slot of a new doctor, in a new clinic unless one is named."""
        doctor = await self.doctor(clinic or await self.clinic())
        (slot,) = await self.slots(doctor, **about)
        return slot

    async def book(self, slot: dict[str, Any], by: Person, **about: Any) -> Response:
        return await self.post("/v1/bookings", {"time_slot_id": slot["id"], **about}, by)


def some_slots(count: int, start: datetime = START, minutes: int = 30) -> list[dict[str, str]]:
    length = timedelta(minutes=minutes)
    return [
        {
            "starts_at": (start + place * length).isoformat(),
            "ends_at": (start + (place + 1) * length).isoformat(),
        }
        for place in range(count)
    ]


def code_of(answer: httpx.Response) -> tuple[int, str | None]:
    """The status and, of a problem, its code; checks the form of the problem on the way."""
    if answer.status_code < 400:
        return answer.status_code, None
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert {"type", "title", "detail", "instance", "code"} <= problem.keys()
    return answer.status_code, problem["code"]


@cache
def document_of_all() -> dict[str, Any]:
    """The document of every whole application, but for its address: to make it takes seconds.

    One test makes it, and compares (`tests/platform/test_reference.py`).
    """
    document: dict[str, Any] = json.loads(COMMITTED.read_text())
    return document


def known_document(*_: object, public_url: str | None, **about: object) -> dict[str, Any]:
    """In the place of the function that makes it: the committed one, with the given address."""
    return {**document_of_all(), "servers": [{"url": public_url} if public_url else HERE]}


@cache
def contract_of_all() -> Contract:
    """What every whole application promises, whatever its settings."""
    return Contract(document_of_all())


def application_at(
    database_url: str, data_dir: Path, *, rate_limit: bool = False, **about: Any
) -> tuple[Container, FastAPI]:
    # Nobody listens there: what asks a provider without an emulator goes to no real one.
    usual = {
        "public_url": "http://test",
        "stripe_api_base": "http://127.0.0.1:1",
        "paypal_api_base": "http://127.0.0.1:1",
    }
    settings = Settings(
        data_dir=data_dir, database_url=database_url, rate_limit=rate_limit, **usual | about
    )
    MADE["applications"] += 1
    container = build(settings)
    # Hashing is slow on purpose: what it costs is for tests of identity and of whole processes.
    container.identity.passwords.override(providers.Object(PASSWORDS))
    app = create_app(container)
    with patch.object(http_app, "document_of", known_document):
        app.openapi()  # Kept by the application, which would make it when it is asked for it.
    return container, app


@asynccontextmanager
async def client_of(container: Container, app: FastAPI) -> AsyncIterator[Api]:
    async with Client(Watched(app, contract_of_all())) as client:
        api = Api(client, container, app)
        api.admin = await api.platform_admin()
        yield api


@asynccontextmanager
async def running_api(database_url: str, data_dir: Path, **about: Any) -> AsyncIterator[Api]:
    """An application of its own; `about` are settings."""
    container, app = application_at(database_url, data_dir, **about)
    async with client_of(container, app) as api:
        yield api
    await close(container)
