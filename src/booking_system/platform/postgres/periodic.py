"""A periodic job: done again and again beside the requests, for as long as a process runs."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import asyncpg
import structlog
from sqlalchemy import BigInteger, bindparam, func, select

from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.background import in_background

TAKE_TURN = Statement(select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger()))))

log = structlog.get_logger("booking_system.jobs")


async def take_turn(connection: asyncpg.Connection, lock: int) -> bool:
    """Keep other processes from this job until the transaction ends; False: one is at it."""
    is_ours: bool = await TAKE_TURN.fetchval(connection, lock=lock)
    return is_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicJob:
    """One job: what a round of it does, and how long it rests.

    `round` says whether it is done until the next one is due; what it raises is logged as `failed`,
    and is no end of the job. Pauses are in seconds and on average, from half as long to half as
    long again: processes that start together do not go on together. The first one comes before the
    first round, the third after a round that is not done.
    """

    name: str
    round: Callable[[], Awaitable[bool]]
    failed: str
    first_pause: float
    pause: float
    pause_after_failure: float

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do it for as long as the block lasts."""
        return in_background(self._again_and_again(), name=self.name)

    async def _again_and_again(self) -> None:
        pause = self.first_pause
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = self.pause if await self._is_done() else self.pause_after_failure

    async def _is_done(self) -> bool:
        try:
            return await self.round()
        except Exception as error:  # noqa: BLE001  (any failure: again after a pause)
            log.warning(self.failed, job=self.name, error=type(error).__name__)
            return False
