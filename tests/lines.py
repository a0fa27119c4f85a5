"""The lines of requests in tests: kept as JSON, and told where a test fails."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from booking_system.platform.observability.lines import LINES

MOST_LINES = 100
SEEN: deque[str] = deque(maxlen=MOST_LINES)
"""The last ones of the test that is running."""


def kept_plainly() -> None:
    """Undo what set up logging for the whole process, and keep the lines of requests.

    To print them for people, as `structlog` would, takes a twentieth of the time of all tests.
    """
    structlog.reset_defaults()
    LINES.told = SEEN.append


@contextmanager
def logging_kept() -> Iterator[None]:
    """Whatever sets up logging meanwhile, it is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    kept_plainly()
