"""Deliveries that are due go out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.webhooks.application.sending_ports import Failed, Post, Queue, Writer
from booking_system.webhooks.domain.delivery import Answer, Claim, NotAnsweredError
from booking_system.webhooks.domain.endpoint import DisabledBecause, Health
from booking_system.webhooks.domain.retrying import GONE, rest_after, wait_after

NOT_ALLOWED = "blocked_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWebhook:
    """One claimed delivery is written, signed, sent once, and its end noted.

    `chance` gives numbers from 0 to 1.
    """

    queue: Queue
    write: Writer
    post: Post
    clock: Clock
    chance: Callable[[], float]

    async def __call__(self, claim: Claim) -> None:
        """Send it; nothing is raised but what the queue raises, and what cannot be signed."""
        try:
            answer = await self.post(self.write(claim, self.clock.now()))
        except NotAnsweredError as error:
            await self._failed(claim, None, error.code)
        except Invalid:
            # It was allowed when it was stored: the operator has changed the rules.
            await self._failed(claim, None, NOT_ALLOWED)
        else:
            await self._answered(claim, answer)

    async def _answered(self, claim: Claim, answer: Answer) -> None:
        if answer.is_success:
            await self.queue.finish(claim, answer, now=self.clock.now())
        elif answer.status == GONE:
            await self.queue.disable(claim, answer, DisabledBecause.GONE, now=self.clock.now())
        else:
            await self._failed(claim, answer, None)

    async def _failed(self, claim: Claim, answer: Answer | None, code: str | None) -> None:
        now = self.clock.now()
        asked = None if answer is None else answer.again_after
        wait = wait_after(claim.attempts, chance=self.chance(), asked=asked)
        failed = Failed(code=code, answer=answer, due_at=None if wait is None else now + wait)

        def rest(health: Health) -> timedelta:
            return rest_after(answer, failures=health.failures)

        await self.queue.fail(claim, failed, rest=rest, now=now)

    async def failed(self, claim: Claim, error: str) -> None:
        """Note that a mistake of ours stopped it: again later, in the end not any more."""
        wait, now = wait_after(claim.attempts, chance=1.0, asked=None), self.clock.now()
        due_at = None if wait is None else now + wait
        await self.queue.put_off(claim, code=error, due_at=due_at, now=now)
