"""What every test can ask for."""

from collections.abc import AsyncIterator

import pytest

from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.platform.postgres.url import sqlalchemy_url
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
