"""Fixtures for tests that start real processes."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lines import logging_kept


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter, unlike `tmp_path`: the server may run as another."""
    folder = Path(tempfile.mkdtemp(prefix="booking-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No BOOKING_ settings, whatever the tests were started with."""
    for name in os.environ:
        if name.upper().startswith("BOOKING_"):
            monkeypatch.delenv(name)


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    """The program sets up logging for the whole process: undo that."""
    with logging_kept():
        yield


@pytest.fixture(scope="session", autouse=True)
def signals_are_heard() -> Iterator[None]:
    """Whoever started the tests in the background may have had Ctrl-C ignored, and so would we."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
