"""The API works with a role that owns nothing: the script of compose.yaml, really run."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from booking_system.bootstrap import migrations, pooler_check, production_database
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.production_database import ADMINISTRATOR, OWNER, SUPERUSER
from booking_system.bootstrap.secret_key import _new_key
from booking_system.bootstrap.serve import ApiProcesses
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.transaction import DEADLINES, PLANNING
from tests.api import code_of, running_api
from tests.bootstrap.processes import environment, eventually, free_port, running
from tests.bootstrap.roles import Deployed, deployed_by, said
from tests.postgres import TestServer
from tests.servers import answers

ADMIN = {"admin_email": "Admin@Example.com", "admin_password": SecretStr("three quiet otters")}


def sound(database_url: str, **more: object) -> dict[str, object]:
    """Settings that production starts with, if the role is right."""
    return {
        "env": "production",
        "secret_key": _new_key().decode(),
        "database_url": database_url,
        "public_url": "https://booking.example.com",
        "port": free_port(),
        **more,
    }


AS_BOTH_IN_PROVE = pytest.mark.parametrize(
    "deployed",
    ["postgres", pytest.param("no_superuser", marks=pytest.mark.proof)],
    indirect=True,
)
"""For what asks the settings and the program more than what the script has granted."""


@pytest.fixture(scope="module", params=["postgres", "no_superuser"])
async def deployed(postgres: TestServer, request: pytest.FixtureRequest) -> AsyncIterator[Deployed]:
    """With the script run as in the image of compose.yaml, and by the admin of a managed server."""
    async with deployed_by(request.param, postgres) as deployed:
        await migrations.upgrade(deployed.owner)
        yield deployed


async def test_the_api_books_with_a_role_that_owns_nothing(
    deployed: Deployed, tmp_path: Path
) -> None:
    async with running_api(deployed.api, tmp_path) as api:
        clinic = await api.clinic()
        doctor = await api.doctor(clinic)
        service = await api.service(clinic, doctor_ids=[doctor["id"]])
        await api.made(
            f"/v1/doctors/{doctor['id']}/availability",
            {
                "weekdays": [1, 2, 3, 4, 5, 6, 7],
                "start_time": "09:00",
                "end_time": "12:00",
                "slot_minutes": 30,
                "valid_from": "2027-01-01",
            },
        )
        slots = (await api.get("/v1/slots", clinic_id=clinic["id"], limit=3)).json()["items"] or (
            await api.slots(doctor, 3)
        )
        patient = await api.patient()
        body = {"time_slot_id": slots[0]["id"], "service_id": service["id"]}
        held = await api.post("/v1/holds", {"time_slot_id": slots[1]["id"]})
        booked = [
            await api.post("/v1/bookings", body, patient, headers={"Idempotency-Key": "1"})
            for _ in range(2)
        ]
        cancelled = await api.post(f"/v1/bookings/{booked[0].json()['id']}/cancel", {}, patient)
        signed_out = await api.post("/v1/auth/sign-out", None, patient)
        removed = await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin)
        await api.container.tidying().once()
        ready = await api.get("/health/ready")
    told = [held, *booked, cancelled, signed_out, removed, ready]
    assert [code_of(one)[0] for one in told] == [201, 201, 201, 200, 204, 204, 200]


async def test_the_role_of_the_api_changes_no_table_and_reads_no_password(
    deployed: Deployed,
) -> None:
    for statement in (
        "CREATE TABLE public.more (id int)",
        "CREATE TEMPORARY TABLE more (id int)",
        "CREATE SCHEMA more",
        "DROP TABLE appointments",
        "ALTER TABLE appointments DISABLE TRIGGER ALL",
        "ALTER TABLE users ADD COLUMN more int",
        "TRUNCATE appointments CASCADE",
        "SELECT rolpassword FROM pg_authid",
        "CREATE ROLE more",
        "SET ROLE booking_owner",
        "COPY users TO PROGRAM 'cat'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await said(deployed.api, statement)


async def test_both_roles_have_the_passwords_that_they_were_given(deployed: Deployed) -> None:
    stored = await said(
        deployed.superuser,
        "SELECT array_agg(rolname || ' ' || left(rolpassword, 14) ORDER BY rolname) FROM pg_authid"
        " WHERE rolname IN ('booking_api', 'booking_owner')",
    )
    assert stored == ["booking_api SCRAM-SHA-256$", "booking_owner SCRAM-SHA-256$"]


async def test_who_comes_as_owner_or_superuser_is_refused(deployed: Deployed) -> None:
    async def refused(url: str) -> list[str]:
        return await production_database.refused(Settings(database_url=url))

    assert await refused(deployed.api) == []
    assert await refused(deployed.owner) == [OWNER.sentence]
    assert await refused(deployed.superuser) == [SUPERUSER.sentence]
    for power in ("CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS"):
        await said(deployed.superuser, f"ALTER ROLE booking_api {power}")
        assert await refused(deployed.api) == [SUPERUSER.sentence]
        await said(deployed.superuser, f"ALTER ROLE booking_api NO{power}")
    # A role that may become the owner is the owner.
    await said(deployed.superuser, "GRANT booking_owner TO booking_api WITH INHERIT FALSE")
    assert await refused(deployed.api) == [OWNER.sentence]
    await said(deployed.superuser, "REVOKE booking_owner FROM booking_api")
    assert await refused(deployed.api) == []


@AS_BOTH_IN_PROVE
async def test_what_the_sessions_of_a_pooler_lack_is_told_with_what_mends_it(
    deployed: Deployed,
) -> None:
    """To the API a pooler is a server that takes no settings of a session from its clients."""
    settings = Settings(
        database_url=f"{deployed.api}&sslmode=disable", database_direct_url=deployed.api
    )
    assert settings.is_pooled
    assert await production_database.refused(settings) == []
    assert await pooler_check.advised(settings) == []
    for name, value in {**DEADLINES, **PLANNING}.items():
        tell = production_database.refused if name in DEADLINES else pooler_check.advised
        mend = f"ALTER ROLE booking_api SET {name} = '{value}'"
        await said(deployed.superuser, f"ALTER ROLE booking_api RESET {name}")
        (sentence,) = await tell(settings)
        assert f"`{mend}`" in sentence
        await said(deployed.superuser, mend)
        assert await tell(settings) == []
    await said(deployed.superuser, "ALTER ROLE booking_api SET lock_timeout = '900'")
    assert await production_database.refused(settings) == []
    await said(deployed.superuser, "ALTER ROLE booking_api SET lock_timeout = '1000'")


@AS_BOTH_IN_PROVE
async def test_a_way_past_the_pooler_that_leads_elsewhere_is_told(
    deployed: Deployed, postgres: TestServer
) -> None:
    elsewhere = Settings(database_url=deployed.api, database_direct_url=postgres.url("postgres"))
    assert await production_database.refused(elsewhere) == [pooler_check.ELSEWHERE]


@AS_BOTH_IN_PROVE
async def test_a_password_is_not_left_behind(deployed: Deployed, tmp_path: Path) -> None:
    settings = Settings(database_url=deployed.api, **ADMIN)
    assert await production_database.advised(settings) == []
    async with running_api(deployed.api, tmp_path) as api:
        # Somebody else has that address in another role.
        await api.container.identity.ensure_admin()(
            email="admin@example.com", password="three quiet otters"
        )
    assert await production_database.advised(settings) == [ADMINISTRATOR.sentence]
    # Who restarts an instance is not kept from it.
    assert await production_database.refused(settings) == []
    others = settings.model_copy(update={"admin_email": "other@example.com"})
    assert await production_database.advised(others) == []


@pytest.fixture
def told(
    clean_environment: None, logging_put_back: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Runs a command in this process: its exit code, and what it says."""

    def run(command: str, settings: Mapping[str, object]) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(f"BOOKING_{name.upper()}", str(value))
            done = CliRunner().invoke(app, [command])
        return done.exit_code, done.output

    return run


@AS_BOTH_IN_PROVE
@pytest.mark.parametrize("command", ["serve", "up", "check"])
def test_production_does_not_start_as_the_owner(
    command: str,
    deployed: Deployed,
    told: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ApiProcesses, "run", start)
    code, output = told(command, sound(deployed.owner))
    assert code == 2
    assert OWNER.sentence in output


@AS_BOTH_IN_PROVE
def test_production_migrates_as_the_owner_and_is_well_as_the_other(
    deployed: Deployed, told: Callable[..., tuple[int, str]]
) -> None:
    settings = sound(deployed.api)
    both = settings | {"migration_url": deployed.owner}
    assert told("migrate", both) == (0, "The tables are up to date.\n")
    code, output = told("check", settings)
    assert code == 0
    assert output.endswith("\nAll is well.\n")


@pytest.mark.parametrize("deployed", ["no_superuser"], indirect=True)
def test_production_serves_as_the_other(deployed: Deployed, place: Path) -> None:
    settings = sound(deployed.api)
    port = int(str(settings["port"]))
    # As an operator starts it: no other test of `make test` loads the program anew.
    program = ("-m", "booking_system.bootstrap.cli", "serve")
    with running(*program, env=environment(**settings), cwd=place) as process:
        assert eventually(lambda: process.poll() is not None or answers(port))
        assert process.poll() is None, process.stdout and process.stdout.read()
        process.terminate()
        assert process.wait(120) == 0
