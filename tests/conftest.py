"""How tests are dealt, counted and summed up; what they can ask for is in `fixtures.py`."""

import gc
from typing import Any

import pytest

from tests.budget import MADE, MOST, overspent
from tests.loaded import Loaded
from tests.reached import PROMISED, REACHED
from tests.together import Together, rank

LOADED: pytest.StashKey[Loaded] = pytest.StashKey()
WRONG: pytest.StashKey[list[str]] = pytest.StashKey()
USUAL_DATA = ".data"
HAD_DATA: pytest.StashKey[bool] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    # What is loaded until the collection's end stays: to look at it again and again is for nothing.
    gc.disable()
    config.stash[HAD_DATA] = (config.rootpath / USUAL_DATA).exists()
    if deals(config):
        if not config.getoption("cov_source", None):
            config.stash[LOADED] = Loaded(config)
    else:
        from tests.forked import NURSERY  # noqa: PLC0415  (loads the program)

        NURSERY.begin()
        config.pluginmanager.import_plugin("tests.fixtures")


def deals(config: pytest.Config) -> bool:
    """Say whether this process runs no test itself: it would load all of them for nothing."""
    is_worker = hasattr(config, "workerinput")
    return not is_worker and config.getoption("dist", "no") != "no"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def pytest_collection_finish() -> None:
    # Nor afterwards, nor so often at what is new.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-documented-error",
        action="store_true",
        help="Fail unless the tests of this run reached each error of the OpenAPI document.",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    for spec in specs if LOADED in config.stash else ():
        spec.python = config.stash[LOADED].joining


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    # pytest has looked at all there is, and would again a moment later.
    gc.freeze()
    if LOADED in config.stash:
        config.stash[LOADED].end()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    told = getattr(node, "workeroutput", {})
    REACHED.update(tuple(one) for one in told.get("reached", ()))
    PROMISED.update(tuple(one) for one in told.get("promised", ()))
    MADE.update(told.get("made", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    asked = session.config.getoption("--every-documented-error") and session.testsfailed == 0
    if asked and not deals(session.config):
        from tests.api import contract_of_all  # noqa: PLC0415  (takes long)

        PROMISED.update(contract_of_all().promised())
    if hasattr(session.config, "workeroutput"):
        told = {"reached": sorted(REACHED), "promised": sorted(PROMISED), "made": dict(MADE)}
        session.config.workeroutput.update(told)
        return
    # Long proofs make what they need; the limits are for all that `make test` runs.
    wrong = overspent() if session.config.option.markexpr == "not proof" else []
    if not session.config.stash[HAD_DATA] and (session.config.rootpath / USUAL_DATA).exists():
        wrong += [f"a test made {USUAL_DATA} here, where the next one finds it"]
    if asked:
        missed = PROMISED - REACHED
        wrong += [] if PROMISED else ["no process said which errors are documented"]
        wrong += [
            f"documented, but no test reached it: {operation} {status} {code}"
            for operation, status, code in sorted(missed)
        ]
    if wrong:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    session.config.stash[WRONG] = wrong


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [one for several in terminalreporter.stats.values() for one in several]
    seconds = sum(one.duration for one in reports if getattr(one, "when", None) == "setup")
    made = ", ".join(f"{MADE[kind]} of {most} {kind}" for kind, most in MOST.items())
    terminalreporter.write_line(f"set-up took {seconds:.0f} s in all; made: {made}")
    for line in config.stash.get(WRONG, ()):
        terminalreporter.write_line(line)
