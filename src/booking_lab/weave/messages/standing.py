"""Senders that stand still with an answer that they have not acted on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from booking_lab.weave.sleepers import Sleepers
from booking_lab.weave.threads import THREAD
from booking_system.notifications.adapters.ledger import PostgresLedger
from booking_system.notifications.application.ledger_ports import Claim, Found, FoundAccount
from booking_system.notifications.domain.gate import Due, Send, Verdict

STAND_BEGUN = "STAND_BEGUN"
"""Behind the note that sending begins."""
OWN_CLAIM: ContextVar[tuple[UUID, int]] = ContextVar("OWN_CLAIM")
"""The message that the sender of this task has at hand, and the number of its claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOfSleepers(PostgresLedger):
    """The ledger, whose caller may stand still where it matters.

    `notes` hears of a message right before sending is to begin.
    """

    sleepers: Sleepers
    notes: Callable[[UUID], None]

    async def begin(
        self,
        claim: Claim,
        found: Found | FoundAccount,
        *,
        judge: Callable[[Due], Verdict],
        provider: str,
    ) -> Verdict | None:
        """Do so, and stand still where it may go."""
        self.notes(claim.id)
        verdict = await PostgresLedger.begin(self, claim, found, judge=judge, provider=provider)
        if isinstance(verdict, Send) and (thread := THREAD.get()) is not None:
            await thread.stand(STAND_BEGUN)
        return verdict

    @asynccontextmanager
    async def handing_over(self, claim: Claim, found: Found | FoundAccount) -> AsyncIterator[bool]:
        """Do so, and stand still before the bytes."""
        OWN_CLAIM.set((claim.id, claim.token))
        async with PostgresLedger.handing_over(self, claim, found) as may_go:
            if may_go:
                await self.sleepers.stand()
            yield may_go
