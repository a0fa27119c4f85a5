"""Migrations go up, down and up again, and make just the tables that the program has."""

import asyncio
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from booking_system.bootstrap import migrations
from booking_system.bootstrap.tables import metadata
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.postgres import TestServer

COLUMNS = """SELECT table_name, column_name, data_type, is_nullable, column_default, udt_name
 FROM information_schema.columns WHERE table_schema = 'public'"""
CONSTRAINTS = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
 FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
OPTIONS = """SELECT relname, reloptions FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"""
OURS = "alembic_version"


async def schema_of(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = [
            tuple(row)
            for query in (COLUMNS, CONSTRAINTS, INDEXES, OPTIONS)
            for row in await connection.fetch(query)
        ]
    finally:
        await connection.close()
    return sorted((row for row in rows if row[0] != OURS), key=repr)


@pytest.fixture
async def empty_url(postgres: TestServer) -> AsyncIterator[str]:
    async with postgres.database(template="template0") as url:
        yield url


async def test_each_migration_goes_up_down_and_up(empty_url: str) -> None:
    stages = []
    for revision in migrations.revisions():
        before = await schema_of(empty_url)
        await migrations.upgrade(empty_url, revision)
        after = await schema_of(empty_url)
        assert after != before
        await migrations.downgrade(empty_url, stages[-1] if stages else "base")
        assert await schema_of(empty_url) == before
        await migrations.upgrade(empty_url, revision)
        assert await schema_of(empty_url) == after
        stages.append(revision)
    assert await migrations.is_at_head(empty_url)


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


async def test_instances_that_start_together_migrate_once(empty_url: str) -> None:
    program = (
        "import asyncio, sys; from booking_system.bootstrap.migrations import upgrade;"
        "asyncio.run(upgrade(sys.argv[1]))"
    )
    starting = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_url)
        for _ in range(3)
    ]
    codes = [await process.wait() for process in starting]

    assert codes == [0, 0, 0]
    assert await migrations.is_at_head(empty_url)


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
        await migrations.is_at_head("postgresql://postgres@127.0.0.1:1/nowhere")


async def test_an_older_server_is_refused_in_a_sentence(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "OLDEST", 99)

    with pytest.raises(migrations.DatabaseProblemError, match="PostgreSQL 99 or newer is needed"):
        await migrations.upgrade(database_url)
