"""What every test can ask for."""

import gc
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.api import Api, contract_of_all, running_api
from tests.budget import MADE, MOST, overspent
from tests.contract import REACHED
from tests.forked import NURSERY
from tests.patience import patient
from tests.postgres import TestServer, running_server
from tests.stage import Stage, a_stage
from tests.together import Together, rank

# httpx looks for it with every request without a network, through the whole path for imports.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


@pytest.fixture(scope="session", autouse=True)
def _patient_program() -> Iterator[None]:
    """No verdict hangs on the speed of the machine."""
    with patient():
        yield


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def pytest_collection_finish() -> None:
    # What is loaded by now stays: the garbage collection need not look at it again, nor so often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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
    told = getattr(node, "workeroutput", {})
    REACHED.update(tuple(one) for one in told.get("reached", ()))
    MADE.update(told.get("made", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput.update(reached=sorted(REACHED), made=dict(MADE))
        return
    wrong = overspent()
    if session.config.getoption("--every-documented-error") and session.testsfailed == 0:
        missed = contract_of_all().promised() - REACHED
        wrong += [
            f"documented, but no test reached it: {operation} {status} {code}"
            for operation, status, code in sorted(missed)
        ]
    if wrong:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    session.config.stash[WRONG] = wrong


WRONG: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [one for several in terminalreporter.stats.values() for one in several]
    seconds = sum(one.duration for one in reports if getattr(one, "when", None) == "setup")
    made = ", ".join(f"{MADE[kind]} of {most} {kind}" for kind, most in MOST.items())
    terminalreporter.write_line(f"set-up took {seconds:.0f} s in all; made: {made}")
    for line in config.stash.get(WRONG, ()):
        terminalreporter.write_line(line)
