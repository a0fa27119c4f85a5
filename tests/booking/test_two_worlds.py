"""The same requests in memory and in PostgreSQL: the same answers, and order after every step."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.booking.playing_appointments import PlayingAppointments
from tests.booking.playing_slots import PlayingSlots
from tests.booking.worlds import MemoryWorld, PostgresWorld, World


class BookingMachine(PlayingAppointments, PlayingSlots):
    """All rules together."""


@contextmanager
def both_worlds(database_url: str) -> Iterator[tuple[list[World], asyncio.Runner]]:
    """The worlds, and the one loop that all of the second one's connections live in."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        connection = runner.run(asyncpg.connect(database_url))
        database = Database.at(sqlalchemy_url(database_url), pool_size=2)
        try:
            yield [MemoryWorld(), PostgresWorld(database, connection)], runner
        finally:
            runner.run(database.close())
            runner.run(connection.close())


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(2, 40, id="short"),
        pytest.param(600, 50, id="long", marks=pytest.mark.proof),
    ],
)
def test_memory_and_postgresql_answer_every_sequence_alike(
    database_url: str, examples: int, steps: int
) -> None:
    with both_worlds(database_url) as (worlds, runner):
        machine: Any = partial(BookingMachine, worlds, runner)
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
