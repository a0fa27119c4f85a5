"""PostgreSQL is killed while clients race: what was acknowledged is there, and nothing is twice."""

import asyncio
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from booking_system.bootstrap.race.deployment import Deployment
from booking_system.bootstrap.race.plan import Plan
from booking_system.bootstrap.race.report import Report
from tests.api import running_api
from tests.postgres import TestServer, running_server
from tests.races import Race, acknowledged, tell
from tests.servers import serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """How often the server is killed, and how much has to be done in spite of it."""

    plan: Plan
    kills: int
    bookings: int


SHORT = Storm(
    plan=Plan(clients=16, desks=4, seconds=6, doctors=4, slots_per_doctor=12, hanging_up=0.1),
    kills=2,
    bookings=50,
)
LONG = Storm(
    plan=Plan(clients=64, seconds=100, doctors=32, hanging_up=0.1),
    kills=20,
    bookings=1000,
)


@pytest.mark.xdist_group("crashes")
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
            with serving(url, tmp_path) as address:
                race = Race(Deployment(url=address), api.admin.token, storm.plan)
                await race.prepare()
                async with asyncio.timeout(90 + storm.plan.seconds):
                    history, kills = await asyncio.gather(race.run(), _kill(server, storm))

    report = Report.of(history, storm.plan)
    tell(report)
    assert report.violations == []
    assert report.figures.unanswered > 0
    assert report.figures.rescued > 0
    assert report.figures.acknowledged["book"] >= storm.bookings
    assert len(kills) == storm.kills
    booked = [one.ended for one in acknowledged(history)]
    for killed, killed_again in pairwise(kills):
        assert any(killed < at < killed_again for at in booked)


async def _kill(server: TestServer, storm: Storm) -> list[float]:
    """Kill at even distances; return when, in seconds since the start."""
    started, kills = time.monotonic(), []
    for number in range(1, storm.kills + 1):
        due = started + number * storm.plan.seconds / (storm.kills + 1)
        await asyncio.sleep(due - time.monotonic())
        kills.append(time.monotonic() - started)
        await asyncio.to_thread(server.server.kill)
    return kills
