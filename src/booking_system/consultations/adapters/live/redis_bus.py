"""The bus over Redis, where there is one; PostgreSQL carries what Redis does not take.

Publishing says how many heard it, not who, and forgets at once. So all processes listen to both,
and a message that Redis has not taken in time goes by PostgreSQL. What comes twice by that, or
late from a Redis that stood still, is told apart by its number.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from booking_system.consultations.adapters.live.bus import (
    Bus,
    BusMessage,
    Heard,
    Outage,
    Outgoing,
    Resumed,
)
from booking_system.platform.redis.within import CLOSE_SECONDS, dropped, within
from booking_system.shared_kernel.background import in_background

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

CHANNEL = "booking:consultations"
TELL_SECONDS = 0.1
"""So long Redis has to take what is told; nobody waits for it, and there is another way."""
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""A connection that listens, and is asked so often, has so long to answer."""
PAUSE_SECONDS = 1.0
"""So long Redis is left alone after a failure."""
MOST_PROCESSES = 1_000
"""Whose last number is kept; each has another name when it starts again."""


class RedisBus:
    """One connection listens, another one tells; `spare` does both as well."""

    def __init__(self, url: str, instance_id: UUID, *, spare: Bus) -> None:
        """`url` is of Redis (`redis://`, `rediss://`, `unix://`), `instance_id` this process's."""
        self._url = url
        self._spare = spare
        self._out = Outgoing(instance_id.hex)
        self._last: dict[str, int] = {}
        self._silent, self._deaf = Outage("redis_is_silent"), Outage("redis_is_deaf")
        self._alone_until = 0.0
        self.is_listening = asyncio.Event()

    def tell(self, message: BusMessage) -> None:
        """Put it behind what waits."""
        self._out.add(message)

    @asynccontextmanager
    async def running(self, heard: Heard, resumed: Resumed) -> AsyncIterator[None]:
        """Do both, each by a task."""
        once = partial(self._once, heard)
        async with (
            self._spare.running(once, resumed),
            in_background(self._listen(once, resumed), name="consultations listen to Redis"),
            in_background(self._pump(), name="consultations tell Redis"),
        ):
            yield

    def _once(self, heard: Heard, message: BusMessage) -> None:
        """Hand it on, unless it is a frame that came already, or one before it came since."""
        if message.process == self._out.process:
            return
        if message.frame is not None:
            if message.number <= self._last.get(message.process, 0):
                return
            self._last.pop(message.process, None)
            self._last[message.process] = message.number
            while len(self._last) > MOST_PROCESSES:
                del self._last[next(iter(self._last))]
        heard(message)

    async def _pump(self) -> None:
        redis = self._client(TELL_SECONDS)
        try:
            while True:
                messages = await self._out.taken()
                if not await self._told(redis, messages):
                    for one in messages:
                        self._spare.tell(one)
        finally:
            await _closed(redis)

    async def _told(self, redis: "Redis", messages: Sequence[BusMessage]) -> bool:
        clock = asyncio.get_running_loop().time
        if clock() < self._alone_until:
            return False
        try:
            await within(TELL_SECONDS, _published(redis, messages))
        except Exception as error:  # noqa: BLE001  (any failure: PostgreSQL carries it)
            self._silent.began(error)
            self._alone_until = clock() + PAUSE_SECONDS
            with suppress(Exception):
                # What it says late would be taken for the next answer.
                await within(CLOSE_SECONDS, redis.connection_pool.disconnect())
            return False
        self._silent.ended()
        return True

    async def _listen(self, heard: Heard, resumed: Resumed) -> None:
        while True:
            try:
                await self._listen_once(heard, resumed)
            except Exception as error:  # noqa: BLE001  (any failure: connect again)
                self._deaf.began(error)
            finally:
                self.is_listening.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen_once(self, heard: Heard, resumed: Resumed) -> None:
        redis = self._client(ANSWER_SECONDS)
        channel = redis.pubsub()
        try:
            await within(ANSWER_SECONDS, channel.subscribe(CHANNEL))
            async with aclosing(_messages(channel)) as messages:
                async for told in messages:
                    if told["type"] == "message":
                        with suppress(ValueError, KeyError, TypeError):
                            heard(BusMessage.of(told["data"]))
                    elif told["type"] == "subscribe":
                        # Also where the library has connected anew by itself.
                        self._deaf.ended()
                        self.is_listening.set()
                        resumed()
        finally:
            await _closed(channel)
            await _closed(redis)

    def _client(self, seconds: float) -> "Redis":
        from redis.asyncio import Redis  # noqa: PLC0415  (takes long, and most do without it)
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        return Redis.from_url(
            self._url,
            socket_timeout=seconds,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )


async def _published(redis: "Redis", messages: Sequence[BusMessage]) -> None:
    async with redis.pipeline(transaction=False) as all_:
        for one in messages:
            all_.publish(CHANNEL, one.text())
        await all_.execute()


async def _messages(channel: "PubSub") -> AsyncGenerator[dict[str, Any], None]:
    """Yield what comes; ask whether anybody is there where nothing does. Raises `TimeoutError`."""
    reading: asyncio.Task[Any] | None = None
    is_asked = False
    try:
        while True:
            reading = reading or asyncio.create_task(channel.get_message(timeout=None))
            done, _ = await asyncio.wait({reading}, timeout=ANSWER_SECONDS)
            if not done:
                if is_asked:
                    raise TimeoutError
                await within(ANSWER_SECONDS, channel.ping())
                is_asked = True
                continue
            told, reading, is_asked = reading.result(), None, False
            if told is not None:
                yield told
    finally:
        if reading is not None:
            await dropped(reading)


async def _closed(one: "Redis | PubSub") -> None:
    with suppress(Exception):
        await within(CLOSE_SECONDS, one.aclose())
