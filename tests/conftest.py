"""What every test can ask for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.api import Api, contract_of_all, running_api
from tests.contract import REACHED
from tests.patience import patient
from tests.postgres import TestServer, running_server
from tests.together import Together


@pytest.fixture(scope="session", autouse=True)
def _patient_program() -> Iterator[None]:
    """No verdict hangs on the speed of the machine."""
    with patient():
        yield


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
    """The same, with connections to it."""
    database = Database.at(sqlalchemy_url(database_url), pool_size=10)
    yield database
    await database.close()


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """The whole application on an empty database."""
    async with running_api(database_url, tmp_path) as api:
        yield api


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-documented-error",
        action="store_true",
        help="Fail unless the tests of this run reached each error of the OpenAPI document.",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    REACHED.update(tuple(one) for one in getattr(node, "workeroutput", {}).get("reached", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["reached"] = sorted(REACHED)
    elif session.config.getoption("--every-documented-error") and session.testsfailed == 0:
        missed = contract_of_all().promised() - REACHED
        if missed:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.stash[MISSED] = missed


MISSED: pytest.StashKey[set[Any]] = pytest.StashKey()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for operation, status, code in sorted(config.stash.get(MISSED, ())):
        line = f"documented, but no test reached it: {operation} {status} {code}"
        terminalreporter.write_line(line)
