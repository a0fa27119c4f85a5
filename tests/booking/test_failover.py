"""The primary is killed when nobody reaches its standby any more, and the standby takes its place.

Nothing that was acknowledged is lost, because nothing was acknowledged that the standby had not.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from booking_lab.race.asking import QUIET_SECONDS
from booking_lab.race.checking import Rule
from booking_lab.race.deployment import Deployment
from booking_lab.race.door import Door
from booking_lab.race.history import Attempt, Kind, Outcome
from booking_lab.race.plan import Plan
from booking_lab.race.report import Report
from booking_system.bootstrap import survival
from booking_system.bootstrap.settings import Settings
from tests.api import running_api
from tests.booking.pair import Pair, a_pair
from tests.patience import PATIENCE
from tests.races import Race, acknowledged, tell
from tests.replica import Standby
from tests.servers import serving_aside

pytestmark = pytest.mark.proof
PLAN = Plan(clients=32, seconds=3600, doctors=32, hanging_up=0.1)
BOOKINGS = 100
"""Before it begins, and on the new primary."""
SILENT_SECONDS = 5.0
FIRST_WRITE_SECONDS = 5.0
WRITE = "UPDATE feed_consumers SET tries = tries RETURNING 1"


class Course:
    """What happens while the clients race, and when, in seconds since its start."""

    def __init__(self, pair: Pair, race: Race) -> None:
        self.pair, self.race = pair, race
        self.silent = self.killed = self.promoted = self.first = 0.0

    def now(self) -> float:
        return self.race.watch.seconds()

    def booked(self, since: float, until: float) -> list[Attempt]:
        """Successes that were asked for and told between the two; replays, too."""
        told = self.race.history.told(Kind.BOOK)
        return [one for one in told if since <= one.invoked and one.ended <= until]

    async def run(self) -> None:
        await self._until(lambda: len(acknowledged(self.race.history)) >= BOOKINGS)
        self.silent, self.pair.link.is_silent = self.now(), True
        await asyncio.sleep(SILENT_SECONDS)
        self.pair.kill_old()
        self.killed = self.now()
        await self.pair.promote()
        self.promoted = self.now()
        await self._until(lambda: bool(self.booked(self.killed, self.now())))
        self.first = min(one.ended for one in self.booked(self.killed, self.now()))
        await self._until(lambda: len(self.booked(self.promoted, self.now())) >= BOOKINGS)
        self.race.watch.until = self.now() + QUIET_SECONDS

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def fought(pair: Pair, address: str, token: str) -> Course:
    race = Race(Deployment(url=address), token, PLAN)
    await race.prepare()
    course = Course(pair, race)
    async with asyncio.timeout(4 * PATIENCE):
        await asyncio.gather(race.run(), course.run())
    return course


async def administrator_of(pair: Pair, place: Path) -> str:
    async with running_api(pair.url, place) as api:
        return api.admin.token


async def test_no_acknowledged_booking_is_lost_with_the_primary(tmp_path: Path) -> None:
    async with a_pair(tmp_path) as pair:
        token = await administrator_of(pair, tmp_path)
        await pair.wait_for_standby()
        told = await survival.told(Settings(database_url=pair.url), is_embedded=False)
        assert any(one.startswith("The loss of the primary, with its disk,") for one in told)
        async with serving_aside(pair.url, tmp_path) as address:
            course = await fought(pair, address, token)
            replayed = await all_asked_again(course.race)
        report = Report.of(course.race.history, PLAN)
        tell(report, *said(course), f"{replayed} bookings asked for again, the same ones answered")
        assert report.violations == []
        assert course.booked(course.silent, course.killed) == []
        unknown = [
            one
            for one in course.race.history.attempts
            if one.answer is not None and one.answer.code == "outcome_unknown"
        ]
        assert unknown, "a client who waited in vain was told that nobody knows"
        assert replayed == len(acknowledged(course.race.history)) > 2 * BOOKINGS
        # Beside what is promised only as long as this machine takes for a booking anyway.
        usual = max(one.ended - one.invoked for one in course.booked(0.0, course.silent))
        assert course.first - course.promoted < FIRST_WRITE_SECONDS + usual

        await old_one_acknowledges_nothing(pair)
        async with serving_aside(pair.url, tmp_path, processes=1) as address:
            # It knows neither server, and the old one is named first.
            await book_once_more(course.race, Deployment(url=address))
        again = await pair.rewind_old()
        try:
            await follows(pair, again)
        finally:
            again.kill()


async def test_a_standby_that_nobody_waits_for_loses_bookings(tmp_path: Path) -> None:
    """So the proof above can fail, and this is what an asynchronous standby is worth."""
    async with a_pair(tmp_path) as pair:
        token = await administrator_of(pair, tmp_path)
        async with serving_aside(pair.url, tmp_path) as address:
            course = await fought(pair, address, token)
    report = Report.of(course.race.history, PLAN)
    lost = [one for one in report.violations if one.rule is Rule.LOST]
    tell(report, *said(course), f"{len(lost)} acknowledged bookings lost")
    assert lost


def said(course: Course) -> list[str]:
    told = (
        f"{len(course.booked(course.silent, course.killed))} bookings told in "
        f"{course.killed - course.silent:.1f} s of silence; promoted "
        f"{course.promoted - course.killed:.2f} s behind the kill, the first booking "
        f"{course.first - course.promoted:.2f} s behind that"
    )
    return [told]


async def all_asked_again(race: Race) -> int:
    """Ask for each acknowledged booking with its key; return how often it was the same one."""
    same = 0
    async with race.deployment.client() as client:
        for one in acknowledged(race.history):
            # A key is its account's.
            door = Door(
                number=one.client,
                desk=one.desk,
                client=client,
                tokens=race.arena.desks[one.desk],
                history=race.history,
                watch=race.watch,
            )
            told = await door.send(one.wish)
            assert told.answer is not None
            assert one.answer is not None
            is_same = told.outcome is Outcome.OK and told.answer.thing == one.answer.thing
            same += is_same and told.answer.is_replay
    return same


async def old_one_acknowledges_nothing(pair: Pair) -> None:
    await pair.start_old()
    writes = [pair.on_old(WRITE, seconds=SILENT_SECONDS) for _ in range(8)]
    for told in await asyncio.gather(*writes, return_exceptions=True):
        assert isinstance(told, TimeoutError)


async def book_once_more(race: Race, deployment: Deployment) -> None:
    numbers = count()
    async with deployment.client() as client:
        token = await race.arena.desks[0].current(client)
        for slot in race.arena.slots:
            key = f"once-more-of-22-characters-{next(numbers)}"
            answer = await client.post(
                "/v1/bookings",
                json={"time_slot_id": slot, "patient_id": race.arena.own_patients[0]},
                headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
            )
            if answer.status_code == 201:
                return
            assert answer.status_code == 409, answer.text
    raise AssertionError("no slot is free")


async def follows(pair: Pair, again: Standby) -> None:
    """The first primary is a standby now, and the new one waits for it."""
    await pair.new.execute("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby)'")
    await pair.new.execute("SELECT pg_reload_conf()")
    state = "SELECT sync_state FROM pg_stat_replication"
    async with asyncio.timeout(PATIENCE):
        while await pair.new.execute(state) != "quorum":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await pair.new.execute("CREATE TABLE seen ()")
    assert await again.execute("SELECT pg_is_in_recovery()") is True
    async with asyncio.timeout(PATIENCE):
        while await again.execute("SELECT to_regclass('seen') IS NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
