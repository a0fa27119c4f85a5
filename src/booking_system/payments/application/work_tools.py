"""What every piece of work towards a provider needs, and how long it waits between two tries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from booking_system.payments.application.ports import (
    Claim,
    PaymentsReader,
    Providers,
    WorkKind,
    WorkQueue,
)
from booking_system.payments.application.provider_port import CheckoutAsked, Presentation
from booking_system.payments.application.take_sighting import TakeSighting
from booking_system.payments.domain.attempt import Attempt
from booking_system.shared_kernel.clock import Clock

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
LONGEST_REFUND_WAIT = timedelta(hours=6)


def wait_after(attempts: int, *, chance: float, longest: timedelta) -> timedelta:
    """Return how long to wait behind so many attempts: doubled each time, less by chance (0 to 1).

    Never less than half of it: what failed together does not come back together.
    """
    doubled = min(FIRST_WAIT * (1 << min(attempts - 1, 20)), longest)
    return doubled * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every piece of work needs. `chance` gives numbers from 0 to 1."""

    queue: WorkQueue
    reader: PaymentsReader
    providers: Providers
    take: TakeSighting
    clock: Clock
    chance: Callable[[], float]

    def wait(self, claim: Claim, seconds: float | None = None) -> timedelta:
        """Return how long a piece of work is put off; a provider may ask for so many seconds."""
        longest = LONGEST_REFUND_WAIT if claim.kind is WorkKind.REFUND else LONGEST_WAIT
        wait = wait_after(claim.attempts, chance=self.chance(), longest=longest)
        return max(wait, min(timedelta(seconds=seconds or 0), longest))


def asked_of(attempt: Attempt) -> CheckoutAsked:
    """Return what the provider is asked for: the same each time, byte for byte."""
    asked = attempt.asked
    return CheckoutAsked(
        our_id=str(asked.id),
        key=asked.key,
        amount=asked.amount,
        title=asked.title,
        language=asked.language,
        return_url=asked.return_url,
        cancel_url=asked.cancel_url,
        asked_at=asked.created_at,
        ends_at=asked.ends_at,
        presentation=Presentation(asked.presentation.value),
    )
