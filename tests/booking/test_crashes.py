"""PostgreSQL is killed while clients race: what was acknowledged is there, and nothing is twice."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest

from booking_lab.race.asking import QUIET_SECONDS
from booking_lab.race.deployment import Deployment
from booking_lab.race.plan import Plan
from booking_lab.race.report import Figures, Report
from tests.api import running_api
from tests.postgres import TestServer, running_server
from tests.races import Race, acknowledged, tell
from tests.servers import serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """How often the server is killed. Before each, and after the last, so many bookings are made.

    The race goes on until it has been killed so often: at least `plan.seconds`.
    """

    plan: Plan
    processes: int
    kills: int
    bookings_between: int


SHORT = Storm(
    plan=Plan(clients=8, desks=2, seconds=1, doctors=4, slots_per_doctor=12, hanging_up=0.1),
    processes=1,
    kills=1,
    bookings_between=8,
)
LONG = Storm(
    plan=Plan(clients=64, seconds=100, doctors=32, hanging_up=0.1),
    processes=2,
    kills=20,
    bookings_between=50,
)
LONGEST, AFTER_THE_LAST = 3600.0, QUIET_SECONDS
"""Seconds."""


@pytest.mark.parametrize(
    "storm",
    [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.proof)],
)
async def test_no_promise_is_broken_when_the_database_is_killed(
    tmp_path: Path, storm: Storm
) -> None:
    with running_server(durable=True) as server:
        await server.prepare()
        async with server.database() as url, running_api(url, tmp_path) as api:
            with serving(url, tmp_path, processes=storm.processes) as address:
                race = Race(Deployment(url=address), api.admin.token, storm.plan)
                race.watch.until = LONGEST
                await race.prepare()
                async with asyncio.timeout(900 + 10 * storm.plan.seconds):
                    history, kills = await asyncio.gather(race.run(), _kill(server, race, storm))

    report = Report.of(history, storm.plan)
    tell(report)
    assert report.violations == []
    assert report.figures.unanswered > 0
    assert report.figures.rescued > 0
    assert len(kills) == storm.kills
    booked = [one.ended for one in acknowledged(history)]
    for begun, killed in pairwise([0.0, *kills, inf]):
        assert sum(begun < at < killed for at in booked) >= storm.bookings_between


async def _kill(server: TestServer, race: Race, storm: Storm) -> list[float]:
    """Return when, in seconds since the start of the race."""
    kills: list[float] = []
    for _ in range(storm.kills):
        await _some_more(race, storm)
        kills.append(race.watch.seconds())
        await asyncio.to_thread(server.server.kill)
    await _some_more(race, storm)
    await _somebody_was_rescued(race)
    race.watch.until = race.watch.seconds() + AFTER_THE_LAST
    return kills


async def _somebody_was_rescued(race: Race) -> None:
    """How soon hangs on the machine."""
    for _ in range(600):
        figures = Figures.of(race.history)
        if figures.unanswered and figures.rescued:
            return
        await asyncio.sleep(0.1)


async def _some_more(race: Race, storm: Storm) -> None:
    """Wait for so many bookings, and as long as it takes to spread the kills evenly."""
    due = race.watch.seconds() + storm.plan.seconds / (storm.kills + 1)
    enough = len(acknowledged(race.history)) + storm.bookings_between
    for _ in range(6000):
        if race.watch.seconds() >= due and len(acknowledged(race.history)) >= enough:
            return
        await asyncio.sleep(0.1)
