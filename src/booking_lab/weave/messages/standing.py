"""Senders that stand still with an answer that they have not acted on, while time passes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from booking_lab.weave.threads import THREAD, Thread
from booking_system.notifications.adapters.ledger import PostgresLedger
from booking_system.notifications.application.ledger_ports import Claim, Found, FoundAccount
from booking_system.notifications.domain.gate import Due, Send, Verdict

STAND_BEGUN, STAND_LOCKED = "STAND_BEGUN", "STAND_LOCKED"
"""Behind the note that sending begins, and behind the last look, in its open transaction."""
OWN_CLAIM: ContextVar[tuple[UUID, int]] = ContextVar("OWN_CLAIM")
"""The message that the sender of this task has at hand, and the number of its claim."""


@dataclass(slots=True)
class Sleepers:
    """Who stands still in a transaction, which the server ends when seconds have passed."""

    standing: list[Thread] = field(default_factory=list)

    async def stand(self) -> None:
        """Stand until it is the thread's turn."""
        if (thread := THREAD.get()) is None:
            return
        self.standing.append(thread)
        try:
            await thread.stand(STAND_LOCKED)
        finally:
            if thread in self.standing:
                self.standing.remove(thread)

    def time_passes(self) -> None:
        """End all that they stand in: their locks are gone."""
        while self.standing:
            self.standing.pop().loses_transaction()


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
