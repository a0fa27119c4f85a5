"""A server of its own for each test, and what the program shares by it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from booking_system.bootstrap.secret_key import _new_key
from booking_system.platform.keyring import Keyring
from booking_system.platform.redis import shared
from booking_system.platform.redis.names import SharedNames
from booking_system.platform.redis.shared import RedisAwayError, SharedRedis
from tests.patience import PATIENCE
from tests.platform.redis.valkey import Valkey, valkey

KEYS = Keyring.of([_new_key().decode()])
NAMES = SharedNames(KEYS)


@pytest.fixture
async def server() -> AsyncIterator[Valkey]:
    with valkey() as server:
        await server.start()
        yield server


@pytest.fixture(autouse=True)
def _patient_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis has all the time that a busy machine takes, and is tried again soon."""
    monkeypatch.setattr(shared, "ANSWER_SECONDS", PATIENCE)
    monkeypatch.setattr(shared, "CONNECT_SECONDS", PATIENCE)
    monkeypatch.setattr(shared, "REST_SECONDS", 0.02)


@pytest.fixture
async def redis(server: Valkey) -> AsyncIterator[SharedRedis]:
    """Connected."""
    redis = await connected(server)
    yield redis
    await redis.close()


async def connected(server: Valkey) -> SharedRedis:
    redis = SharedRedis(server.url)
    await at_last(redis)
    return redis


async def at_last(redis: SharedRedis) -> None:
    """Ask until it is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(RedisAwayError):
                await redis.ask(("PING",))
                return
            await asyncio.sleep(0.005)
