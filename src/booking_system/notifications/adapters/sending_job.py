"""Sends what is due, lane by lane, for as long as a worker runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog

from booking_system.notifications.application.ledger_ports import Claim, Ledger
from booking_system.notifications.application.send_messages import LeftOpenError, SendMessage
from booking_system.notifications.domain.planning import Lane
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.shared_kernel.clock import Clock

PAUSE_SECONDS = 0.5
"""Between two looks, on average; from half as long to half as long again."""
FAILED_SECONDS = 2.0
AT_A_TIME = 4
"""Messages of one lane that a worker has at hand: with all lanes less than its connections."""
LAST_SECONDS = 12.0
"""So long a worker that stops waits for the answers to what it has sent."""

log = structlog.get_logger("booking_system.messages")


@dataclass(slots=True, kw_only=True)
class SendingJob:
    """Claims as many as there is room for, and sends them at the same time.

    It stops gracefully: what has begun is finished, and nothing more begins.
    """

    ledger: Ledger
    send: SendMessage
    clock: Clock
    _under_way: dict[asyncio.Task[None], Lane] = field(default_factory=dict, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do so for as long as the block lasts; no lane waits for another."""
        async with AsyncExitStack() as lanes:
            lanes.push_async_callback(self._finish)
            for lane in Lane:
                await lanes.enter_async_context(self._job(lane).running())
            yield

    def _job(self, lane: Lane) -> PeriodicJob:
        return PeriodicJob(
            name=f"messages, lane {lane}",
            round=partial(self._round, lane),
            failed="messages_not_sent",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        )

    async def once(self) -> None:
        """Send all that is due, and wait for it."""
        for lane in Lane:
            await self._round(lane)
        await self._finish()

    async def _round(self, lane: Lane) -> bool:
        """Rescue, claim and begin to send, until nothing more is due."""
        await self.ledger.rescue()
        while await self._more(lane):
            await self._a_place(lane)
        return True

    def _room(self, lane: Lane) -> int:
        return AT_A_TIME - sum(one is lane for one in self._under_way.values())

    async def _more(self, lane: Lane) -> bool:
        """Say whether there may be more than was claimed now."""
        room = self._room(lane)
        if not room:
            return True
        claims = await self.ledger.claim(lane, most=room, now=self.clock.now())
        for claim in claims:
            task = asyncio.create_task(self.one(claim), name="message")
            self._under_way[task] = lane
            task.add_done_callback(self._under_way.pop)
        return len(claims) == room

    async def _a_place(self, lane: Lane) -> None:
        tasks = [task for task, of_lane in self._under_way.items() if of_lane is lane]
        if len(tasks) >= AT_A_TIME:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    async def one(self, claim: Claim) -> None:
        """Send one; a mistake of ours stops none of the others."""
        try:
            await self.send(claim)
        except LeftOpenError:
            log.warning("message_left", message_id=str(claim.id), error="not_noted")
        except Exception as error:  # noqa: BLE001  (any mistake: counted, and in the end given up)
            name = type(error).__name__
            log.warning("message_not_sent", message_id=str(claim.id), error=name)
            await self._failed(claim, name)

    async def _failed(self, claim: Claim, error: str) -> None:
        try:
            await self.send.failed(claim, error)
        except Exception as again:  # noqa: BLE001  (its lease ends, and another worker takes it)
            log.warning("message_left", message_id=str(claim.id), error=type(again).__name__)

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=LAST_SECONDS)
        for task in list(self._under_way):
            task.cancel()
