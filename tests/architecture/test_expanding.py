"""Two versions serve side by side: which migrations allow it, and what each version works on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from booking_system.bootstrap import migrations
from booking_system.bootstrap.schema_fit import Schema, remark_of
from booking_system.bootstrap.tables import metadata
from booking_system.platform.postgres.transaction import Database
from tests.api import Api, running_api
from tests.architecture.expanding import SMALL, Catalogue, Step, watching
from tests.architecture.newer import LATER, Later, one_version_later
from tests.postgres import TestServer
from tests.waits import until_waiting


@pytest.fixture(scope="module")
async def url(postgres: TestServer) -> AsyncIterator[str]:
    """Of a database whose schema each test leaves as it was."""
    async with postgres.database() as url:
        yield url


@pytest.fixture(scope="module")
async def serving_api(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The application of the version that there is."""
    async with running_api(url, tmp_path_factory.mktemp("expanding")) as api:
        yield api


@pytest.fixture(scope="module")
def connections(serving_api: Api) -> Database:
    database: Database = serving_api.container.database()
    return database


@dataclass(frozen=True, slots=True)
class Planted:
    later: Later
    faults: str
    """Which there are, in alphabetical order."""


def planted(*up: str, down: str | tuple[str, ...], faults: str = "", said: str = "") -> Planted:
    back = (down,) if isinstance(down, str) else down
    return Planted(Later(up=up, down=back, said=said), faults)


DROP = "ALTER TABLE appointments DROP COLUMN x"
REWORD = """DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('ck_time_slots'::regproc),
 '{}', '{}'); END $do$"""
PLANTED = {
    "a column": planted("ALTER TABLE appointments ADD COLUMN x integer", down=DROP),
    "a column with a constant": planted(
        "ALTER TABLE appointments ADD COLUMN x integer NOT NULL DEFAULT 7", down=DROP
    ),
    "a column with a default of each row": planted(
        "ALTER TABLE appointments ADD COLUMN x uuid DEFAULT gen_random_uuid()",
        down=DROP,
        faults="rewrite",
    ),
    "a column that must be given": planted(
        "ALTER TABLE clinics ADD COLUMN x integer NOT NULL",
        down="ALTER TABLE clinics DROP COLUMN x",
        faults="insert",
    ),
    "another type": planted(
        "ALTER TABLE appointments ALTER COLUMN duration_minutes TYPE bigint",
        down="ALTER TABLE appointments ALTER COLUMN duration_minutes TYPE integer",
        faults="meaning rewrite",
    ),
    "a table with all that it wants": planted(
        "CREATE TABLE x (id uuid PRIMARY KEY, at timestamptz NOT NULL UNIQUE,"
        " appointment_id uuid REFERENCES appointments, CHECK (at > '2020-01-01Z'))",
        "CREATE INDEX ix_x ON x (appointment_id)",
        down="DROP TABLE x",
    ),
    "an index in everybody's way": planted(
        "CREATE INDEX ix_x ON appointments (created_at)", down="DROP INDEX ix_x", faults="index"
    ),
    "an index beside the requests": planted(
        "make_index_online('ix_x', 'appointments', ['created_at'])",
        down="drop_index_online('ix_x')",
    ),
    "an index that is there, invalid, when it is tried again": planted(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_x ON appointments (created_at)",
        down="DROP INDEX CONCURRENTLY ix_x",
        faults="again",
    ),
    "an index of a small table": planted(
        "CREATE INDEX ix_x ON clinics (created_at)", down="DROP INDEX ix_x"
    ),
    "two that cannot be tried again": planted(
        "ALTER TABLE appointments ADD COLUMN x integer",
        "make_index_online('ix_x', 'appointments', ['created_at'])",
        down=("drop_index_online('ix_x')", DROP),
        faults="mixed",
    ),
    "unique from now on": planted(
        "make_index_online('ix_x', 'appointments', ['id', 'version'], unique=True)",
        down="drop_index_online('ix_x')",
        faults="meaning",
    ),
    "a unique constraint": planted(
        "ALTER TABLE appointments ADD CONSTRAINT uq_x UNIQUE (id, version)",
        down="ALTER TABLE appointments DROP CONSTRAINT uq_x",
        faults="index meaning",
    ),
    "a condition for which all is read": planted(
        "ALTER TABLE appointments ADD CONSTRAINT ck_x CHECK (version > 0)",
        down="ALTER TABLE appointments DROP CONSTRAINT ck_x",
        said='side_by_side = "Versions begin with 1."',
        faults="scan",
    ),
    "validated at once": planted(
        "ALTER TABLE appointments ADD CONSTRAINT ck_x CHECK (version > 0) NOT VALID",
        "ALTER TABLE appointments VALIDATE CONSTRAINT ck_x",
        down="ALTER TABLE appointments DROP CONSTRAINT ck_x",
        said='side_by_side = "Versions begin with 1."',
        faults="scan",
    ),
    "a condition for what comes": planted(
        "ALTER TABLE appointments ADD CONSTRAINT ck_x CHECK (version > 0) NOT VALID",
        down="ALTER TABLE appointments DROP CONSTRAINT ck_x",
        said='side_by_side = "Versions begin with 1."',
    ),
    "a condition without a word": planted(
        "ALTER TABLE appointments ADD CONSTRAINT ck_x CHECK (version > 0) NOT VALID",
        down="ALTER TABLE appointments DROP CONSTRAINT ck_x",
        faults="meaning",
    ),
    "a reference for which all is read": planted(
        "ALTER TABLE appointments ADD CONSTRAINT fk_x FOREIGN KEY (booked_by) REFERENCES users",
        down="ALTER TABLE appointments DROP CONSTRAINT fk_x",
        faults="meaning scan",
    ),
    "required from now on": planted(
        "ALTER TABLE appointments ALTER COLUMN reason SET NOT NULL",
        down="ALTER TABLE appointments ALTER COLUMN reason DROP NOT NULL",
        faults="meaning not_null",
    ),
    "another default": planted(
        "ALTER TABLE appointments ALTER COLUMN version SET DEFAULT 2",
        down="ALTER TABLE appointments ALTER COLUMN version SET DEFAULT 1",
        faults="meaning",
    ),
    "other words of a condition": planted(
        REWORD.format(" RETURN true;", " RETURN 1 = 1;"),
        down=REWORD.format(" RETURN 1 = 1;", " RETURN true;"),
        faults="meaning",
    ),
    "a trigger": planted(
        "CREATE TRIGGER x BEFORE UPDATE ON appointments FOR EACH ROW"
        " EXECUTE FUNCTION payments_freeze()",
        down="DROP TRIGGER x ON appointments",
        faults="meaning",
    ),
    "rows": planted("UPDATE appointments SET version = version", down="SELECT 1", faults="rows"),
    "rows of a small table": planted("UPDATE clinics SET version = version", down="SELECT 1"),
    "a column goes": planted(
        "ALTER TABLE appointments DROP COLUMN reason",
        down="ALTER TABLE appointments ADD COLUMN reason text",
        faults="gone",
    ),
    "a column has another name": planted(
        "ALTER TABLE clinics RENAME COLUMN phone TO telephone",
        down="ALTER TABLE clinics RENAME COLUMN telephone TO phone",
        faults="gone",
    ),
    "a table goes": planted(
        "ALTER TABLE told_overlaps RENAME TO x",
        down="ALTER TABLE x RENAME TO told_overlaps",
        faults="gone",
    ),
    "a column goes that nobody names since the version before": planted(
        "ALTER TABLE appointments DROP COLUMN reason",
        down="ALTER TABLE appointments ADD COLUMN reason text",
        said='contracts = {"appointments.reason": "9000"}\nserves_from = "9000"',
    ),
    "a column goes that this version is the first not to name": planted(
        "ALTER TABLE appointments DROP COLUMN reason",
        down="ALTER TABLE appointments ADD COLUMN reason text",
        said=f'contracts = {{"appointments.reason": "{LATER}"}}\nserves_from = "{LATER}"',
        faults="gone",
    ),
    "a column goes that served versions name": planted(
        "ALTER TABLE appointments DROP COLUMN reason",
        down="ALTER TABLE appointments ADD COLUMN reason text",
        said='contracts = {"appointments.reason": "9000"}\nserves_from = "0047"',
        faults="gone",
    ),
    "a wait without end": planted(
        "SET lock_timeout = 0",
        "ALTER TABLE appointments ADD COLUMN x integer",
        down=DROP,
        faults="lock",
    ),
    "a wait that is too long": planted(
        "SET lock_timeout = '5s'",
        "ALTER TABLE appointments ADD COLUMN x integer",
        down=DROP,
        faults="lock",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
async def test_what_stands_in_the_way_of_the_version_before_is_found(
    url: str, tmp_path: Path, name: str
) -> None:
    one, connection, usual = PLANTED[name], await asyncpg.connect(url), migrations.newest()
    try:
        before = await Catalogue.of(connection)
        with one_version_later(one.later, tmp_path), watching() as watch:
            await migrations.upgrade(url)
            step = Step.of(LATER, before, await Catalogue.of(connection), watch.taken())
            await migrations.downgrade(url, usual)
        after = await Catalogue.of(connection)
    finally:
        await connection.close()
    assert " ".join(sorted(step.faults())) == one.faults
    # The order of columns is no matter, and a table that was written anew has another file.
    assert (after.columns, after.indexes, after.constraints, after.functions, after.triggers) == (
        before.columns,
        before.indexes,
        before.constraints,
        before.functions,
        before.triggers,
    )


A_COLUMN = Later(
    up=["ALTER TABLE appointments ADD COLUMN x integer"],
    down=["ALTER TABLE appointments DROP COLUMN x"],
)
AN_INDEX = Later(
    up=["make_index_online('ix_x', 'appointments', ['created_at'])"],
    down=["drop_index_online('ix_x')"],
)
NEEDS_THIS_VERSION = Later(
    up=["ALTER TABLE kept_messages DROP COLUMN html"],
    down=["ALTER TABLE kept_messages ADD COLUMN html text"],
    said=f'serves_from = "{LATER}"',
)


async def test_bookings_go_on_while_a_migration_waits_for_a_transaction(
    connections: Database, url: str, serving_api: Api, tmp_path: Path
) -> None:
    doctor = await serving_api.doctor(await serving_api.clinic())
    slots, usual = iter(await serving_api.slots(doctor, 9)), migrations.newest()

    async def booked(count: int) -> None:
        patient = await serving_api.patient()
        for _ in range(count):
            answer = await serving_api.book(next(slots), patient)
            assert answer.status_code == 201, answer.text

    with one_version_later(A_COLUMN, tmp_path):
        async with connections.driver_transaction() as somebody:
            await somebody.execute("SELECT FROM appointments")
            migrating = asyncio.create_task(migrations.upgrade(url))
            await until_waiting(connections)
            # Each waits behind the migration, until that gives way.
            await booked(3)
            assert not migrating.done()
        await migrating
        assert await ready(serving_api) == (200, LATER)
        await booked(3)
        await migrations.downgrade(url, usual)
    assert await ready(serving_api) == (200, usual)
    await booked(3)


async def ready(api: Api) -> tuple[int, str]:
    answer = await api.get("/health/ready")
    body = answer.json()
    return answer.status_code, body["schema_revision"] if answer.is_success else body["detail"]


async def test_an_index_is_made_while_others_wait_to_migrate(
    url: str, connections: Database, tmp_path: Path
) -> None:
    usual = migrations.newest()
    with one_version_later(AN_INDEX, tmp_path):
        async with connections.driver_transaction() as somebody:
            await somebody.execute("LOCK TABLE appointments IN ROW EXCLUSIVE MODE")
            both = [asyncio.create_task(migrations.upgrade(url)) for _ in range(2)]
            await until_waiting(connections)
        await asyncio.gather(*both)
        assert await migrations.problem_of(url) is None
        async with connections.reading() as connection:
            assert await connection.fetchval(VALID, "ix_x")
        await migrations.downgrade(url, usual)


VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::text::regclass"


async def test_a_table_that_is_in_use_all_the_time_is_told_of(
    url: str,
    connections: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrations, "TRIES", 1)
    monkeypatch.setattr(migrations, "LOOKS", 1)
    with one_version_later(A_COLUMN, tmp_path):
        async with connections.driver_transaction() as somebody:
            await somebody.execute("SELECT FROM appointments")
            with pytest.raises(migrations.DatabaseProblemError, match="in use all the time"):
                await migrations.upgrade(url)
            await somebody.execute(f"SELECT pg_advisory_xact_lock({migrations.ONE_AT_A_TIME})")
            with pytest.raises(migrations.DatabaseProblemError, match="Another instance"):
                await migrations.upgrade(url)


async def test_the_version_before_works_on_what_was_only_added_to(
    url: str, serving_api: Api, tmp_path: Path
) -> None:
    usual = migrations.newest()
    with one_version_later(A_COLUMN, tmp_path):
        await migrations.upgrade(url)
    assert await migrations.problem_of(url) is None
    # It leaves what it does not know as it is.
    await migrations.upgrade(url)
    assert await ready(serving_api) == (200, LATER)
    with pytest.raises(migrations.DatabaseProblemError, match="only the newer version"):
        await migrations.downgrade(url, usual)
    with one_version_later(A_COLUMN, tmp_path):
        await migrations.downgrade(url, usual)


async def test_the_version_before_says_what_it_cannot_work_on(
    url: str, serving_api: Api, tmp_path: Path
) -> None:
    usual = migrations.newest()
    with one_version_later(NEEDS_THIS_VERSION, tmp_path):
        await migrations.upgrade(url)
        assert await migrations.problem_of(url) is None
    with pytest.raises(migrations.DatabaseProblemError, match="used by a newer version"):
        await migrations.upgrade(url)
    assert "used by a newer version" in str(await migrations.problem_of(url))
    status, told = await ready(serving_api)
    assert (status, "used by a newer version" in told) == (503, True)
    with one_version_later(NEEDS_THIS_VERSION, tmp_path):
        await migrations.downgrade(url, usual)
    assert await ready(serving_api) == (200, usual)


async def test_the_version_after_says_that_its_tables_are_missing(url: str, tmp_path: Path) -> None:
    usual = migrations.newest()
    with one_version_later(A_COLUMN, tmp_path):
        problem = f"(schema {usual}, and this version works on {LATER}): run `booking-system"
        assert problem in str(await migrations.problem_of(url))
        async with running_api(url, tmp_path) as later:
            status, told = await ready(later)
            assert (status, problem in told) == (503, True)
            await migrations.upgrade(url)
            assert await ready(later) == (200, LATER)
        with pytest.raises(migrations.DatabaseProblemError, match="no schema that this version"):
            await migrations.downgrade(url, "0000")
        await migrations.downgrade(url, usual)


@pytest.mark.parametrize(
    ("revision", "remark", "fits"),
    [
        ("0050", None, True),
        ("0051", remark_of("0051", "0050"), True),
        ("0053", remark_of("0053", "0047"), True),
        ("0051", remark_of("0051", "0051"), False),
        ("0051", remark_of("0050", "0047"), False),
        ("0051", None, False),
        ("0051", "schema 0051", False),
        ("0049", remark_of("0049", "0047"), False),
        (None, None, False),
    ],
)
def test_a_program_works_on_its_own_schema_and_on_what_serves_it(
    revision: str | None, remark: str | None, fits: bool
) -> None:
    assert (Schema(revision, remark).problem("0050") is None) == fits


def test_revisions_are_numbers_that_grow() -> None:
    revisions = migrations.revisions()
    assert revisions == sorted(revisions)
    assert all(len(one) == 4 and one.isdecimal() for one in revisions)


def test_small_tables_are_tables() -> None:
    assert metadata.tables.keys() >= SMALL
