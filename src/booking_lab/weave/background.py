"""What works beside people in a run: workers with a feed, and machines elsewhere that they ask."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import asyncpg

from booking_lab.weave.deeds import Deed
from booking_lab.weave.records import Record
from booking_lab.weave.scene import MINUTE
from booking_lab.weave.seen import Seen
from booking_lab.weave.service import Service
from booking_lab.weave.sleepers import Sleepers
from booking_lab.weave.sources import set_now
from booking_lab.weave.threads import THREAD, Order
from booking_system.platform.postgres.feed import Relay

Does = Callable[[Deed, str], Awaitable[Any]]


class Background(Protocol):
    """What a weave is about beside booking, with deeds of its own and a judgement of its own."""

    deeds: Mapping[str, Does]
    workers: frozenset[str]
    """Which of them are done by workers: a dead worker is begun again."""

    def begin(self) -> None:
        """Forget the run before."""

    async def sees(self, seen: Seen, record: Record) -> list[str]:
        """Look at what a deed has committed; return what is wrong with it."""

    def wrong_in_the_end(self) -> AsyncIterator[str]:
        """Let all work until nothing is left to do, and yield what is wrong then."""

    async def rows(self) -> list[str]:
        """Return a line for each row, in which nothing is left to chance."""


class Feeding:
    """Relays, which processes keep, and the time that passes."""

    def __init__(self, service: Service, eyes: asyncpg.Connection) -> None:
        """`eyes` is a connection that looks, and is no part of a run."""
        self._service, self._eyes = service, eyes
        self._relays = dict[str, Relay]()
        self.sleepers = Sleepers()

    def begin(self) -> None:
        """Forget the run before."""
        self._relays.clear()
        self.sleepers.standing.clear()

    async def relay(self, *_: object) -> None:
        """One round of a relay, which a process keeps for as long as it lives."""
        thread = THREAD.get()
        await self._once("nobody's" if thread is None else thread.name)

    async def last_relay(self) -> None:
        """One round of the relay that came last of those that live.

        One is enough, best with a long life behind it: another would see what it overlooked.
        """
        await self._once(next(reversed(self._relays), "nobody's"))

    async def wait(self, deed: Deed, _: str) -> None:
        """Time passes, also where people stand still."""
        thread = THREAD.get()
        if thread is not None:
            await thread.turn("CLOCK", 0)
        await self.wait_until(self._service.clock.moment + int(deed.how) * MINUTE)
        self.sleepers.time_passes()

    def seconds(self) -> float:
        """Return a clock that never goes back."""
        return self._service.clock.moment.timestamp()

    async def wait_until(self, moment: datetime) -> None:
        """Let time pass; an instant that is over already changes nothing."""
        self._service.clock.moment = max(moment, self._service.clock.moment)
        await set_now(self._eyes, self._service.clock.moment)

    async def _once(self, name: str) -> None:
        """Its process may die meanwhile, and the relay with it."""
        relay = self._relays.pop(name, None)
        if relay is None:
            relay = Relay(database=self._service.database, monotonic=self.seconds)
        await relay.once()
        self._relays[name] = relay


async def turn_elsewhere(step: str, *, in_transaction: bool = False) -> Order:
    """Stop in front of a step at another machine, and return what becomes of it.

    Where a transaction is open meanwhile others may wait for its process.
    """
    thread = THREAD.get()
    if thread is None:
        return Order.GO
    return await thread.turn(step, thread.pid if in_transaction else 0)
