"""Attempts are counted for all processes together, and by each for itself where they cannot be."""

import time
from collections.abc import AsyncIterator

import pytest
from limits import RateLimitItemPerSecond

from booking_system.identity.adapters.throttle import CountingThrottle
from booking_system.identity.domain.refusals import RateLimited
from booking_system.identity.domain.throttling import ACCOUNT
from booking_system.platform.redis.counts import SharedCounts
from booking_system.platform.redis.shared import SharedRedis
from tests.platform.redis.conftest import NAMES, at_last, connected
from tests.platform.redis.valkey import Valkey

QUOTA = 4
KEY = f"{ACCOUNT}:person@example.com"
OTHER = f"{ACCOUNT}:other@example.com"


def a_throttle(redis: SharedRedis) -> CountingThrottle:
    quotas = {ACCOUNT: RateLimitItemPerSecond(QUOTA, 900)}
    return CountingThrottle(quotas, counts=SharedCounts(redis, NAMES))


@pytest.fixture
async def two(
    server: Valkey, redis: SharedRedis
) -> AsyncIterator[tuple[CountingThrottle, CountingThrottle]]:
    """Those of two processes."""
    second = await connected(server)
    yield a_throttle(redis), a_throttle(second)
    await second.close()


async def test_a_quota_is_of_all_processes_together(
    two: tuple[CountingThrottle, CountingThrottle], server: Valkey
) -> None:
    left = [(await two[number % 2].admit(KEY)).remaining for number in range(QUOTA)]
    assert left == [3, 2, 1, 0]
    for throttle in two:
        with pytest.raises(RateLimited) as refused:
            await throttle.admit(KEY)
        assert 890 <= refused.value.extras["retry_after"] <= 900
        with pytest.raises(RateLimited):
            await throttle.check(KEY)
        assert (await throttle.admit(OTHER)).remaining in {2, 3}
    names = await server.ask("KEYS", "*")
    assert isinstance(names, list)
    assert all(b"example" not in name for name in names)


async def test_a_window_ends_although_attempts_go_on(redis: SharedRedis, server: Valkey) -> None:
    counts = SharedCounts(redis, NAMES)
    await counts.incr(KEY, 900)
    (name,) = await server.ask("KEYS", "*")  # type: ignore[misc]
    await server.ask("PEXPIRE", name.decode(), "400000")
    assert await counts.incr(KEY, 900) == 2
    assert await counts.get_expiry(KEY) <= time.time() + 401


async def test_what_was_honest_is_forgotten_for_all(
    two: tuple[CountingThrottle, CountingThrottle],
) -> None:
    for _ in range(QUOTA):
        await two[0].admit(KEY)
    await two[0].forgive(KEY)
    # Behind what was told, on the same connection.
    await two[0].check(KEY)
    assert (await two[1].admit(KEY)).remaining == QUOTA - 1


async def test_without_redis_each_process_counts_all_that_it_has_seen(
    two: tuple[CountingThrottle, CountingThrottle], server: Valkey, redis: SharedRedis
) -> None:
    await two[0].admit(KEY)
    await two[0].admit(KEY)
    await two[1].admit(KEY)
    server.stop()
    assert (await two[0].admit(KEY)).remaining == 1
    assert (await two[1].admit(KEY)).remaining == 2
    await server.start()
    await at_last(redis)
    assert (await two[0].admit(KEY)).remaining == QUOTA - 1, "Redis has forgotten"


async def test_a_count_that_is_none_is_done_without(redis: SharedRedis, server: Valkey) -> None:
    counts = SharedCounts(redis, NAMES)
    await counts.incr(KEY, 900)
    (name,) = await server.ask("KEYS", "*")  # type: ignore[misc]
    await server.ask("DEL", name.decode())
    await server.ask("SADD", name.decode(), "x")
    assert await counts.incr(KEY, 900) == 2
    assert await counts.get(KEY) == 2
