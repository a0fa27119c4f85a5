"""Behind a pooler in transaction mode: what comes through it, what goes past it."""

import asyncio
from pathlib import Path
from typing import cast

import asyncpg
import pytest

from booking_system.bootstrap import pooler_check, production_database
from booking_system.bootstrap.checks import database_findings
from booking_system.bootstrap.container import build, close
from booking_system.bootstrap.migrations import THROUGH_A_POOLER
from booking_system.bootstrap.production_database import SUPERUSER
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.faults import OutcomeUnknown, meaning_of
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.shared_kernel.errors import Transient
from tests.doorman import doorman
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("clean_environment")


def libpq(url: str, folder: Path) -> str:
    """The same database by the socket in `folder`."""
    return f"{url.partition('?')[0]}?host={folder}&port=5432"


async def test_requests_go_through_the_pooler_and_what_needs_a_session_past_it(
    database_url: str, tmp_path: Path
) -> None:
    async with doorman(sqlalchemy_url(database_url), tmp_path) as pooler:
        settings = Settings(
            database_url=libpq(database_url, tmp_path),
            database_direct_url=database_url,
            data_dir=tmp_path,
        )
        container = build(settings)
        try:
            async with container.database().reading() as connection:
                assert await connection.fetchval("SHOW timezone") == "UTC"
            assert pooler.let_in == 1
            bus = container.consultations.postgres_bus()
            async with bus.running(lambda _: None, lambda: None), asyncio.timeout(PATIENCE):
                await bus.is_listening.wait()
            assert pooler.let_in == 1
        finally:
            await close(container)
        found = await database_findings(settings)
        assert found.database == ()
        assert pooler.let_in > 1


async def test_who_names_no_way_past_the_pooler_is_told(database_url: str, tmp_path: Path) -> None:
    async with doorman(sqlalchemy_url(database_url), tmp_path):
        found = await database_findings(Settings(database_url=libpq(database_url, tmp_path)))
    assert found.database == (f"The database refused: {THROUGH_A_POOLER}.",)


async def test_a_pooler_that_is_away_is_told(database_url: str, tmp_path: Path) -> None:
    settings = Settings(
        database_url=libpq(database_url, tmp_path), database_direct_url=database_url
    )
    found = await database_findings(settings)
    assert found.database == (pooler_check.UNREACHABLE,)


async def test_a_session_that_two_clients_share_keeps_no_prepared_statements(
    database_url: str,
) -> None:
    """So it is with a pooler that does not know what each of its clients has prepared."""
    one = await asyncpg.connect(database_url)
    other = await asyncpg.connect(database_url)
    try:
        assert await pooler_check.keeps_statements(one, other)
        assert not await pooler_check.keeps_statements(one, one)
    finally:
        await one.close()
        await other.close()


async def test_without_a_pooler_nothing_is_asked_of_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pooler_check, "_connected")
    settings = Settings(database_url=database_url, database_direct_url=database_url)
    assert await production_database.refused(settings) == [SUPERUSER.sentence]
    assert await pooler_check.advised(settings) == []


def test_a_session_that_the_pooler_lost_is_asked_for_again_but_not_amid_a_commit() -> None:
    lost = asyncpg.ProtocolViolationError("server conn crashed?")
    assert lost.sqlstate == "08P01"
    assert isinstance(meaning_of(lost, {}, committing=False), Transient)
    assert isinstance(meaning_of(lost, {}, committing=True), OutcomeUnknown)


class Swapped:
    """What a client gets whose statements are prepared here and carried out elsewhere."""

    async def prepare(self, _: str, *, name: str) -> "Swapped":
        return self

    async def fetchval(self) -> int:
        return 2


async def test_a_statement_of_somebody_else_is_none_of_ours() -> None:
    both = cast("asyncpg.Connection", Swapped())
    assert not await pooler_check.keeps_statements(both, both)
