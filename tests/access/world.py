"""Two clinics with everybody whom the contract knows, and objects to try things on."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId
from tests.api import START, Api, Person, running_api

Made = dict[str, Any]
PASSWORD = "three quiet otters"
ANONYMOUS = "anonymous"
FAR = date(2040, 1, 1)
SNAPSHOT = "SELECT pg_current_snapshot()::text"
"""Which transactions can be seen: no row changes without a transaction more."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a request is about: values for its placeholders, and who stands in for whom."""

    values: dict[str, str]
    people: dict[str, Person] = field(default_factory=dict)


Scene = Callable[["World", str], Awaitable[Aim]]


def far_days() -> Iterator[str]:
    """Days that no clinic takes bookings for yet."""
    return ((FAR + timedelta(days=n)).isoformat() for n in count())


@dataclass
class World:
    """Clinic `here` is what everything is tried on; `elsewhere` is another one."""

    api: Api
    watching: asyncpg.Connection
    """Of its own: a new one would plan the sums over all tables again."""
    here: Made = field(default_factory=dict)
    elsewhere: Made = field(default_factory=dict)
    doctor: Made = field(default_factory=dict)
    colleague: Made = field(default_factory=dict)
    doctor_elsewhere: Made = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person | None] = field(default_factory=dict)
    days: Iterator[str] = field(default_factory=far_days)
    _hours: int = 0
    _sums: str = ""
    _seen: tuple[str, list[tuple[str, str]]] = "", []
    _standing: dict[Scene, Aim] = field(default_factory=dict)

    def person(self, name: str) -> Person:
        person = self.people[name]
        assert person is not None
        return person

    async def aim(self, scene: Scene, name: str, *, fresh: bool) -> Aim:
        """The same one again unless a fresh one is wanted: making it takes requests."""
        if fresh:
            return await scene(self, name)
        if scene not in self._standing:
            self._standing[scene] = await scene(self, name)
        return self._standing[scene]

    def hour(self) -> datetime:
        """An hour in which nobody has anything yet."""
        self._hours += 1
        return START + timedelta(hours=self._hours)

    async def slot(self, doctor: Made | None = None) -> Made:
        (slot,) = await self.api.slots(doctor or self.doctor, start=self.hour())
        return slot

    async def booking(self, patient: Person | None = None, doctor: Made | None = None) -> Made:
        slot = await self.slot(doctor)
        answer = await self.api.book(
            slot,
            patient or self.person("patient"),
            service_id=self.services[slot["clinic_id"]],
            reason="First visit",
        )
        assert answer.status_code == 201, answer.text
        made: Made = answer.json()
        return made

    async def sql(self, statement: str, *values: object) -> list[Any]:
        async with self.api.container.database().reading() as connection:
            return list(await connection.fetch(statement, *values))

    async def session(self, person: Person, user_agent: str | None = None) -> Person:
        """The same person on another device."""
        accounts_of = self.api.container.identity.accounts_of()
        async with self.api.container.database().transaction() as connection:
            tokens = await accounts_of(connection).start_session(
                person.user_id, user_agent, datetime.now(UTC)
            )
        return Person(person.user_id, tokens.access_token, person.patient_id)

    async def session_id(self, person: Person) -> UUID:
        claims = self.api.container.identity.access_tokens().verify(person.token)
        identity: UUID = claims.session_id
        return identity

    async def all_rows(self) -> list[tuple[str, str]]:
        """One sum over each table. To a snapshot that was seen before the rows are the same."""
        if not self._sums:
            names = await self.watching.fetch(
                "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY 1"
            )
            self._sums = " UNION ALL ".join(
                f"SELECT '{row['relname']}', count(*) || ' ' || sum(hash_record_extended(t, 1))"
                f" FROM {row['relname']} t"
                for row in names
            )
        snapshot = await self.watching.fetchval(SNAPSHOT)
        if self._seen[0] != snapshot:
            # The snapshot is older than the sums: what was written between is summed up again.
            rows = await self.watching.fetch(self._sums)
            self._seen = snapshot, [(row[0], row[1]) for row in rows]
        return self._seen[1]


@asynccontextmanager
async def _connected(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def a_world(database_url: str, place: Path) -> AsyncIterator[World]:
    async with (
        _connected(database_url) as watching,
        running_api(database_url, place) as api,
        # Then callers are remembered, as they are in a process that serves.
        api.container.identity.follow_changes().running(),
    ):
        world = World(api, watching)
        await _build(world)
        await _hire(world)
        await _revoke(world)
        hashed = await api.container.identity.passwords().hash(PASSWORD)
        await world.sql("UPDATE users SET password_hash = $1", hashed)
        yield world


async def _build(world: World) -> None:
    api, policy = world.api, {"max_open_bookings_per_patient": 1000, "horizon_days": 730}
    world.here, world.elsewhere = await api.clinic(policy=policy), await api.clinic(policy=policy)
    world.doctor, world.colleague = await api.doctor(world.here), await api.doctor(world.here)
    world.doctor_elsewhere = await api.doctor(world.elsewhere)
    # Named in every booking: else the first service that a test adds would make it refused.
    for clinic, doctors in (
        (world.here, [world.doctor, world.colleague]),
        (world.elsewhere, [world.doctor_elsewhere]),
    ):
        offered = await api.service(clinic, doctor_ids=[one["id"] for one in doctors])
        world.services[clinic["id"]] = offered["id"]


async def _hire(world: World) -> None:
    api, here, elsewhere = world.api, world.here["id"], world.elsewhere["id"]
    world.people = {
        ANONYMOUS: None,
        "nobody": await api.person(),
        "patient": await api.patient(),
        "other_patient": await api.patient(),
        "doctor": await api.doctor_account(world.doctor),
        "colleague": await api.doctor_account(world.colleague),
        "receptionist": await api.receptionist(here),
        "clinic_admin": await api.clinic_admin(here),
        "doctor_elsewhere": await api.doctor_account(world.doctor_elsewhere),
        "receptionist_elsewhere": await api.receptionist(elsewhere),
        "clinic_admin_elsewhere": await api.clinic_admin(elsewhere),
        "platform_admin": api.admin,
        "invited": await _invited(world),
        "with_a_given_password": await api.clinic_admin(here),
    }
    await world.sql(
        "UPDATE users SET password_is_temporary = true WHERE id = $1",
        world.person("with_a_given_password").user_id,
    )
    # Both patients are known here, and only here.
    await world.booking()
    await world.booking(world.person("other_patient"))


async def _invited(world: World) -> Person:
    """Somebody with the very address that the clinic has invited, and who has not accepted."""
    one = await world.api.person()
    staff = {"email": f"{one.user_id}@example.com", "full_name": "Example Person"}
    path = f"/v1/clinics/{world.here['id']}/staff"
    await world.api.made(path, staff | {"role": "clinic_admin"})
    return one


async def _revoke(world: World) -> None:
    """Somebody had every role here, used them, and lost them a moment ago."""
    clinic, doctor = ClinicId(UUID(world.here["id"])), DoctorId(UUID(world.doctor["id"]))
    one = await world.api.person(
        RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=clinic),
        RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic),
        RoleGrant(role=Role.DOCTOR, clinic_id=clinic, doctor_id=doctor),
    )
    path = f"/v1/clinics/{clinic}/staff"
    for _ in range(2):
        assert (await world.api.get(path, one)).status_code == 200
    assert (await world.api.get("/v1/patients", one)).json()["items"]
    gone = await world.api.send("DELETE", f"{path}/{one.user_id}", world.api.admin)
    assert gone.status_code == 204
    world.people["revoked"] = one


def an_id() -> str:
    """One that nothing has."""
    return str(uuid4())
