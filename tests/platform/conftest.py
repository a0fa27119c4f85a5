"""Fixtures for tests of what the program says about itself."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from booking_system.bootstrap import logs
from booking_system.bootstrap.settings import Settings
from booking_system.platform.observability.lines import LINES


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where this process logs meanwhile, as JSON."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(Settings(log_format="json", log_level="info"), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    LINES.told = None
