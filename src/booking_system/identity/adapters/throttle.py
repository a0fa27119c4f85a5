"""Counts attempts, in this process's memory or in what processes share.

Where every process counts for itself, an attacker gets as many times the quota as there are
processes.
"""

import math
import time

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter

from booking_system.identity.application.credential_ports import Throttle
from booking_system.identity.domain.refusals import RateLimited
from booking_system.identity.domain.throttling import (
    ACCOUNT,
    ADDRESS,
    CALENDAR_FEED,
    CROWD,
    INVITATION,
    LINK,
    LOOKUP,
    OVERLAP,
    OVERLAP_OF_PATIENT,
    PASSWORD_CHANGE,
    REGISTRATION,
    RESET,
    RESET_OF_ADDRESS,
    STAFF,
    VERIFICATION,
    Allowance,
)

MINUTE = 60
DAY = 24 * 60 * MINUTE
QUOTAS = {
    ACCOUNT: RateLimitItemPerSecond(10, 15 * MINUTE),
    # A whole clinic may sign in from one address in the morning.
    ADDRESS: RateLimitItemPerSecond(60, 15 * MINUTE),
    # Refuses nobody: from there on attempts from networks that are new to the account take turns.
    CROWD: RateLimitItemPerSecond(20, 15 * MINUTE),
    PASSWORD_CHANGE: RateLimitItemPerSecond(10, 15 * MINUTE),
    REGISTRATION: RateLimitItemPerSecond(20, 60 * MINUTE),
    # A desk looks for callers, several times a minute at worst; a walk through addresses asks
    # thousands of times.
    LOOKUP: RateLimitItemPerSecond(60, 15 * MINUTE),
    # A hospital that begins makes some hundred in one afternoon.
    STAFF: RateLimitItemPerSecond(100, 60 * MINUTE),
    INVITATION: RateLimitItemPerSecond(60, 15 * MINUTE),
    # A calendar asks some times a day; a whole family may have subscribed to one link.
    CALENDAR_FEED: RateLimitItemPerSecond(120, 60 * MINUTE),
    LINK: RateLimitItemPerSecond(60, 15 * MINUTE),
    RESET: RateLimitItemPerSecond(20, 60 * MINUTE),
    # The mails are in the mailbox then: other people's requests keep nobody from their account.
    RESET_OF_ADDRESS: RateLimitItemPerSecond(5, 60 * MINUTE),
    VERIFICATION: RateLimitItemPerSecond(5, 60 * MINUTE),
    # Who is on the telephone says when they have time; a calendar is read in hundreds of attempts.
    OVERLAP_OF_PATIENT: RateLimitItemPerSecond(10, DAY),
    OVERLAP: RateLimitItemPerSecond(60, DAY),
}
"""How many attempts in how many seconds, by the kind of key."""


class CountingThrottle:
    """Fixed windows: each begins with the first attempt, and says exactly when it ends.

    The library's moving windows keep every attempt and sweep them in threads, at each attempt.
    """

    def __init__(
        self,
        quotas: dict[str, RateLimitItemPerSecond] | None = None,
        *,
        counts: Storage | None = None,
    ) -> None:
        """`quotas` by the kind of key; every kind that is asked for must be there."""
        self._quotas = QUOTAS if quotas is None else quotas
        self._limiter = FixedWindowRateLimiter(MemoryStorage() if counts is None else counts)

    async def admit(self, *keys: str) -> Allowance:
        """Count for each key until one is refused."""
        return min([await self._count(key) for key in keys], key=lambda one: one.remaining)

    async def is_crowded(self, key: str) -> bool:
        """Count the attempt even where too many were counted already."""
        return not await self._limiter.hit(self._quota_of(key), key)

    async def check(self, *keys: str) -> None:
        """Look at each key and count for none."""
        for key in keys:
            if not await self._limiter.test(self._quota_of(key), key):
                raise RateLimited(retry_after=(await self._window(key))[1])

    async def forgive(self, *keys: str) -> None:
        """Begin new windows for these keys."""
        for key in keys:
            await self._limiter.clear(self._quota_of(key), key)

    async def _count(self, key: str) -> Allowance:
        quota = self._quota_of(key)
        admitted = await self._limiter.hit(quota, key)
        remaining, seconds = await self._window(key)
        if not admitted:
            raise RateLimited(retry_after=seconds)
        return Allowance(
            policy=_kind_of(key),
            quota=quota.amount,
            window=quota.get_expiry(),
            remaining=remaining,
            reset=seconds,
        )

    async def _window(self, key: str) -> tuple[int, int]:
        """Return what is left, and the seconds until there is more."""
        window = await self._limiter.get_window_stats(self._quota_of(key), key)
        return window.remaining, max(1, math.ceil(window.reset_time - time.time()))

    def _quota_of(self, key: str) -> RateLimitItem:
        return self._quotas[_kind_of(key)]


class UnlimitedThrottle:
    """Limits nothing: for load tests."""

    async def admit(self, *_: str) -> None:
        """Admit everybody."""

    async def is_crowded(self, _: str) -> bool:
        """Have room for everybody."""
        return False

    async def check(self, *_: str) -> None:
        """Let everybody pass."""

    async def forgive(self, *_: str) -> None:
        """Have nothing to forget."""


def throttle_for(counts: Storage, *, rate_limit: bool) -> Throttle:
    """Return the throttle that the settings ask for."""
    return CountingThrottle(counts=counts) if rate_limit else UnlimitedThrottle()


def _kind_of(key: str) -> str:
    return key.partition(":")[0]
