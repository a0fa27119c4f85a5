"""A fleet whose parts go away one after the other, while 32 clients book through its balancer."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest

from booking_lab.fleet.between import flush
from booking_lab.fleet.whole import Fleet
from booking_lab.race.deployment import Deployment
from booking_lab.race.history import Attempt
from booking_lab.race.plan import Plan
from booking_lab.race.report import Report
from booking_system.bootstrap import pooler_check
from booking_system.bootstrap.checks import database_findings
from booking_system.bootstrap.migrations import THROUGH_A_POOLER
from booking_system.bootstrap.settings import Settings
from tests.api import START, Api, running_api
from tests.bootstrap.roles import said
from tests.consultations.surgery import surgery
from tests.fleet.watching import Follower, Looks, Talker, Watched
from tests.forked import NURSERY, Forked
from tests.integrations.reading import Told
from tests.patience import PATIENCE, soon
from tests.races import Race, acknowledged, tell

pytestmark = pytest.mark.proof

PLAN = Plan(clients=32, seconds=60, doctors=16, desks=6, hanging_up=0.0)
LONGEST = 3600.0
BOOKINGS_BETWEEN = 40
FROZEN_SECONDS, PAUSED_SECONDS = 3.0, 10.0
NOTICED_SECONDS = 1.0
"""So long after a kill its sockets may live, until the kernel has taken the process apart."""
OVERLOADED = "overloaded"
"""What a busy machine says in any case; nothing was lost by it."""


@dataclass
class Disturbance:
    """What was done, and the requests that failed from then on until the next was."""

    name: str
    began: float
    failed: list[Attempt] = field(default_factory=list)
    attempts: int = 0

    def codes(self) -> Counter[str]:
        return Counter(
            "no answer" if one.answer is None else f"{one.answer.status} {one.answer.code}"
            for one in self.failed
        )

    @property
    def lost(self) -> list[Attempt]:
        """Those that a busy machine does not explain."""
        return [one for one in self.failed if one.answer is None or one.answer.code != OVERLOADED]

    def line(self) -> str:
        told = ", ".join(f"{count} × {code}" for code, count in self.codes().items()) or "none"
        return f"{self.name:28} at {self.began:6.1f} s, {self.attempts:5} requests, failed: {told}"


def forked_from_the_nursery(
    *arguments: str, log: Path, folder: Path, environment: Mapping[str, str]
) -> Forked:
    """To load the program takes a busy machine a minute, each time."""
    process = NURSERY.fork(*arguments, env=environment, cwd=folder, module=None)
    assert process.stdout is not None

    def keep(said: IO[str]) -> None:
        with said, log.open("a", encoding="utf-8") as kept:
            for line in said:
                kept.write(line)
                kept.flush()

    threading.Thread(target=keep, args=(process.stdout,), daemon=True).start()
    return process


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    # What lacks is told in its own words, and is a failure.
    settings: dict[str, object] = {"rate_limit": "off", "log_level": "info"}
    with Fleet(settings=settings, starts=forked_from_the_nursery) as fleet:
        yield fleet


@asynccontextmanager
async def inside(fleet: Fleet) -> AsyncIterator[Api]:
    """An application on the fleet's own database and keys, to prepare things and to look."""
    settings = {"public_url": fleet.url}
    async with running_api(
        fleet.servers.url("booking_api"), fleet.folder / "data", **settings
    ) as api:
        yield api


async def test_parts_go_away_and_nothing_is_lost(fleet: Fleet) -> None:
    looks = Looks()
    async with inside(fleet) as api:
        race = Race(Watched(url=fleet.url, looks=looks), api.admin.token, PLAN)
        race.watch.until = LONGEST
        await race.prepare()
        async with following(fleet, api) as seen:
            disturbing = asyncio.create_task(disturb(fleet, race))
            async with asyncio.timeout(1800):
                history, disturbances = await asyncio.gather(race.run(), disturbing)
            report = Report.of(history, PLAN)
            assign(history.attempts, disturbances)
            tell(
                report,
                *(one.line() for one in disturbances),
                f"searches for what was just booked: {looks.made}, still offered: "
                f"{len(looks.still_offered)}, unanswered: {looks.unanswered}",
                *seen.lines(),
            )
            assert report.violations == []
            assert looks.still_offered == []
            assert looks.made >= len(acknowledged(history)) // 2
            judge(disturbances)
            await seen.agrees(api)


def judge(disturbances: list[Disturbance]) -> None:
    by_name = {one.name: one for one in disturbances}
    for harmless in ("SIGTERM", "flushed", "stopped", "frozen", "paused"):
        found = [one for name, one in by_name.items() if harmless in name]
        assert found
        for one in found:
            assert one.lost == [], one.line()
    (killed,) = [one for name, one in by_name.items() if "kill -9" in name]
    late = [one for one in killed.lost if one.invoked > killed.began + NOTICED_SECONDS]
    assert late == [], "only what was under way may fail"
    # The clients came to an end with each of them: the report would say what is unsure.


def assign(attempts: list[Attempt], disturbances: list[Disturbance]) -> None:
    """Each attempt belongs to the last disturbance before its end."""
    for attempt in attempts:
        before = [one for one in disturbances if one.began <= attempt.ended]
        if before:
            before[-1].attempts += 1
            if attempt.answer is None or attempt.answer.status >= 500:
                before[-1].failed.append(attempt)


async def disturb(fleet: Fleet, race: Race) -> list[Disturbance]:
    """Do it all, with some bookings before each; the race is over after the last."""
    done: list[Disturbance] = []

    async def begin(name: str) -> None:
        enough = len(acknowledged(race.history)) + BOOKINGS_BETWEEN
        due = race.watch.seconds() + PLAN.seconds / 10
        await soon(
            lambda: race.watch.seconds() >= due and len(acknowledged(race.history)) >= enough
        )
        done.append(Disturbance(name, race.watch.seconds()))

    async def back(part: Any) -> None:
        part.begin()
        await asyncio.to_thread(part.wait)

    ends, dies, goes = fleet.instances
    await begin("an instance ends by SIGTERM")
    assert ends.ask_to_end()
    assert await asyncio.to_thread(ends.ended) == 0
    await back(ends)
    await begin("an instance dies by kill -9")
    dies.kill()
    await back(dies)
    # So that all sockets and streams were on an instance that went.
    await begin("the last ends by SIGTERM")
    assert goes.ask_to_end()
    assert await asyncio.to_thread(goes.ended) == 0
    await back(goes)
    await begin("Redis is flushed")
    flush(fleet.redis)
    await begin("Redis is stopped")
    await asyncio.to_thread(fleet.redis.stop)
    await asyncio.sleep(FROZEN_SECONDS)
    await back(fleet.redis)
    await begin("Redis is frozen")
    fleet.redis.freeze()
    await asyncio.sleep(FROZEN_SECONDS)
    fleet.redis.go_on()
    await begin("the replica is paused")
    fleet.servers.standby.freeze()
    await asyncio.sleep(PAUSED_SECONDS)
    fleet.servers.standby.go_on()
    await begin("PgBouncer dies and is back")
    fleet.pooler.kill()
    await back(fleet.pooler)
    await begin("PgBouncer is restarted")
    await asyncio.to_thread(fleet.pooler.stop)
    await back(fleet.pooler)
    await begin("nothing more happens")
    race.watch.until = max(PLAN.seconds, race.watch.seconds() + 1.5)
    return done


@dataclass
class Seen:
    """What followers and pages of a room were told."""

    doctor: Talker
    patient: Talker
    slots: Follower
    clinic: Follower
    open_slots: set[str]
    events: list[int]
    params: dict[str, str]

    def lines(self) -> list[str]:
        room, came = len(self.patient.said), (self.doctor.came, self.patient.came)
        return [
            f"room: {room} said, doctor and patient came {came} times",
            f"live slots: came {self.slots.came} times",
            f"clinic's stream: came {self.clinic.came} times, {len(self.events)} events",
        ]

    async def agrees(self, api: Api) -> None:
        """All came again, and know by now what there is to know."""
        for one in (self.doctor, self.patient, self.slots, self.clinic):
            assert one.came > 1, "no part that went away was its own"
        self.patient.is_over = True
        said = self.patient.said
        await soon(lambda: len(self.doctor.heard) == len(self.patient.heard) == len(said))
        assert [text for _, text in self.doctor.heard] == [
            f"patient {number}" for number in range(1, len(said) + 1)
        ]
        async with asyncio.timeout(PATIENCE):
            while self.open_slots != await self._open(api):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        there = await self._told(api)
        await soon(lambda: len(self.events) >= len(there))
        assert self.events == there

    async def _open(self, api: Api) -> set[str]:
        answer = await api.get("/v1/slots", None, limit=200, **self.params)
        return {one["id"] for one in answer.json()["items"]}

    async def _told(self, api: Api) -> list[int]:
        """The clinic's events by the feed itself, from the first on that the stream told."""
        found, after = list[int](), 0
        clinic_id = self.doctor.room.clinic["id"]
        while True:
            about = {"clinic_id": clinic_id, "after": after, "limit": 200}
            page = (await api.get("/v1/events", api.admin, **about)).json()
            found += [one["seq"] for one in page["items"] if one["name"].startswith("booking.")]
            if not page["items"]:
                return found[found.index(self.events[0]) :]
            after = page["next_after"]


async def book_and_cancel(api: Api, slots: list[dict[str, Any]]) -> None:
    """One a second, past the balancer, whose clients are the race's; each third is given back."""
    for number, one in enumerate(slots):
        patient = await api.patient()
        booked = await api.book(one, patient)
        assert booked.status_code == 201
        if number % 3 == 0:
            await api.post(f"/v1/bookings/{booked.json()['id']}/cancel", {}, patient)
        await asyncio.sleep(1)


@asynccontextmanager
async def following(fleet: Fleet, api: Api) -> AsyncIterator[Seen]:
    """A room, live slots and a clinic's stream, through the balancer; somebody books there."""
    room = await surgery(api)
    doctor = await api.doctor(room.clinic)
    slots = await api.slots(doctor, 60)
    desk = await api.receptionist(room.clinic["id"])
    params = {
        "doctor_id": doctor["id"],
        "from": START.isoformat(),
        "to": (START + timedelta(days=10)).isoformat(),
    }
    open_slots, events = {one["id"] for one in slots}, list[int]()

    def slot(told: Told) -> None:
        if told.name == "slot":
            is_open = told.data["status"] == "open"
            (open_slots.add if is_open else open_slots.discard)(told.data["id"])

    def event(told: Told) -> None:
        if told.name.startswith("booking."):
            events.append(int(told.id))

    seen = Seen(
        doctor=Talker(fleet.url, room, room.doctor),
        patient=Talker(fleet.url, room, room.patient, says="patient"),
        slots=Follower(fleet.url, "/v1/slots/stream", params, slot),
        clinic=Follower(
            fleet.url, f"/v1/clinics/{room.clinic['id']}/stream", {}, event, desk.headers
        ),
        open_slots=open_slots,
        events=events,
        params=params,
    )

    work: list[Callable[[], Awaitable[None]]] = [
        seen.doctor.talk,
        seen.patient.talk,
        seen.slots.follow,
        seen.clinic.follow,
        partial(book_and_cancel, api, slots),
    ]
    tasks = [asyncio.ensure_future(one()) for one in work]
    try:
        yield seen
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


POOLER_KILLS = 10
STORM = Plan(clients=16, seconds=20, doctors=8, desks=4, hanging_up=0.0)


async def test_a_pooler_that_dies_amid_commits_misleads_nobody(fleet: Fleet) -> None:
    async with inside(fleet) as api:
        race = Race(Deployment(url=fleet.url), api.admin.token, STORM)
        race.watch.until = LONGEST
        await race.prepare()

        async def kill() -> None:
            for _ in range(POOLER_KILLS):
                enough = len(acknowledged(race.history)) + 5
                await soon(partial(has, race, enough))
                fleet.pooler.kill()
                fleet.pooler.begin()
                await asyncio.to_thread(fleet.pooler.wait)
            race.watch.until = max(STORM.seconds, race.watch.seconds() + 1.5)

        async with asyncio.timeout(1800):
            history, _ = await asyncio.gather(race.run(), kill())
    report = Report.of(history, STORM)
    tell(report)
    assert report.violations == []
    assert report.figures.rescued > 0, "no kill was amid a commit"


def has(race: Race, count: int) -> bool:
    return len(acknowledged(race.history)) >= count


async def test_check_says_what_the_pooler_lacks(fleet: Fleet) -> None:
    told = fleet.surroundings.settings
    addresses = {name: told[name] for name in ("database_url", "database_direct_url")}
    settings = Settings(**addresses, data_dir=fleet.folder / "data")

    async def found() -> tuple[str, ...]:
        return (await database_findings(settings)).unsafe

    async def pooled_by(text: str) -> None:
        config.write_text(text, encoding="utf-8")
        await asyncio.to_thread(fleet.pooler.stop)
        await asyncio.to_thread(fleet.pooler.start)

    config = fleet.folder / "pgbouncer.ini"
    usual = config.read_text(encoding="utf-8")
    assert await found() == ()
    without = settings.model_copy(update={"database_direct_url": None})
    (refused,) = (await database_findings(without)).database
    assert THROUGH_A_POOLER in refused
    try:
        await pooled_by(
            usual.replace("max_prepared_statements = 200", "max_prepared_statements = 0")
        )
        assert await found() == (pooler_check.UNPREPARED,)
        await said(fleet.servers.superuser, "ALTER ROLE booking_api RESET lock_timeout")
        await pooled_by(usual)
        (sentence,) = await found()
        assert "`ALTER ROLE booking_api SET lock_timeout = '1000'`" in sentence
    finally:
        await said(fleet.servers.superuser, "ALTER ROLE booking_api SET lock_timeout = '1000'")
        await pooled_by(usual)
    assert await found() == ()
