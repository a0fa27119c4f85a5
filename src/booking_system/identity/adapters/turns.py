"""Attempts at one account are let through one by one, seconds apart, from all networks.

Turns are kept by each process for itself, as its counts of attempts are.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from booking_system.identity.domain.refusals import RateLimited
from booking_system.platform.ticket import waiting_elsewhere

PACE_SECONDS = 3.0
"""Between two turns, so the longest wait, too; a request is given up after five seconds."""
MOST_WAITING = 200
"""The most callers who wait, at all accounts together. A wait costs a timer, and neither a place at
the entrance nor a connection to the database."""
MOST_REMEMBERED = 1000
"""With more accounts than that, those whose turn is over are forgotten."""

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """The caller who waits at one account, for the next turn; each is only equal to itself."""

    tries: int


class PacedTurns:
    """At each account one caller waits: the caller with the fewest tries. All others are refused.

    So callers who have guessed already, however many they are, shut out no caller from a network
    that has not. A caller who loses the place to another is told so when the wait is over.
    """

    def __init__(
        self,
        *,
        pace: float = PACE_SECONDS,
        most_waiting: int = MOST_WAITING,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`monotonic` returns seconds, and `sleep` waits for so many."""
        self._pace = pace
        self._most_waiting = most_waiting
        self._monotonic = monotonic
        self._sleep = sleep
        self._next: dict[str, float] = {}
        """When the next turn at an account begins; absent or past: at once, if nobody waits."""
        self._waiting: dict[str, Waiting] = {}
        self._asleep = 0

    async def take(self, key: str, *, tries: int) -> None:
        """Wait until it is the caller's turn. Raises `RateLimited`."""
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
