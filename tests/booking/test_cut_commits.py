"""The link to PostgreSQL breaks at every fifth COMMIT: everybody learns what came of it."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from booking_lab.race.asking import Asking, Told
from booking_lab.race.deployment import Deployment
from booking_lab.race.door import Door
from booking_lab.race.history import Kind, Operation, Outcome
from booking_lab.race.plan import Plan
from booking_lab.race.report import Report
from booking_system.bootstrap.postgres_cluster import PORT
from tests.api import running_api
from tests.cutting import CuttingLink, Fate
from tests.postgres import TestServer
from tests.races import Race, tell
from tests.servers import serving_aside

CALLERS = 16
RIVALS_FOR_EVERY = 8
"""Somebody else wants one slot of so many, too, and may be told that it is taken."""


def plan_for(doctors: int, slots_per_doctor: int) -> Plan:
    """Two patients for each doctor: who books there, and the rival. Nobody hangs up."""
    return Plan(
        desks=1,
        clients=2 * doctors,
        doctors=doctors,
        slots_per_doctor=slots_per_doctor,
        hanging_up=0.0,
        twins=0.0,
        repeats=0.0,
    )


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(plan_for(6, 12), id="short"),
        pytest.param(plan_for(20, 100), id="long", marks=pytest.mark.proof),
    ],
)
async def test_whoever_owns_a_booking_is_told_so_and_nobody_else(
    postgres: TestServer, tmp_path: Path, plan: Plan
) -> None:
    link = CuttingLink(postgres.server.sockets / f".s.PGSQL.{PORT}", share=0.2)
    async with (
        postgres.database() as url,
        running_api(url, tmp_path) as api,
        link.listening() as port,
        serving_aside(_through(port, url), tmp_path, processes=1) as address,
    ):
        race = Race(Deployment(url=address), api.admin.token, plan)
        await race.prepare()
        link.is_cutting = True
        told = await _book_everything(race)
        link.is_cutting = False
        async with race.deployment.client() as client:
            race.history.rows = await race.arena.rows(client)

    report = Report.of(race.history, plan)
    tell(report, str(dict(link.fates)))
    slots = plan.doctors * plan.slots_per_doctor
    assert report.violations == []
    assert {one.attempt.outcome for one in told} == {Outcome.OK, Outcome.REFUSED}
    assert report.figures.acknowledged == {Kind.BOOK: slots}
    assert sorted(row.slot for row in race.history.rows) == sorted(race.history.spans)
    assert report.figures.rescued > slots // 20
    assert min(link.fates[Fate.CUT_BEFORE], link.fates[Fate.CUT_AFTER]) > 0


async def _book_everything(race: Race) -> list[Told]:
    """Every slot is somebody's in the end; all wishes in an order that mixes rivals."""
    wishes, dice = list(_wishes(race)), random.Random(race.plan.seed)
    dice.shuffle(wishes)
    told, watch = list[Told](), race.watch

    async def book(number: int) -> None:
        async with race.deployment.client() as client:
            door = Door(
                number=number,
                desk=0,
                client=client,
                tokens=race.arena.desks[0],
                history=race.history,
                watch=watch,
            )
            asking = Asking(door=door, plan=race.plan, dice=dice)
            while wishes:
                told.append(await asking.ask(wishes.pop()))

    await asyncio.gather(*(book(number) for number in range(CALLERS)))
    return told


def _wishes(race: Race) -> Iterator[Operation]:
    """Whoever books at a doctor has no other appointment at that time, and the rival has none."""
    patients, plan = race.arena.own_patients, race.plan
    for place, slot in enumerate(race.arena.slots):
        doctor = place // plan.slots_per_doctor
        rivals = [patients[doctor]]
        if place % RIVALS_FOR_EVERY == 0:
            rivals.append(patients[plan.doctors + doctor])
        for patient in rivals:
            yield Operation(kind=Kind.BOOK, key=str(uuid4()), patient=patient, slot=slot)


def _through(port: int, url: str) -> str:
    database = url.partition("@/")[2].partition("?")[0]
    return f"postgresql://postgres@127.0.0.1:{port}/{database}"
