"""Counts of attempts, shared between processes; each process counts for itself beside them.

While Redis is away each process goes on with its own counts.
"""

import time

from limits.aio.storage import MemoryStorage, Storage

from booking_system.platform.redis.names import SharedNames
from booking_system.platform.redis.shared import RedisAwayError, SharedRedis

MILLISECONDS = 1000


class SharedCounts(Storage):
    """Where the library's fixed windows keep their counts."""

    STORAGE_SCHEME = None

    def __init__(self, redis: SharedRedis, names: SharedNames) -> None:
        """Redis counts for all processes."""
        super().__init__(None, wrap_exceptions=False)
        self._redis = redis
        self._own = MemoryStorage()
        self._names = names

    @property
    def base_exceptions(self) -> type[Exception]:
        """What its methods raise where it cannot count: nothing, it always can."""
        return RedisAwayError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, in a window that lasts for `expiry` seconds from its first count on."""
        own = await self._own.incr(key, expiry, amount)
        name = self._name(key)
        try:
            # The window's end is set by the first count alone.
            count, _ = await self._redis.ask(
                ("INCRBY", name, amount), ("EXPIRE", name, expiry, "NX")
            )
        except RedisAwayError:
            return own
        return int(count)

    async def get(self, key: str) -> int:
        """Return the count of the window that there is."""
        own = await self._own.get(key)
        try:
            (count,) = await self._redis.ask(("GET", self._name(key)))
        except RedisAwayError:
            return own
        return int(count or 0)

    async def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970."""
        own = await self._own.get_expiry(key)
        try:
            (left,) = await self._redis.ask(("PTTL", self._name(key)))
        except RedisAwayError:
            return own
        return time.time() + max(0, int(left)) / MILLISECONDS

    async def clear(self, key: str) -> None:
        """Forget the window."""
        await self._own.clear(key)
        self._redis.tell(("DEL", self._name(key)))

    async def check(self) -> bool:
        """Say that it can count."""
        return True

    async def reset(self) -> int | None:
        """Forget what this process has counted."""
        return await self._own.reset()

    def _name(self, key: str) -> bytes:
        return self._names.of("count", key)


def counts_in(redis: SharedRedis | None, names: SharedNames) -> Storage:
    """Return where attempts are counted; without a Redis by each process for itself."""
    return MemoryStorage() if redis is None else SharedCounts(redis, names)
