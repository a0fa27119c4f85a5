"""Migrations go up, down and up again, and make just the tables that the program has."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from booking_system.bootstrap import migrations
from booking_system.bootstrap.postgres_binaries import binaries_for
from booking_system.bootstrap.schema_fit import FIRST
from booking_system.bootstrap.tables import metadata
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.architecture.expanding import WORDS, Catalogue, Step, watching
from tests.architecture.older_migrations import AS_THEY_ARE
from tests.bootstrap.processes import environment
from tests.forked import forked
from tests.patience import PATIENCE
from tests.postgres import TestServer

COLUMNS = """SELECT table_name, column_name, data_type, is_nullable, column_default, udt_name
 FROM information_schema.columns WHERE table_schema = 'public'"""
CONSTRAINTS = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
 FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
OPTIONS = """SELECT relname, reloptions FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"""
FUNCTIONS = """SELECT proname, pg_get_functiondef(oid),
  coalesce(proacl, acldefault('f', proowner))::text FROM pg_proc p
 WHERE pronamespace = 'public'::regnamespace
  AND prorettype IN ('boolean'::regtype, 'trigger'::regtype) AND proname <> 'kept'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""
TRIGGERS = """SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
 WHERE NOT tgisinternal"""
OURS = "alembic_version"
SCRIPTS = Path(__file__).parents[2] / "migrations" / "versions"
AS_TRIED = "545d625eefe04542d5a98cade57c28c3653b650a118b2f7485c62d6600d6afe9"
"""The digest of all migrations up to the first that a program of today serves on."""


async def schema_of(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = [
            tuple(row)
            for query in (COLUMNS, CONSTRAINTS, INDEXES, OPTIONS, FUNCTIONS, TRIGGERS)
            for row in await connection.fetch(query)
        ]
    finally:
        await connection.close()
    return sorted((row for row in rows if row[0] != OURS), key=repr)


@pytest.fixture
async def empty_url(postgres: TestServer) -> AsyncIterator[str]:
    async with postgres.database(template="template0") as url:
        yield url


@pytest.mark.parametrize(
    "since",
    [
        pytest.param(FIRST, id="those that may still change"),
        pytest.param("base", id="all", marks=pytest.mark.proof),
    ],
)
async def test_each_migration_goes_up_down_and_up(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, since: str
) -> None:
    # Else each step loads all scripts anew.
    scripts = ScriptDirectory.from_config(migrations._config())
    monkeypatch.setattr(ScriptDirectory, "from_config", lambda _: scripts)
    revisions = migrations.revisions()
    if since in revisions:
        await migrations.upgrade(empty_url, since)
        revisions = revisions[revisions.index(since) + 1 :]
    stages, faults = [(since, await schema_of(empty_url))], {}
    catalogue = await catalogue_of(empty_url)
    assert revisions
    with watching() as watch:
        for revision in revisions:
            await migrations.upgrade(empty_url, revision)
            before, catalogue = catalogue, await catalogue_of(empty_url)
            step = Step.of(revision, before, catalogue, watch.taken())
            faults[revision] = " ".join(sorted(step.faults()))
            stages.append((revision, await schema_of(empty_url)))
            assert stages[-1][1] != stages[-2][1]
        for revision, schema in stages[-2::-1]:
            await migrations.downgrade(empty_url, revision)
            back = Step(revision=revision, before=catalogue, after=catalogue, sent=watch.taken())
            assert "lock" not in back.faults(), revision
            assert await schema_of(empty_url) == schema, revision
    await migrations.upgrade(empty_url)
    assert await schema_of(empty_url) == stages[-1][1]
    assert await migrations.problem_of(empty_url) is None

    assert max(AS_THEY_ARE) <= FIRST
    found = {revision: words for revision, words in faults.items() if words}
    listed = {revision: words for revision, (words, _) in AS_THEY_ARE.items()}
    assert found == {one: words for one, words in listed.items() if one in faults}, WORDS


def test_what_served_as_a_first_schema_stays_as_it_was_tried() -> None:
    """Up, down and up again they went as these files: where one changes, `make prove` tries it."""
    older = [file for file in sorted(SCRIPTS.glob("[0-9]*.py")) if file.name[:4] <= FIRST]
    assert older[-1].name.startswith(FIRST)
    assert sha256(b"".join(file.read_bytes() for file in older)).hexdigest() == AS_TRIED


async def catalogue_of(url: str) -> Catalogue:
    connection = await asyncpg.connect(url)
    try:
        return await Catalogue.of(connection)
    finally:
        await connection.close()


async def test_the_migrations_make_the_tables_that_the_program_has(
    postgres: TestServer, database_url: str, empty_url: str
) -> None:
    engine = create_async_engine(sqlalchemy_url(empty_url))
    async with engine.begin() as connection:
        for extension in ("btree_gist", "pg_trgm"):
            await connection.exec_driver_sql(f"CREATE EXTENSION {extension}")
        await connection.run_sync(metadata.create_all)
    await engine.dispose()

    assert await schema_of(database_url) == await schema_of(empty_url)


async def test_a_dump_that_is_restored_checks_as_before(
    own_database_url: str, empty_url: str, tmp_path: Path
) -> None:
    dump, restore = (str(binaries_for(None, None) / name) for name in ("pg_dump", "pg_restore"))
    file = f"--file={tmp_path / 'dump'}"
    for command in (
        (dump, "--format=custom", file, own_database_url),
        (restore, "--exit-on-error", f"--dbname={empty_url}", str(tmp_path / "dump")),
    ):
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0

    made, restored = [
        [row for row in await schema_of(url) if str(row[0]).startswith(("ck_", "derive_"))]
        for url in (own_database_url, empty_url)
    ]
    assert len(made) == 4
    assert restored == made
    connection = await asyncpg.connect(empty_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await connection.execute(TOO_LONG)
    finally:
        await connection.close()
    broken = refused.value
    assert (broken.table_name, broken.constraint_name) == ("time_slots", "ck_time_slots_length")


TOO_LONG = """INSERT INTO time_slots
  (id, clinic_id, doctor_id, starts_at, ends_at, mode, created_at, wall_starts_at)
 SELECT id, id, id, now(), now() + interval '25 hours', 'phone', now(), now()
 FROM gen_random_uuid() AS made(id)"""


async def test_instances_that_start_together_migrate_once(empty_url: str, tmp_path: Path) -> None:
    env = environment(data_dir=tmp_path, database_url=empty_url)
    with (
        forked("migrate", env=env, cwd=tmp_path) as one,
        forked("migrate", env=env, cwd=tmp_path) as other,
    ):
        codes = [await asyncio.to_thread(process.wait, PATIENCE) for process in (one, other)]

    assert codes == [0, 0]
    assert await migrations.problem_of(empty_url) is None


async def test_a_schema_from_a_newer_version_is_refused(own_database_url: str) -> None:
    connection = await asyncpg.connect(own_database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()

    with pytest.raises(migrations.DatabaseProblemError, match="newer version"):
        await migrations.upgrade(own_database_url)


async def test_an_unreachable_database_is_named_in_a_sentence(postgres: TestServer) -> None:
    with pytest.raises(migrations.DatabaseProblemError, match="does not exist"):
        await migrations.upgrade(postgres.url("nowhere"))
    with pytest.raises(migrations.DatabaseProblemError, match="cannot be reached"):
        await migrations.problem_of("postgresql://postgres@127.0.0.1:1/nowhere")


async def test_an_older_server_is_refused_in_a_sentence(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "OLDEST", 99)

    with pytest.raises(migrations.DatabaseProblemError, match="PostgreSQL 99 or newer is needed"):
        await migrations.upgrade(database_url)


async def test_events_and_revisions_of_before_are_numbered(own_database_url: str) -> None:
    await migrations.downgrade(own_database_url, "0021")
    connection = await asyncpg.connect(own_database_url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(BEFORE_0022)
        await migrations.upgrade(own_database_url, "0022")
        await connection.execute(
            "INSERT INTO outbox (id, name, payload, occurred_at)"
            " VALUES (gen_random_uuid(), 'new', '{}', now())"
        )
        told = await connection.fetch("SELECT n, name FROM outbox ORDER BY n")
        assert [tuple(row) for row in told] == [(1, "first"), (2, "second"), (3, "new")]
        revisions = await connection.fetch("SELECT version, revision FROM appointments")
        assert [tuple(row) for row in revisions] == [(4, 3)]
    finally:
        await connection.close()
    await migrations.downgrade(own_database_url, "0021")
    assert await migrations.problem_of(own_database_url)


BEFORE_0022 = """
INSERT INTO outbox (id, name, payload, occurred_at) VALUES
 (gen_random_uuid(), 'second', '{}', now()),
 (gen_random_uuid(), 'first', '{}', now() - interval '1 hour');
INSERT INTO appointments (id, reference, status, payment_status, time_slot_id, time_slot_ids,
 clinic_id, doctor_id, patient_id, starts_at, ends_at, blocked_from, blocked_until,
 duration_minutes, mode, cancel_notice_minutes, booked_by, cancelled_by, version, created_at,
 updated_at)
SELECT id, 'AAAA-0001', 'cancelled', 'unpaid', id, ARRAY[id], id, id, id, now(),
 now() + interval '1 hour', now(), now() + interval '1 hour', 60, 'online', 0, id, 'clinic', 4,
 now(), now() FROM gen_random_uuid() AS made(id);
INSERT INTO appointment_history (appointment_id, version, action, occurred_at, side, from_slot_id,
 from_starts_at, to_slot_id, to_starts_at)
SELECT id, v, action, now(), 'clinic', CASE v WHEN 2 THEN id END, CASE v WHEN 2 THEN now() END,
 CASE v WHEN 2 THEN id END, CASE v WHEN 2 THEN now() END FROM appointments,
 (VALUES (2, 'rescheduled'), (3, 'slot_inherited'), (4, 'cancelled')) AS steps(v, action);
"""
