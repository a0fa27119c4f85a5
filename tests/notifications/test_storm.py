"""Workers are killed and stopped while they send, and appointments are cancelled meanwhile.

Nothing that is true stays unsent, nothing is sent more than twice, and nothing whose sending began
after its cancellation was acknowledged.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.api import START, Api, Person
from tests.bootstrap.processes import environment
from tests.forked import forked
from tests.notifications.conftest import reachable
from tests.notifications.office import Carrier, Office
from tests.patience import PATIENCE

OPEN_LEFT = """SELECT count(*) FROM message_ledger
 WHERE state IN ('planned', 'claimed', 'sending', 'unknown') AND due_at <= now()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`every` and `stopped` are seconds; so many of `appointments` are cancelled."""

    appointments: int
    cancelled: int
    workers: int
    kills: int
    every: float
    stops: int
    stopped: float


SHORT = Plan(appointments=60, cancelled=15, workers=2, kills=4, every=0.4, stops=1, stopped=2.5)
LONG = Plan(appointments=2000, cancelled=200, workers=4, kills=60, every=0.5, stops=9, stopped=10)


@dataclass
class Provider:
    """Takes messages line by line; some answers are lost, some late."""

    chance: random.Random
    began: dict[tuple[str, UUID], list[float]] = field(default_factory=lambda: defaultdict(list))
    calls: Counter[str] = field(default_factory=Counter)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if line := await reader.readline():
                said = json.loads(line)
                kind, appointment_id, *_ = said["text"].split(" ")
                self.calls[said["id"]] += 1
                self.began[kind, UUID(appointment_id)].append(said["began"])
                fate = self.chance.random()
                await asyncio.sleep(0.3 if fate < 0.1 else 0.01)
                if fate < 0.97:
                    writer.write(f"id {said['id']}\n".encode())
                    await writer.drain()
        writer.close()


class Workers:
    """Forked by a process that has loaded everything, which is asked over the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.alive: list[int] = []
        self.stopped: list[int] = []
        self.waiting: list[asyncio.TimerHandle] = []

    async def more(self) -> None:
        self._writer.write(b"\n")
        self.alive.append(int(await self._reader.readline()))

    def kill(self, pid: int) -> None:
        self.alive.remove(pid)
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        for one in self.waiting:
            one.cancel()
        for pid in (*self.alive, *self.stopped):
            os.kill(pid, signal.SIGKILL)
        self._writer.close()


@asynccontextmanager
async def workers(url: str, port: int, place: Path) -> AsyncIterator[Workers]:
    asked = asyncio.get_running_loop().create_future()

    def came(*connection: Any) -> None:
        asked.set_result(Workers(*connection))

    server = await asyncio.start_server(came, "127.0.0.1", 0)
    own = server.sockets[0].getsockname()[1]
    given = (url, str(port), str(own), str(place / "workers.log"))
    program = "tests.notifications.workers"
    async with server:
        with forked(*given, env=environment(), cwd=place, module=program):
            made = await asyncio.wait_for(asked, PATIENCE)
            try:
                yield made
            finally:
                made.end()


async def harass(plan: Plan, made: Workers, chance: random.Random) -> None:
    """Kill workers, start others in their place, and let some stand still for a while."""
    stops = chance.sample(range(plan.kills), plan.stops)
    for number in range(plan.kills):
        await asyncio.sleep(plan.every)
        victim = chance.choice(made.alive)
        if number in stops:
            os.kill(victim, signal.SIGSTOP)
            made.alive.remove(victim)
            made.stopped.append(victim)
            waiting = asyncio.get_running_loop().call_later(plan.stopped, go_on, made, victim)
            made.waiting.append(waiting)
        else:
            made.kill(victim)
        await made.more()


def go_on(made: Workers, pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
    made.stopped.remove(pid)
    made.alive.append(pid)


async def cancel_some(
    api: Api, bookings: list[tuple[str, Person]], plan: Plan, chance: random.Random
) -> dict[UUID, float]:
    """Return when each cancellation was acknowledged, by the machine's clock."""
    told = {}
    pause = plan.kills * plan.every / plan.cancelled
    for booking_id, patient in chance.sample(bookings, plan.cancelled):
        await asyncio.sleep(chance.uniform(0, pause))
        answer = await api.post(f"/v1/bookings/{booking_id}/cancel", {}, patient)
        while answer.status_code == 503:
            answer = await api.post(f"/v1/bookings/{booking_id}/cancel", {}, patient)
        assert answer.status_code == 200, answer.text
        told[UUID(booking_id)] = time.monotonic()
    return told


async def book(api: Api, count: int) -> list[tuple[str, Person]]:
    clinic = await api.clinic(policy={"reminder_offsets_minutes": []})
    made = []
    for _ in range(0, count, 20):
        doctor = await api.doctor(clinic)
        for slot in await api.slots(doctor, 20, start=START, minutes=15):
            patient = await reachable(api)
            answer = await api.book(slot, patient)
            assert answer.status_code == 201, answer.text
            made.append((answer.json()["id"], patient))
    return made[:count]


@pytest.mark.parametrize(
    "plan",
    [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.proof)],
)
async def test_what_is_true_is_told_and_nothing_else(
    api: Api, database_url: str, tmp_path: Path, plan: Plan
) -> None:
    chance = random.Random(7)
    office = Office(api.container.database(), email=Carrier("none"), sms=None)
    bookings = await book(api, plan.appointments)
    provider = Provider(chance)
    server = await asyncio.start_server(provider.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, workers(database_url, port, tmp_path) as made:
        for _ in range(plan.workers):
            await made.more()
        planning = asyncio.create_task(plan_on(office))
        try:
            async with asyncio.TaskGroup() as troubles:
                cancelling = troubles.create_task(cancel_some(api, bookings, plan, chance))
                troubles.create_task(harass(plan, made, chance))
            await all_ended(office)
        finally:
            planning.cancel()
    cancelled = cancelling.result()
    calls = sorted(Counter(provider.calls.values()).items())
    sys.stdout.write(f"calls of a message: {calls}; cancelled: {len(cancelled)}\n")
    confirmed = {one for kind, one in provider.began if kind == "confirmation"}
    assert confirmed >= {UUID(one) for one, _ in bookings} - cancelled.keys()
    assert {one for kind, one in provider.began if kind == "cancellation"} == cancelled.keys()
    assert max(provider.calls.values()) <= 2
    for (kind, appointment_id), began in provider.began.items():
        if kind == "confirmation" and appointment_id in cancelled:
            assert max(began) <= cancelled[appointment_id]
    for row in await office.rows():
        # Nobody knows of either of two attempts what became of it.
        is_unknown = (row["state"], row["reason"], row["began"]) == ("failed", "unknown", 2)
        assert is_unknown or row["state"] in {"sent", "withdrawn"}


async def plan_on(office: Office) -> None:
    while True:
        await office.plan()
        await asyncio.sleep(0.05)


async def all_ended(office: Office) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            await office.plan()
            async with office.database.reading() as connection:
                if not await connection.fetchval(OPEN_LEFT):
                    return
            await asyncio.sleep(0.1)
