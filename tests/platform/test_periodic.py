"""A periodic job goes on whatever a round of it does, and ends with the process."""

import asyncio
import io
from collections.abc import Sequence

import pytest

from booking_system.platform.postgres.periodic import PeriodicJob, take_turn
from booking_system.platform.postgres.transaction import Database
from tests.patience import PATIENCE, soon
from tests.platform.logged import lines_of

LONG, SHORT = 3600.0, 0.01
LOCK = 0x74_6573_74


class Rounds:
    """What each round does: True, False or an error; the last one is the last for long."""

    def __init__(self, outcomes: Sequence[bool | Exception]) -> None:
        self.outcomes = list(outcomes)
        self.all_done = asyncio.Event()

    async def __call__(self) -> bool:
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            self.all_done.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def job_of(rounds: Rounds, **pauses: float) -> PeriodicJob:
    usual = {"first_pause": SHORT, "pause": SHORT, "pause_after_failure": SHORT}
    return PeriodicJob(name="example", round=rounds, failed="example_failed", **usual | pauses)


async def ran(rounds: Rounds, **pauses: float) -> list[bool | Exception]:
    """Run it until nothing is left to do, and a little longer; return what is left."""
    async with job_of(rounds, **pauses).running(), asyncio.timeout(PATIENCE):
        await rounds.all_done.wait()
    await asyncio.sleep(5 * SHORT)
    return rounds.outcomes


async def test_an_error_is_told_and_the_next_round_comes(stream: io.StringIO) -> None:
    assert await ran(Rounds([ConnectionError("secret"), True, False, True])) == []
    (told,) = lines_of(stream)
    assert (told["event"], told["job"], told["error"]) == (
        "example_failed",
        "example",
        "ConnectionError",
    )


@pytest.mark.parametrize(
    ("outcome", "long"),
    [
        (True, "first_pause"),
        (True, "pause"),
        (False, "pause_after_failure"),
        (OSError(), "pause_after_failure"),
    ],
)
async def test_each_pause_has_its_place(outcome: bool | Exception, long: str) -> None:
    rounds = Rounds([outcome, True])
    left = 2 if long == "first_pause" else 1
    async with job_of(rounds, **{long: LONG}).running():
        await soon(lambda: len(rounds.outcomes) == left)
        await asyncio.sleep(5 * SHORT)
    assert len(rounds.outcomes) == left


async def test_it_ends_with_the_block_and_no_round_follows() -> None:
    rounds = Rounds([True] * 10_000)
    async with job_of(rounds).running():
        await soon(lambda: len(rounds.outcomes) < 10_000)
    left = len(rounds.outcomes)
    await asyncio.sleep(5 * SHORT)
    assert len(rounds.outcomes) == left


async def test_one_process_at_a_time_has_its_turn(database: Database) -> None:
    async with database.driver_transaction() as first, database.driver_transaction() as second:
        assert await take_turn(first, LOCK)
        assert not await take_turn(second, LOCK)
    async with database.driver_transaction() as third:
        assert await take_turn(third, LOCK)
