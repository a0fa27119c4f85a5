"""Runs one step at a time: the thread that was chosen moves, all others stand still."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from booking_lab.weave.backends import Backends
from booking_lab.weave.threads import Order, Place, Thread

LOOK_SECONDS = 0.001
"""A thread that has not come to its next step after so long may wait for a lock: the server is
asked, and asked again after as long. Only the server's answer counts, so this figure changes no
run."""
STUCK_SECONDS = 60.0


class Choice(NamedTuple):
    """Whose turn it is, and whether they do their step or have a misfortune."""

    who: str
    order: Order = Order.GO


class Happening(NamedTuple):
    """What happened at one step."""

    who: str
    what: str
    step: str = ""
    whom: tuple[str, ...] = ()


class DeadlockError(Exception):
    """Every thread that is not done waits for another."""


class StuckError(Exception):
    """A thread neither comes to its next step nor waits for a lock: a fault of the weave."""


@dataclass(eq=False, slots=True)
class Ghost:
    """A server's process that waits for a lock although its client is gone."""

    name: str
    pid: int
    place: Place = Place.WAITING


Tell = Callable[[Happening], Awaitable[None]]


@dataclass(slots=True)
class Loom:
    """The threads of a run, and who of them waits by PostgreSQL's word.

    `tell` is given every happening.
    """

    backends: Backends
    threads: Sequence[Thread]
    tell: Tell
    ghosts: list[Ghost] = field(default_factory=list)

    async def begin(self, work: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Bring every thread in front of its first step."""
        for thread, one in zip(self.threads, work, strict=True):
            rests = thread.resting()
            thread.begin(one)
            await rests

    def choices(self) -> list[Choice]:
        """Return what can come next, in an order that is the same each time."""
        found = list[Choice]()
        for thread in self.threads:
            if thread.place is Place.AT_STEP:
                found += [Choice(thread.name, order) for order in Order]
            elif thread.place is Place.AWAKE:
                found += [Choice(thread.name)]
            elif thread.place is Place.WAITING:
                found += [Choice(thread.name, order) for order in (Order.CUT, Order.LEAVE)]
        found += [Choice(one.name) for one in self.ghosts if one.place is Place.AWAKE]
        return found

    @property
    def is_done(self) -> bool:
        """Say whether every thread is done and no ghost is left."""
        return not self.ghosts and all(one.place is Place.DONE for one in self.threads)

    async def do(self, choice: Choice) -> None:
        """Do what was chosen; return when every thread stands still again.

        Raises `DeadlockError` where no thread can be chosen after it.
        """
        ghost = next((one for one in self.ghosts if one.name == choice.who), None)
        if ghost is not None:
            self.backends.go_on(ghost.pid)
            self.ghosts.remove(ghost)
            await self.tell(Happening(ghost.name, "goes on"))
            await self._ended({ghost.pid}, ghost.name)
        else:
            thread = next(one for one in self.threads if one.name == choice.who)
            await self._step(thread, choice.order)
            undoing, thread.undoing = thread.undoing, []
            await asyncio.gather(*undoing)
            ending, thread.ending = thread.ending, set()
            await self._ended(ending, thread.name)
        await self._wake()

    async def _step(self, thread: Thread, order: Order) -> None:
        step, place, waiting = thread.step, thread.place, thread.pid
        rests = thread.resting()
        if place is Place.AWAKE:
            await self.tell(Happening(thread.name, "goes on", step))
            thread.place = Place.AWAY
            self.backends.go_on(thread.pid)
            await self._until_rest(thread, rests)
            return
        await self.tell(Happening(thread.name, order, step))
        if order is Order.LEAVE:
            # A process that is asked to stop waiting hears of it only while it runs.
            self.backends.go_on(thread.pid)
            thread.cancel()
            await rests
            # Its client has gone on already; the process has to hear that it need not wait.
            while place is Place.WAITING and await self.backends.waits_for(waiting):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        elif place is Place.WAITING:
            # Its process waits on, for nobody.
            self.ghosts.append(Ghost(f"{thread.name}'s ghost", thread.pid))
            thread.break_off()
            await rests
        else:
            thread.tell(order)
            await self._until_rest(thread, rests)

    async def _until_rest(self, thread: Thread, rests: asyncio.Future[None]) -> None:
        began = time.monotonic()
        while True:
            await asyncio.wait([rests], timeout=LOOK_SECONDS)
            if rests.done():
                return
            whom = await self._waits_for(thread.pid) if thread.pid else ()
            if whom and not rests.done():
                self.backends.stop(thread.pid)
                thread.place = Place.WAITING
                await self.tell(Happening(thread.name, "waits", thread.step, whom))
                return
            if time.monotonic() - began > STUCK_SECONDS:
                raise StuckError(f"{thread.name} at {thread.step}")

    async def _ended(self, pids: set[int], name: str) -> None:
        """Wait until these processes are gone, or wait for a lock themselves."""
        left, began = set(pids), time.monotonic()
        while left:
            left &= await self.backends.there(left)
            for pid in list(left):
                if whom := await self._waits_for(pid):
                    self.backends.stop(pid)
                    left.discard(pid)
                    ghost = Ghost(f"{name}'s ghost", pid)
                    self.ghosts.append(ghost)
                    await self.tell(Happening(ghost.name, "waits", "", whom))
            if time.monotonic() - began > STUCK_SECONDS:
                raise StuckError(f"{name}'s process does not end")

    async def _wake(self) -> None:
        """Mark all who waited and whose lock is free now; they go on when they are chosen."""
        waiting: dict[int, Thread | Ghost] = {
            one.pid: one for one in self.threads if one.place is Place.WAITING
        }
        for ghost in self.ghosts:
            if ghost.place is Place.WAITING:
                waiting[ghost.pid] = ghost
        if not waiting:
            return
        for pid in sorted(await self.backends.awake(waiting)):
            waiting[pid].place = Place.AWAKE
        places = {one.place for one in self.threads} | {one.place for one in self.ghosts}
        if places <= {Place.WAITING, Place.DONE}:
            raise DeadlockError(" and ".join(sorted(one.name for one in waiting.values())))

    async def _waits_for(self, pid: int) -> tuple[str, ...]:
        """Return the names of the threads and ghosts that block the process, in order.

        What else blocks it is PostgreSQL's own, such as a vacuum, and ends by itself.
        """
        names = {one.pid: one.name for one in self.threads}
        names |= {one.pid: one.name for one in self.ghosts}
        found = await self.backends.waits_for(pid)
        return tuple(sorted({names[one] for one in found if one in names}))
