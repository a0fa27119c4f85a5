"""An upgrade and its roll-back under load: two versions serve side by side, and nobody notices.

The short form is in `tests/architecture/test_expanding.py`: bookings while a migration waits.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from booking_lab.race.deployment import Deployment
from booking_lab.race.plan import Plan
from booking_lab.race.report import Report
from booking_system.bootstrap import migrations
from tests.api import running_api
from tests.architecture.newer import Later
from tests.bootstrap.rolling import Fleet, Front, Version, copied, reworded
from tests.patience import PATIENCE
from tests.postgres import TestServer
from tests.races import Race, acknowledged, tell

PLAN = Plan(clients=32, doctors=16, hanging_up=0.0)
LONGEST, BOOKINGS_BETWEEN = 500.0, 40
STEPS = (
    Later(
        up=["ALTER TABLE appointments ADD COLUMN booked_with text"],
        down=["ALTER TABLE appointments DROP COLUMN booked_with"],
    ),
    Later(
        revision="9002",
        up=["make_index_online('ix_x', 'appointments', ['created_at', 'booked_with'])"],
        down=["drop_index_online('ix_x')"],
    ),
)
ROW = """row = VALUE | {"updated_at": VALUE["created_at"]}"""
COUNTS = "SELECT count(*) FILTER (WHERE booked_with = 'later'), count(*) FROM appointments"


def write_the_next_version(tree: Path) -> None:
    """It has a column and an index more, and writes into the column."""
    copied(tree)
    before = migrations.newest()
    for step in STEPS:
        step.write(tree / "migrations" / "versions", before)
        before = step.revision
    booking = tree / "src" / "booking_system" / "booking"
    reworded(
        booking / "records" / "tables.py",
        '    Column("price_amount", Integer),\n',
        '    Column("price_amount", Integer),\n    Column("booked_with", Text),\n',
    )
    statements = booking / "adapters" / "add_statements.py"
    reworded(statements, ROW, f"""{ROW} | {{"booked_with": literal_column("'later'")}}""")
    reworded(statements, "    insert,\n", "    insert,\n    literal_column,\n")


@pytest.mark.proof
async def test_an_upgrade_and_its_roll_back_fail_no_request(
    postgres: TestServer, tmp_path: Path
) -> None:
    place, tree = tmp_path / "data", tmp_path / "later"
    place.mkdir()
    write_the_next_version(tree)
    front = Front()
    async with postgres.database() as url, running_api(url, place) as api:
        usual, later = (Version(one, place, url) for one in (migrations.ROOT, tree))
        async with AsyncExitStack() as opened:
            opened.push_async_callback(front.end)
            fleet = Fleet(front, opened)
            for _ in range(2):
                await fleet.add(usual)
            await fleet.let_work(usual)
            race = Race(Deployment(url="http://front", transport=front), api.admin.token, PLAN)
            race.watch.until = LONGEST
            await race.prepare()
            racing = asyncio.create_task(race.run())
            try:
                counts = await _there_and_back(race, fleet, usual, later)
            finally:
                race.watch.until = race.watch.seconds()
            history = await racing

    report = Report.of(history, PLAN)
    tell(report, *counts)
    assert report.violations == []
    assert report.figures.unanswered == 0
    assert [one for one in report.figures.answers if one.startswith("5")] == []


async def _there_and_back(race: Race, fleet: Fleet, usual: Version, later: Version) -> list[str]:
    told = []

    async def go_on(step: str) -> None:
        enough = len(acknowledged(race.history)) + BOOKINGS_BETWEEN
        async with asyncio.timeout(PATIENCE):
            while len(acknowledged(race.history)) < enough:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        told.append(f"{race.watch.seconds():6.1f} s  {step}")

    await go_on("the version before")
    await later.does("migrate")
    await go_on("its tables are the next version's")
    await fleet.let_work(later)
    for _ in range(2):
        await fleet.replace_the_oldest(later)
        await go_on("one more instance of the next version")
    new, both = await _counted(usual.database_url)
    assert 0 < new < both
    for _ in range(2):
        await fleet.replace_the_oldest(usual)
        await go_on("one more instance of the version before")
    await fleet.let_work(usual)
    await later.does("migrate", "--back-to", migrations.newest())
    await go_on("its own tables again")
    return [*told, f"{new} of {both} appointments were made by the next version by then"]


async def _counted(url: str) -> tuple[int, int]:
    connection = await asyncpg.connect(url)
    try:
        new, both = await connection.fetchrow(COUNTS)
    finally:
        await connection.close()
    return new, both
