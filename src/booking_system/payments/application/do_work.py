"""What there is to do towards providers. No call is made inside a transaction.

Each piece may be done again, after any crash: calls carry the same key and the same parameters, and
what comes of them is taken into the books once.
"""

from dataclasses import dataclass
from datetime import datetime

from booking_system.payments.application.attempt_changes import AttemptChanges
from booking_system.payments.application.deeds import Deed
from booking_system.payments.application.ports import Claim, Shown, WorkKind
from booking_system.payments.application.provider_port import (
    ProviderBusy,
    ProviderRefused,
    ProviderUnsure,
)
from booking_system.payments.application.settle_appointment import SettleAppointment
from booking_system.payments.application.without_account import NO_ACCOUNT, WithoutAccount
from booking_system.payments.application.work_tools import Tools
from booking_system.payments.domain.transitions import Cause

MOST_UNSURE = 5
"""So often a provider may stay silent about a checkout that it cannot find either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoWork:
    """Does one claimed piece of work, and says when it is due again, if it is."""

    tools: Tools
    changes: AttemptChanges
    settle: SettleAppointment

    async def __call__(self, claim: Claim) -> None:
        """Do it; what a provider does not answer is put off. Raises what the database raises."""
        shown = await self.tools.reader.show(claim.payment_id)
        if shown is not None and claim.kind is WorkKind.SETTLE:
            await self.settle(shown.attempt.asked.appointment_id)
        if shown is None or shown.attempt.is_of_desk or claim.kind is WorkKind.SETTLE:
            await self.tools.queue.finish(claim)
            return
        provider = await self.tools.providers.of(shown.attempt.asked.account)
        if provider is None:
            await self._without_account(claim, shown)
            return
        deed = Deed(
            tools=self.tools,
            changes=self.changes,
            claim=claim,
            attempt=shown.attempt,
            refunds=shown.refunds,
            provider=provider,
        )
        try:
            due_at = await deed.done()
        except ProviderUnsure:
            if claim.kind is WorkKind.POLL:
                await deed.window_over()
            await self._unanswered(claim, "unsure")
        except ProviderBusy as busy:
            await self._unanswered(claim, "busy", busy.retry_after)
        except ProviderRefused as refused:
            due_at = await deed.refused(refused)
            await self._ended(claim, due_at, refused.reason)
        else:
            await self._ended(claim, due_at, None)

    async def _without_account(self, claim: Claim, shown: Shown) -> None:
        without = WithoutAccount(tools=self.tools, changes=self.changes)
        # A time that is over is over with an account or without.
        if claim.kind is not WorkKind.EXPIRE and without.is_over(claim):
            await without.give_up(claim, shown)
            await self.tools.queue.finish(claim)
            return
        await without.wait(claim, shown)
        await self._unanswered(claim, NO_ACCOUNT)

    async def _unanswered(self, claim: Claim, problem: str, seconds: float | None = None) -> None:
        """Ask again later, with the same key. An end that was waited for comes all the same."""
        payment_id, now = claim.payment_id, self.tools.clock.now()
        if claim.kind is WorkKind.EXPIRE:
            await self._ended(claim, await self.changes.expire(payment_id), problem)
        elif claim.kind is WorkKind.CREATE and claim.attempts >= MOST_UNSURE:
            await self.changes.cause(payment_id, Cause.UNWANTED, problem)
            await self.tools.queue.finish(claim)
        else:
            await self._ended(claim, now + self.tools.wait(claim, seconds), problem)

    async def _ended(self, claim: Claim, due_at: datetime | None, problem: str | None) -> None:
        if due_at is None:
            await self.tools.queue.finish(claim)
        else:
            now = self.tools.clock.now()
            await self.tools.queue.put_off(claim, due_at=due_at, problem=problem, now=now)
