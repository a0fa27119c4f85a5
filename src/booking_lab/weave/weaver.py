"""One run: a plan, a chooser, and all that came of it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from booking_lab.weave.answers import wrong_answer
from booking_lab.weave.backends import Backends
from booking_lab.weave.background import Background, Feeding
from booking_lab.weave.coincidences import Notes
from booking_lab.weave.connection import Spares, WovenConnection
from booking_lab.weave.deeds import Deed, Part, Plan
from booking_lab.weave.ending import wrong_at_the_end
from booking_lab.weave.judging import wrong_now, wrong_since
from booking_lab.weave.loom import Choice, DeadlockError, Happening, Loom
from booking_lab.weave.messages.office import Office
from booking_lab.weave.names import name_of
from booking_lab.weave.payments.provider import PAY
from booking_lab.weave.payments.till import Till
from booking_lab.weave.people import NothingToDo, People
from booking_lab.weave.records import LEFT, NOTHING, OK, UNKNOWN, Record
from booking_lab.weave.rooms.door import Door
from booking_lab.weave.scene import BEGIN, Scene
from booking_lab.weave.seen import Seen, seen
from booking_lab.weave.service import Service
from booking_lab.weave.sources import NOW, SEARCH_PATH, Chances, decided, set_now
from booking_lab.weave.threads import THREAD, Order, Place, Thread
from booking_system.platform.postgres.leases import Leases
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.shared_kernel.errors import Refusal, Transient

CONNECTIONS = 8
SERVER_SETTINGS = {
    "application_name": "weave",
    "timezone": "UTC",
    "jit": "off",
    "search_path": SEARCH_PATH,
    # Who waits is found out by the weave, and for how long does not matter.
    "deadlock_timeout": "600s",
    "synchronous_commit": "off",
    "plan_cache_mode": "force_generic_plan",
}
ENDS = frozenset({"COMMIT", "CLOCK", PAY})
"""Behind these others see something that they did not see before."""
Chooser = Callable[[Sequence[Choice], Loom], Choice]


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    happenings: list[Happening] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def trace(self) -> str:
        """Return a digest of all that happened, which the same seed has again."""
        answers = [(one.actor, one.deed, one.answer) for one in self.records]
        told = repr((self.happenings, answers, self.wrong, self.rows))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


class Weaver:
    """Runs plans on one database, one after the other."""

    def __init__(self, service: Service, scene: Scene, *, looks: Sequence[Any]) -> None:
        """`looks` are two further connections: one looks at processes, one at rows."""
        self.service, self._scene = service, scene
        observer, self._eyes = looks
        self._feeding = Feeding(service, self._eyes)
        about = (service, self._eyes, self._feeding)
        self._known: dict[str, Background] = {
            "messages": Office(*about),
            "payments": Till(*about),
            "rooms": Door(*about),
        }
        self._beside: Background | None = None
        self._backends = Backends(observer)
        others = {name: does for one in self._known.values() for name, does in one.deeds.items()}
        others["wait"] = self._feeding.wait
        self._people = People(service, self._eyes, others)
        self._chances = Chances()
        self._committed: list[Seen] = []
        self._current: dict[str, Record] = {}
        self._is_judged = False
        self._runs = 0

    async def run(self, plan: Plan, choose: Chooser) -> Outcome:
        """Bring the scene's rows back, then run the plan; `choose` says whose turn it is."""
        self._beside = self._known.get(plan.about)
        await self._begin()
        outcome = Outcome()
        with decided(self._chances):
            for number, deed in enumerate(plan.before):
                await self._one("before", deed, f"before {number}", outcome)
            threads = [Thread(part.name) for part in plan.parts]
            loom = Loom(self._backends, threads, partial(self._heard, outcome))
            works = [partial(self._all_of, part, outcome) for part in plan.parts]
            try:
                await loom.begin(works)
                await self._woven(loom, choose, outcome)
            except DeadlockError as error:
                outcome.wrong.append(f"deadlock: {error}")
            finally:
                await self._let_go(loom)
            if not outcome.wrong:
                await self._finish(outcome)
        return outcome

    async def _begin(self) -> None:
        self._runs += 1
        await self._scene.again(is_large=self._runs % 200 == 0)
        self.service.begin()
        self._chances.begin()
        self._feeding.begin()
        if self._beside is not None:
            self._beside.begin()
        await set_now(self._eyes, BEGIN)
        await self._warm()
        self._committed = [await seen(self._eyes, BEGIN)]
        self._current = {}

    async def _warm(self) -> None:
        """Open every connection that broke in the run before, so that no run opens any."""
        leases = self.service.database.leases
        taken = [await leases.take() for _ in range(CONNECTIONS)]
        for lease in taken:
            await leases.give(lease)

    async def _woven(self, loom: Loom, choose: Chooser, outcome: Outcome) -> None:
        while not loom.is_done:
            choice = choose(loom.choices(), loom)
            outcome.choices.append(choice)
            step = next((one.step for one in loom.threads if one.name == choice.who), "")
            if choice.order is not Order.GO and choice.who in self._current:
                self._current[choice.who].misfortunes.append(choice.order)
            record = self._current.get(choice.who)
            self._is_judged = False
            await loom.do(choice)
            is_lost = choice.order in {Order.CUT, Order.LEAVE}
            if record is not None and step in ENDS and not (is_lost or self._is_judged):
                await self._audit(record, outcome)

    async def _audit(self, record: Record, outcome: Outcome) -> None:
        before, self._is_judged = self._committed[-1], True
        after = await seen(self._eyes, self.service.clock.moment)
        self._committed.append(after)
        if self._beside is not None:
            told = await self._beside.sees(after, record)
            outcome.wrong += [f"{record.actor}: {one}" for one in told]
        if record.actor == "before":
            return
        if record.deed.what == "wait":
            outcome.notes.clock(before, after, self._current)
        else:
            outcome.notes.commits(record, before, after, self._current)
        outcome.wrong += [f"{record.actor}: {one}" for one in wrong_now(after)]
        outcome.wrong += [f"{record.actor}: {one}" for one in wrong_since(before, after, record)]

    async def _all_of(self, part: Part, outcome: Outcome) -> None:
        for number, deed in enumerate(part.deeds):
            mark = f"key {deed.key}" if deed.key else f"{part.name} {number}"
            record = await self._one(part.name, deed, mark, outcome)
            if record.answer in UNKNOWN and deed.key and record.answer != LEFT:
                record = await self._one(part.name, deed, mark, outcome)
            if record.answer == LEFT:
                if self._beside is None or deed.what not in self._beside.workers:
                    return
                # A worker that died is begun again.
                if (thread := THREAD.get()) is not None:
                    thread.begins_again()

    async def _one(self, actor: str, deed: Deed, mark: str, outcome: Outcome) -> Record:
        now = self.service.clock.moment
        record = Record(actor, deed, mark, begun=len(self._committed) - 1, since=now)
        outcome.records.append(record)
        self._current[actor] = record
        if (thread := THREAD.get()) is not None:
            thread.slow_at = deed.slow
        shown = None
        try:
            shown = await self._people.do(deed, mark)
            answer = OK
        except NothingToDo:
            answer = NOTHING
        except Refusal as refusal:
            answer = refusal.code
        except Transient:
            answer = "transient"
        except asyncio.CancelledError:
            answer = LEFT
        except Exception as error:  # noqa: BLE001  (nothing else may come of a use case)
            answer, record.surprise = type(error).__name__, error
        record.answered(answer, shown=shown)
        if actor == "before" or answer in {OK, LEFT} or record.misfortunes:
            await self._audit(record, outcome)
        outcome.happenings.append(Happening(actor, "is told", answer))
        outcome.notes.answered(record)
        outcome.wrong += [f"{actor}: {one}" for one in wrong_answer(record, self._committed)]
        return record

    async def _heard(self, outcome: Outcome, happening: Happening) -> None:
        outcome.happenings.append(happening)
        outcome.notes.hears(happening, self._current, self._committed[-1])

    async def _let_go(self, loom: Loom) -> None:
        """Where a run ends early, nobody stays stopped and nothing stays locked."""
        left = [one for one in loom.threads if one.place is not Place.DONE]
        self._backends.end({one.pid for one in left} | {one.pid for one in loom.ghosts})
        for thread in left:
            await thread.end()

    async def _finish(self, outcome: Outcome) -> None:
        if (beside := self._beside) is not None:
            outcome.wrong += [f"in the end: {one}" async for one in beside.wrong_in_the_end()]
            outcome.rows = await beside.rows()
        last = await seen(self._eyes, self.service.clock.moment)
        outcome.rows += last.told()
        outcome.wrong += [one async for one in wrong_at_the_end(self._people, self._eyes, last)]


@asynccontextmanager
async def weaver_at(url: str) -> AsyncIterator[Weaver]:
    """A weaver on a migrated, empty database, which nobody else uses."""
    # Names are those of the statements as they are, also where one is replaced later.
    name_of("")
    connections = [await asyncpg.connect(url) for _ in range(3)]
    scene = Scene(connections[0])
    await scene.build()
    await connections[0].execute(NOW)
    engine = create_async_engine(
        sqlalchemy_url(url).update_query_dict({"prepared_statement_cache_size": "0"}),
        hide_parameters=True,
        pool_size=CONNECTIONS,
        max_overflow=0,
        connect_args={
            "async_creator_fn": Spares().connect,
            "connection_class": WovenConnection,
            "server_settings": SERVER_SETTINGS,
        },
    )
    database = Database(Leases(engine, size=CONNECTIONS))
    try:
        with TemporaryDirectory() as folder:
            yield Weaver(Service(url, database, Path(folder)), scene, looks=connections[1:])
    finally:
        await database.close()
        for connection in connections:
            await connection.close()
