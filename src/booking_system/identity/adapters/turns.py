"""Lets attempts at one account through one by one, seconds apart, from all networks.

Each process has turns of its own until a Redis shares them, as it has counts of its own.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from booking_system.identity.domain.refusals import RateLimited
from booking_system.platform.ticket import waiting_elsewhere

PACE_SECONDS = 3.0
"""Between two turns; nobody waits for longer, which leaves a request enough of its five seconds."""
MOST_WAITING = 200
"""At all accounts together. A wait costs a timer, no place at the entrance and no connection."""
MOST_REMEMBERED = 1000

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """Who has the next turn."""

    tries: int


class PacedTurns:
    """One waits at each account, the caller with the fewest tries; the others are told to go.

    So a caller from a new network is not shut out by others who have guessed there already,
    however many they are.
    """

    def __init__(
        self,
        *,
        pace: float = PACE_SECONDS,
        most_waiting: int = MOST_WAITING,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`monotonic` counts seconds, and `sleep` waits for them."""
        self._pace = pace
        self._most_waiting = most_waiting
        self._monotonic = monotonic
        self._sleep = sleep
        self._next: dict[str, float] = {}
        """When the next turn at an account begins; absent or over: at once."""
        self._waiting: dict[str, Waiting] = {}
        self._asleep = 0

    async def take(self, key: str, *, tries: int) -> None:
        """Return when it is the caller's turn. Raises `RateLimited`."""
        now = self._monotonic()
        begins, rival = self._next.get(key, now), self._waiting.get(key)
        if rival is None and begins <= now:
            self._begin(key, now)
            return
        if self._asleep >= self._most_waiting or (rival is not None and rival.tries <= tries):
            raise self._refusal()
        mine = self._waiting[key] = Waiting(tries)
        try:
            await self._wait(max(0.0, begins - now))
            if self._waiting.get(key) is not mine:
                raise self._refusal()
            self._begin(key, self._monotonic())
        finally:
            if self._waiting.get(key) is mine:
                del self._waiting[key]

    async def _wait(self, seconds: float) -> None:
        self._asleep += 1
        try:
            with waiting_elsewhere():
                await self._sleep(seconds)
        finally:
            self._asleep -= 1

    def _begin(self, key: str, now: float) -> None:
        if len(self._next) >= MOST_REMEMBERED:
            self._next = {other: moment for other, moment in self._next.items() if moment > now}
        self._next[key] = now + self._pace

    def _refusal(self) -> RateLimited:
        return RateLimited(retry_after=math.ceil(self._pace))
