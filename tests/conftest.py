"""What every test can ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.api import Api, running_api
from tests.postgres import TestServer, running_server


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[TestServer]:
    """A real PostgreSQL, started once for this worker."""
    with running_server() as server:
        await server.prepare()
        yield server


@pytest.fixture
async def database_url(postgres: TestServer) -> AsyncIterator[str]:
    """The address of a migrated, empty database of the test's own."""
    async with postgres.database() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, with an engine on it."""
    engine = engine_for(sqlalchemy_url(database_url), pool_size=10)
    yield Database(engine)
    await engine.dispose()


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """The whole application on an empty database."""
    async with running_api(database_url, tmp_path) as api:
        yield api
