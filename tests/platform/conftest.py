"""Fixtures for tests of what the program says about itself."""

import io
from collections.abc import Iterator

import pytest

from booking_system.bootstrap import logs
from booking_system.bootstrap.settings import Settings
from tests.lines import logging_kept


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where this process logs meanwhile, as JSON."""
    stream = io.StringIO()
    with logging_kept():
        logs.configure(Settings(log_format="json", log_level="info"), stream)
        yield stream
