"""A Redis that may be away, slow, empty or wrong: asked in batches, and never waited for long.

One connection carries what all requests ask: what comes while a batch is under way goes with the
next one. While Redis does not answer in time it is left alone, and everybody does without it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from booking_system.platform.redis.within import CLOSE_SECONDS, within

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANSWER_SECONDS = 0.05
"""So long a batch may take."""
CONNECT_SECONDS = 1.0
"""Nobody waits for that: who asks meanwhile does without."""
REST_SECONDS = 1.0
"""So long Redis is left alone after a failure; then it is tried beside the requests."""
MOST_OF_A_BATCH = 100
MOST_WAITING = 2_000
"""Commands; what comes on top is not asked."""

Command = tuple[Any, ...]

log = structlog.get_logger("booking_system.redis")


class RedisAwayError(Exception):
    """There is no answer to be had now."""


class _Asked(NamedTuple):
    commands: Sequence[Command]
    answer: "asyncio.Future[list[Any]] | None"
    """None: nobody waits for it."""


class SharedRedis:
    """One connection to it, opened when it is needed first, from then on kept."""

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`url` begins with `redis://`, `rediss://` or `unix://`; `monotonic` counts seconds."""
        self._url = url
        self._monotonic = monotonic
        self._redis: Redis | None = None
        self._waiting: list[_Asked] = []
        self._worker: asyncio.Task[None] | None = None
        self._is_good = False
        self._is_missed = False
        self._rests_until = float("-inf")

    @property
    def is_used(self) -> bool:
        """Say whether it has answered last."""
        return self._is_good

    async def ask(self, *commands: Command) -> list[Any]:
        """Return the answers, in order. Raises `RedisAwayError`, also where one is an error."""
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        if not self._takes(_Asked(commands, answer)):
            raise RedisAwayError
        return await answer

    def tell(self, *commands: Command) -> None:
        """Send them soon. Nobody waits, and nobody is told where they are lost."""
        self._takes(_Asked(commands, None))

    async def close(self) -> None:
        """Close the connection."""
        if self._worker is not None and not self._worker.done():
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
        await self._disconnect()

    def _takes(self, asked: _Asked) -> bool:
        is_at_work = self._worker is not None and not self._worker.done()
        if not self._is_good:
            if not is_at_work and self._monotonic() >= self._rests_until:
                self._begin(self._connect())
            return False
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(asked)
        if not is_at_work:
            self._begin(self._work())
        return True

    def _begin(self, work: Any) -> None:
        # In an empty context: it works for all, not for the request that comes first.
        loop = asyncio.get_running_loop()
        self._worker = loop.create_task(work, name="shared Redis", context=Context())

    async def _connect(self) -> None:
        try:
            self._redis = self._redis or self._client()
            await within(CONNECT_SECONDS, self._redis.ping())
        except Exception as error:  # noqa: BLE001  (any failure: Redis is not there)
            await self._leave(error)
            return
        self._is_good = True
        if self._is_missed:
            self._is_missed = False
            log.info("redis_back")

    async def _work(self) -> None:
        while self._waiting:
            batch = self._waiting[:MOST_OF_A_BATCH]
            del self._waiting[: len(batch)]
            try:
                answers = await within(ANSWER_SECONDS, self._sent(batch))
            except BaseException as error:
                self._is_good = False
                _refuse(batch)
                self._refuse_all()
                if not isinstance(error, Exception):
                    raise
                await self._leave(error)
                return
            for one in batch:
                own = answers[: len(one.commands)]
                del answers[: len(one.commands)]
                if one.answer is None or one.answer.done():
                    continue
                if any(isinstance(answer, Exception) for answer in own):
                    one.answer.set_exception(RedisAwayError)
                else:
                    one.answer.set_result(own)

    async def _sent(self, batch: Sequence[_Asked]) -> list[Any]:
        assert self._redis is not None
        async with self._redis.pipeline(transaction=False) as all_:
            for asked in batch:
                for command in asked.commands:
                    all_.execute_command(*command)
            answers: list[Any] = await all_.execute(raise_on_error=False)
            return answers

    async def _leave(self, error: BaseException) -> None:
        if not self._is_missed:
            self._is_missed = True
            log.warning("redis_left", error=type(error).__name__)
        self._rests_until = self._monotonic() + REST_SECONDS
        # What it says late would be taken for the next answer.
        await self._disconnect()

    async def _disconnect(self) -> None:
        redis, self._redis, self._is_good = self._redis, None, False
        if redis is not None:
            with suppress(Exception):
                await within(CLOSE_SECONDS, redis.aclose())

    def _refuse_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        _refuse(waiting)

    def _client(self) -> "Redis":
        from redis.asyncio import Redis  # noqa: PLC0415  (takes long, and most do without it)
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        return Redis.from_url(
            self._url,
            socket_timeout=CONNECT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )


def _refuse(batch: Sequence[_Asked]) -> None:
    for one in batch:
        if one.answer is not None and not one.answer.done():
            one.answer.set_exception(RedisAwayError)


def shared_redis(url: str | None) -> SharedRedis | None:
    """Return it, where there is one."""
    return SharedRedis(url) if url else None


async def closed(redis: SharedRedis | None) -> None:
    """Close it, where there is one."""
    if redis is not None:
        await redis.close()
