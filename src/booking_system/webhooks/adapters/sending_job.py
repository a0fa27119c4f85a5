"""Sends what is due, for as long as a worker runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog

from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.shared_kernel.clock import Clock
from booking_system.webhooks.application.send_webhooks import SendWebhook
from booking_system.webhooks.application.sending_ports import Queue, Room
from booking_system.webhooks.domain.delivery import Claim

PAUSE_SECONDS = 0.5
"""Between two looks, on average; from half as long to half as long again."""
FAILED_SECONDS = 2.0
AT_A_TIME = {Room.WELL: 12, Room.FAILING: 4}
"""Deliveries that a worker has at hand."""
LAST_SECONDS = 12.0
"""So long a worker that stops waits for the answers to what it has sent."""

log = structlog.get_logger("booking_system.webhooks")


@dataclass(slots=True, kw_only=True)
class WebhookSendingJob:
    """Claims as many as there is room for, and sends them at the same time.

    It stops gracefully: what has begun is finished, and nothing more begins.
    """

    queue: Queue
    send: SendWebhook
    clock: Clock
    _under_way: dict[asyncio.Task[None], Room] = field(default_factory=dict, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do so for as long as the block lasts; no room waits for the other."""
        async with AsyncExitStack() as rooms:
            rooms.push_async_callback(self._finish)
            for room in Room:
                await rooms.enter_async_context(self._job(room).running())
            yield

    def _job(self, room: Room) -> PeriodicJob:
        return PeriodicJob(
            name=f"webhooks, {room.name.lower()}",
            round=partial(self._round, room),
            failed="webhooks_not_sent",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        )

    async def once(self) -> None:
        """Send all that is due, and wait for it."""
        for room in Room:
            await self._round(room)
            # An endpoint has few places: the rest is due when these have ended.
            while self._of(room):
                await self._finish()
                await self._round(room)

    async def _round(self, room: Room) -> bool:
        """Rescue, claim and begin to send, until nothing more is due."""
        if room is Room.WELL:
            await self.queue.rescue()
        while await self._more(room):
            await self._a_place(room)
        return True

    def _of(self, room: Room) -> list[asyncio.Task[None]]:
        return [task for task, its in self._under_way.items() if its is room]

    async def _more(self, room: Room) -> bool:
        """Say whether there may be more than was claimed now."""
        places = AT_A_TIME[room] - len(self._of(room))
        if not places:
            return True
        claims = await self.queue.claim(room, most=places, now=self.clock.now())
        for claim in claims:
            task = asyncio.create_task(self._one(claim), name="webhook")
            self._under_way[task] = room
            task.add_done_callback(self._under_way.pop)
        return bool(claims)

    async def _a_place(self, room: Room) -> None:
        """Wait for one to end, as its endpoint may have more; not for long, as others may, too."""
        if tasks := self._of(room):
            await asyncio.wait(tasks, timeout=PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    async def _one(self, claim: Claim) -> None:
        """Send one; a mistake of ours stops none of the others."""
        try:
            await self.send(claim)
        except Exception as error:  # noqa: BLE001  (any mistake: counted, and in the end given up)
            name = type(error).__name__
            log.warning("webhook_not_sent", delivery_id=str(claim.id), error=name)
            await self._failed(claim, name)

    async def _failed(self, claim: Claim, error: str) -> None:
        try:
            await self.send.failed(claim, error)
        except Exception as again:  # noqa: BLE001  (its lease ends, and another worker takes it)
            log.warning("webhook_left", delivery_id=str(claim.id), error=type(again).__name__)

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=LAST_SECONDS)
        for task in list(self._under_way):
            task.cancel()
