"""What `booking-system check` asks Redis: whether it is there, and what it can do."""

import asyncio
from contextlib import suppress

from booking_system.bootstrap.settings import Settings

ANSWER_SECONDS = 2.0
OLDEST = 7
SILENT = (
    "BOOKING_REDIS_URL: Redis does not answer, or lets nobody in. PostgreSQL carries what it"
    " should, and each process counts attempts for itself."
)
TOO_OLD = (
    f"BOOKING_REDIS_URL: Redis is older than {OLDEST}, so each process counts attempts for itself."
)
GROWS = (
    "BOOKING_REDIS_URL: Redis has no bound of memory at which it forgets what was not used lately:"
    " set maxmemory, and maxmemory-policy to allkeys-lru."
)


async def advised(settings: Settings) -> list[str]:
    """Ask, where one is set."""
    if settings.redis is None:
        return []
    from redis.asyncio import Redis  # noqa: PLC0415  (takes long, and most do without it)
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            Redis.from_url(settings.redis, socket_timeout=ANSWER_SECONDS) as redis,
        ):
            await redis.ping()
            # Some hosts of Redis let nobody ask.
            about = {}
            with suppress(RedisError):
                about = await redis.info()
    except Exception:  # noqa: BLE001  (its text may have the password)
        return [SILENT]
    if not about:
        return []
    version = int(str(about.get("redis_version", "0")).partition(".")[0])
    found = [TOO_OLD] if version < OLDEST else []
    if not int(about.get("maxmemory", 0)) or about.get("maxmemory_policy") == "noeviction":
        found.append(GROWS)
    return found
