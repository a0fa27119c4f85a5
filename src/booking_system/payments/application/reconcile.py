"""Compares our books with those of providers, and repairs what missed its webhook."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from booking_system.payments.application.ports import PaymentsReader, Providers, Shown
from booking_system.payments.application.provider_port import (
    Provider,
    ProviderBusy,
    ProviderGone,
    ProviderRefused,
    ProviderUnsure,
)
from booking_system.payments.application.take_sighting import TakeSighting
from booking_system.payments.application.work_tools import asked_of
from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.disputes import movements_of
from booking_system.payments.domain.ledger import LineKind, total
from booking_system.payments.domain.sighting import RefundStage, Sighting
from booking_system.shared_kernel.clock import Clock

CAME = frozenset({LineKind.CHARGE, LineKind.UNALLOCATED})
WENT = frozenset(
    {
        LineKind.REFUND,
        LineKind.REFUND_RETURNED,
        LineKind.DISPUTE_WITHDRAWN,
        LineKind.DISPUTE_REINSTATED,
    }
)


@dataclass(slots=True)
class Reconciled:
    """What came of it: ids of payments, with a word for why where there is one."""

    looked_at: int = 0
    repaired: list[PaymentId] = field(default_factory=list)
    unanswered: list[tuple[PaymentId, str]] = field(default_factory=list)
    drifting: list[tuple[PaymentId, int, int]] = field(default_factory=list)
    """With what the provider has of it, and what our ledger says, in minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Looks at each open and recent payment as a worker does; again, it changes nothing."""

    reader: PaymentsReader
    providers: Providers
    take: TakeSighting
    clock: Clock

    async def __call__(
        self, *, since: timedelta, step: Callable[[int, int], None] = lambda _done, _all: None
    ) -> Reconciled:
        """Return what was found; `step` is told how many of how many are done."""
        found = await self.reader.recent(since=self.clock.now() - since)
        done = Reconciled()
        for number, payment_id in enumerate(found, 1):
            await self._look(payment_id, done)
            step(number, len(found))
        return done

    async def _look(self, payment_id: PaymentId, done: Reconciled) -> None:
        before = await self.reader.show(payment_id)
        if before is None:
            return
        done.looked_at += 1
        provider = await self.providers.of(before.attempt.asked.account)
        if provider is None:
            done.unanswered.append((payment_id, "no_account"))
            return
        try:
            seen = await _seen(provider, before)
        except ProviderGone:
            seen = None
        except ProviderRefused as refused:
            done.unanswered.append((payment_id, refused.reason))
            return
        except (ProviderUnsure, ProviderBusy) as silent:
            done.unanswered.append((payment_id, type(silent).__name__))
            return
        if seen is not None:
            await self.take(payment_id, seen)
        after = await self.reader.show(payment_id)
        assert after is not None, "payments are never removed"
        if _changed(before, after):
            done.repaired.append(payment_id)
        theirs, ours = _held(seen), _written(after)
        if theirs != ours:
            done.drifting.append((payment_id, theirs, ours))


async def _seen(provider: Provider, shown: Shown) -> Sighting | None:
    reference = shown.attempt.reference
    if reference is not None:
        return await provider.read(reference)
    # To look for a lost order some providers have to be asked for it anew: only while it is wanted.
    return await provider.find(asked_of(shown.attempt)) if shown.attempt.is_live else None


def _changed(before: Shown, after: Shown) -> bool:
    return (before.attempt.state, before.lines, before.refunds) != (
        after.attempt.state,
        after.lines,
        after.refunds,
    )


def _held(seen: Sighting | None) -> int:
    """What the provider has of it: what came, less what is back with payers or their banks."""
    if seen is None:
        return 0
    back = [one.amount.amount for one in seen.refunds if one.stage is RefundStage.SETTLED]
    moved = [
        money.amount
        for dispute in seen.disputes
        for kind, money in movements_of(dispute, None)
        if kind in WENT
    ]
    return sum(one.amount.amount for one in seen.charges) - sum(back) + sum(moved)


def _written(shown: Shown) -> int:
    return total(shown.lines, CAME | WENT)
