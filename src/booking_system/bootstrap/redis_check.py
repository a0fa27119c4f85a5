"""What `booking-system check` asks Redis: whether it is there."""

import asyncio

from booking_system.bootstrap.settings import Settings

ANSWER_SECONDS = 2.0
SILENT = (
    "BOOKING_REDIS_URL: Redis does not answer, or lets nobody in. PostgreSQL carries what it"
    " should, at greater cost."
)


async def advised(settings: Settings) -> list[str]:
    """Ask, where one is set."""
    if settings.redis is None:
        return []
    from redis.asyncio import Redis  # noqa: PLC0415  (takes long, and most do without it)

    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            Redis.from_url(settings.redis, socket_timeout=ANSWER_SECONDS) as redis,
        ):
            await redis.ping()
    except Exception:  # noqa: BLE001  (its text may have the password)
        return [SILENT]
    return []
