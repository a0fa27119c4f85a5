"""Does what is due towards providers, for as long as a worker runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from booking_system.payments.application.do_work import DoWork
from booking_system.payments.application.ports import Claim, WorkQueue
from booking_system.payments.application.take_event import HandleEvents
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.shared_kernel.clock import Clock

PAUSE_SECONDS = 0.5
"""Between two looks, on average; from half as long to half as long again."""
FAILED_SECONDS = 2.0
AT_A_TIME = 8
LAST_SECONDS = 12.0
"""So long a worker that stops waits for the answers to what it has asked."""

log = structlog.get_logger("booking_system.payments")


@dataclass(slots=True, kw_only=True)
class PaymentWorkJob:
    """Claims as much as there is room for, and does it at the same time.

    It stops gracefully: what has begun is finished, and nothing more begins. What it does not
    finish is done again by others when its lease is over.
    """

    queue: WorkQueue
    do: DoWork
    events: HandleEvents
    clock: Clock
    _under_way: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="payments",
            round=self.round,
            failed="payments_not_worked_on",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        )
        try:
            async with job.running():
                yield
        finally:
            await self._finish()

    async def once(self) -> None:
        """Do all that is due, and what falls due by it, and wait for it."""
        await self.round()
        while self._under_way:
            await self._finish()
            await self.round()

    async def round(self) -> bool:
        """Match events, claim and begin, until nothing more is due."""
        await self.events()
        while True:
            places = AT_A_TIME - len(self._under_way)
            claims = await self.queue.claim(most=places, now=self.clock.now()) if places else []
            for claim in claims:
                task = asyncio.create_task(self._one(claim), name="payment work")
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            if places and not claims:
                return True
            await asyncio.wait(
                self._under_way, timeout=PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )

    async def _one(self, claim: Claim) -> None:
        """A failure stops none of the others: its lease ends, and it is done again."""
        try:
            await self.do(claim)
        except Exception as error:  # noqa: BLE001  (any failure: again when the lease is over)
            name = type(error).__name__
            payment_id = str(claim.payment_id)
            log.warning("payment_work_left", kind=claim.kind, payment_id=payment_id, error=name)

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=LAST_SECONDS)
        for task in list(self._under_way):
            task.cancel()
