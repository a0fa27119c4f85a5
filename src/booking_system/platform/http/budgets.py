"""How much each caller may ask for in a minute: somebody signed in, or a network of strangers.

Counted in this process's memory, without a lock and without waiting. Where there is a Redis, what
callers spend at other processes is added beside the requests (`platform/redis/spending.py`).
"""

import math
import time
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, Protocol

from starlette.types import Scope

from booking_system.platform.http.network import network_of
from booking_system.platform.observability.exchange import KEY
from booking_system.shared_kernel.errors import TooMany

MINUTE = 60.0
PAID = "booking_system.paid"
"""In the scope of what is asked again on behalf of a request that was counted."""

Headers = list[tuple[bytes, bytes]]


class Budgets(Protocol):
    """Counts what callers ask for."""

    def charge(self, scope: Scope, caller: Any, *, writes: bool) -> None:
        """Count the request of a caller (None: of the network that it comes from).

        Raises `TooMany` where the budget is used up. What is left is put into the exchange of the
        scope, as headers, once it is less than half.
        """
        ...


class Budget:
    """`quota` requests a minute for each caller, all of them at once if they like (GCRA).

    Of each caller one moment is kept: when everything that was spent is earned again. Who asks for
    nothing for a minute has earned it, so what was not touched since the last turn is dropped.
    """

    __slots__ = (
        "_fresh",
        "_monotonic",
        "_most",
        "_old",
        "_step",
        "_turn",
        "_young",
        "is_shared",
        "name",
        "quota",
    )

    def __init__(
        self,
        name: str,
        quota: int,
        *,
        most: int = 50_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """At most twice `most` callers are remembered: with more, all begin anew."""
        self.name = name
        self.quota = quota
        self.is_shared = False
        """Whether what is spent is noted for others."""
        self._fresh: dict[Hashable, int] = {}
        self._step = MINUTE / quota
        self._most = most
        self._monotonic = monotonic
        self._young: dict[Hashable, float] = {}
        self._old: dict[Hashable, float] = {}
        self._turn = monotonic() + MINUTE

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._young) + len(self._old)

    def spend(self, who: Hashable) -> tuple[Headers, int] | None:
        """Spend one; say what is left once it is less than half.

        With it the seconds to wait until one can be spent; 0: this one was.
        """
        now = self._monotonic()
        if now >= self._turn or len(self._young) >= self._most:
            self._old, self._young, self._turn = self._young, {}, now + MINUTE
        earned = self._young.get(who) or self._old.get(who, 0.0)
        spent = (earned - now if earned > now else 0.0) + self._step
        if spent > MINUTE + 1e-6:
            wait = max(1, math.ceil(spent - MINUTE))
            return self._told(0, wait), wait
        self._young[who] = now + spent
        if self.is_shared:
            self._fresh[who] = self._fresh.get(who, 0) + 1
        if spent < MINUTE / 2:
            return None
        left = int((MINUTE - spent) / self._step + 1e-6)
        return self._told(left, 1 if left else math.ceil(self._step)), 0

    def taken(self, *, at_least: int) -> list[tuple[Hashable, int]]:
        """Return, once, what each caller has spent since who has spent so much."""
        taken = [(who, count) for who, count in self._fresh.items() if count >= at_least]
        if len(self._fresh) >= self._most:
            self._fresh.clear()
        for who, _ in taken:
            self._fresh.pop(who, None)
        return taken

    def spent_elsewhere(self, who: Hashable, count: int) -> None:
        """Take so much off the caller's budget, down to nothing."""
        now = self._monotonic()
        earned = max(now, self._young.get(who) or self._old.get(who, 0.0))
        self._young[who] = min(now + MINUTE, earned + count * self._step)

    def _told(self, left: int, seconds: int) -> Headers:
        """Return draft-ietf-httpapi-ratelimit-headers-10."""
        policy = f'"{self.name}"'
        return [
            (b"ratelimit-policy", f"{policy};q={self.quota};w={MINUTE:.0f}".encode()),
            (b"ratelimit", f"{policy};r={left};t={seconds}".encode()),
        ]


class CallerBudgets:
    """A budget of reads and one of writes; None: there is none."""

    def __init__(self, *, reads: Budget | None, writes: Budget | None) -> None:
        """Each caller has both."""
        self._reads, self._writes = reads, writes

    @property
    def all(self) -> list[Budget]:
        """Those that there are."""
        return [one for one in (self._reads, self._writes) if one is not None]

    def charge(self, scope: Scope, caller: Any, *, writes: bool) -> None:
        """Count by the user, or by the network that the address belongs to."""
        budget = self._writes if writes else self._reads
        if budget is None or PAID in scope:
            return
        who = _network_of(scope["client"]) if caller is None else caller.user_id
        if (left := budget.spend(who)) is not None:
            scope[KEY].told, wait = left
            if wait:
                raise TooMany(retry_after=wait)


def budgets_for(*, rate_limit: bool, reads: int, writes: int) -> CallerBudgets:
    """Return the budgets that the settings ask for; 0 a minute means as many as anybody likes."""
    return CallerBudgets(
        reads=Budget("reads", reads) if rate_limit and reads else None,
        writes=Budget("writes", writes) if rate_limit and writes else None,
    )


@lru_cache(maxsize=4096)
def _of_host(host: str) -> str:
    return network_of(host)


def _network_of(client: tuple[str, int] | None) -> str:
    return "" if client is None else _of_host(client[0])
