"""Work for an account that is set up here no more: it waits, and then people have to look."""

from dataclasses import dataclass
from datetime import timedelta

from booking_system.payments.application.attempt_changes import AttemptChanges
from booking_system.payments.application.ports import Claim, Shown, WorkKind
from booking_system.payments.application.work_tools import Tools
from booking_system.payments.domain.refunds import RefundState
from booking_system.payments.domain.transitions import Cause

NO_ACCOUNT = "no_account"
WAITED_FOR = timedelta(days=1)
"""So long an account may be missing, as by a slip in the settings, before its work is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutAccount:
    """Says whether the wait is over, and gives work up: a refund fails, an attempt is over.

    What may have come of it meanwhile nobody knows, so it is an open matter of the clinic.
    """

    tools: Tools
    changes: AttemptChanges

    def is_over(self, claim: Claim) -> bool:
        """Say whether the account was missing each time for so long."""
        since = claim.problem_since if claim.problem == NO_ACCOUNT else None
        return since is not None and self.tools.clock.now() - since >= WAITED_FOR

    async def wait(self, claim: Claim, shown: Shown) -> None:
        """End the payer's time where it is over, as when a provider is silent."""
        attempt = shown.attempt
        if claim.kind is WorkKind.POLL and self.tools.clock.now() >= attempt.asked.window_end:
            await self.changes.cause(attempt.id, Cause.WINDOW_OVER)

    async def give_up(self, claim: Claim, shown: Shown) -> None:
        """Take it into the books; done again, it changes nothing."""
        attempt, now = shown.attempt, self.tools.clock.now()
        if claim.kind is not WorkKind.REFUND:
            await self.changes.abandon(attempt.id, NO_ACCOUNT)
            return
        refund = next((one for one in shown.refunds if one.id == claim.refund_id), None)
        if refund is not None and refund.state is RefundState.ASKED:
            await self.tools.take.refund(attempt.id, refund.refused(NO_ACCOUNT, now))
