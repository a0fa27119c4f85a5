"""Chance and time that the seed decides, wherever the program does not take them by a port.

The names below are replaced for as long as a run lasts, here and nowhere else: new ids of events
and slots, pauses before a further try. What SQL calls `now()` is the function of the schema
`weave`, which the connections of a run find first.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from unittest.mock import patch

import asyncpg

from booking_lab.weave.threads import THREAD
from booking_system.notifications.adapters import sending_job
from booking_system.payments.adapters import inbox
from booking_system.platform import uuid7
from booking_system.platform.postgres import consumers, retry

NOW = """DROP SCHEMA IF EXISTS weave CASCADE; CREATE SCHEMA weave;
CREATE TABLE weave.clock (moment timestamptz NOT NULL);
INSERT INTO weave.clock VALUES ('2000-01-01');
CREATE FUNCTION weave.now() RETURNS timestamptz LANGUAGE sql STABLE
 AS 'SELECT moment FROM weave.clock';
CREATE FUNCTION weave.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
 AS 'SELECT moment FROM weave.clock'"""
SEARCH_PATH = "weave, pg_catalog, public"


class Chances:
    """Bytes and nanoseconds in the order of counting."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.count = 0

    def begin(self) -> None:
        """Count from the beginning, as each run does."""
        self.count = 0

    def some_bytes(self, length: int) -> bytes:
        """Return the next ones; the last two bits are left, which an id has no room for."""
        self.count += 1
        return (self.count << 2).to_bytes(length, "big")

    def nanoseconds(self) -> int:
        """Return a time that stands: the bytes alone tell ids apart, and put them in order."""
        return 0


async def set_now(observer: asyncpg.Connection, moment: datetime) -> None:
    """Let SQL's `now()` be this moment."""
    await observer.execute("UPDATE weave.clock SET moment = $1", moment)


async def _pause(_: float) -> None:
    """A pause is a step like others."""
    thread = THREAD.get()
    if thread is not None:
        await thread.turn("PAUSE", 0)


class _Silence:
    """A log of workers whose misfortunes are meant to be."""

    def warning(self, *_: object, **__: object) -> None:
        """Say nothing."""

    info = error = warning


@contextmanager
def decided(chances: Chances) -> Iterator[None]:
    """Let them decide for as long as the block lasts."""
    with ExitStack() as stack:
        for module, name, what in (
            (uuid7, "urandom", chances.some_bytes),
            (uuid7, "time_ns", chances.nanoseconds),
            (retry, "sleep", _pause),
            (sending_job, "log", _Silence()),
            (consumers, "log", _Silence()),
            (inbox, "log", _Silence()),
            (retry, "uniform", lambda *_: 0.0),
            (retry, "monotonic", lambda: 0.0),
        ):
            stack.enter_context(patch.object(module, name, what))
        yield
