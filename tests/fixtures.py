"""What every test can ask for: loaded where tests run, which is not the process that deals them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import asyncpg
import pytest
import uvloop
from hypothesis import settings

from booking_system.bootstrap.process import pin_time_zones
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.adapters import derive_once
from tests.api import Api, running_api
from tests.forked import NURSERY
from tests.lines import SEEN, kept_plainly
from tests.patience import patient
from tests.postgres import TEMPLATE, TestServer, running_server
from tests.stage import Stage, a_stage

# As in every process that serves.
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
pin_time_zones()

derive_once()

# An example may take as long as the machine lets it.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# httpx looks for it with every request without a network, through the whole path for imports.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


@pytest.fixture(scope="session", autouse=True)
def _patient_program() -> Iterator[None]:
    """No verdict hangs on the speed of the machine."""
    with patient():
        yield


@pytest.fixture(scope="session", autouse=True)
def _lines_of_requests() -> None:
    kept_plainly()


def pytest_runtest_setup() -> None:
    SEEN.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and SEEN:
        report.sections.append(("Requests", "".join(SEEN)))
    return report


@pytest.fixture(scope="session", autouse=True)
def _nobody_left_in_the_nursery() -> Iterator[None]:
    yield
    NURSERY.end()


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[TestServer]:
    """A real PostgreSQL, started once for this worker."""
    with running_server() as server:
        await server.prepare()
        yield server


@pytest.fixture
async def untouched(postgres: TestServer) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a migrated database in which nothing was ever written.

    Elsewhere a plan hangs on what other tests left in a table, and on when somebody counted it.
    """
    connection = await asyncpg.connect(postgres.url(TEMPLATE))
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def stage(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The database and the application that the tests of this worker share."""
    async with a_stage(postgres, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
async def database_url(stage: Stage) -> str:
    """The address of a migrated, empty database, which is this test's alone while it runs."""
    await stage.clear()
    return stage.url


@pytest.fixture
def database(database_url: str, stage: Stage) -> Database:
    """The same, with connections to it."""
    return stage.database()


@pytest.fixture
async def api(database_url: str, stage: Stage) -> AsyncIterator[Api]:
    """The whole application on an empty database."""
    async with stage.api() as api:
        yield api


@pytest.fixture
async def own_database_url(postgres: TestServer) -> AsyncIterator[str]:
    """A database of the test's own: it changes the schema, or starts programs that outlive rows."""
    async with postgres.database() as url:
        yield url


@pytest.fixture
async def own_database(own_database_url: str) -> AsyncIterator[Database]:
    """The same, with connections to it."""
    database = Database.at(sqlalchemy_url(own_database_url), pool_size=10)
    yield database
    await database.close()


@pytest.fixture
async def own_api(own_database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """An application and a database of the test's own: it changes more than rows."""
    async with running_api(own_database_url, tmp_path) as api:
        yield api
