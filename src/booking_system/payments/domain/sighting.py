"""What a provider says of an attempt to pay when it is asked: the facts that decide.

A webhook is a hint that something changed; only what was read from the provider counts. All
instants are UTC, all money is in minor units as `shared_kernel.money` has it, not as the provider
counts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking_system.shared_kernel.money import Money


class Stage(StrEnum):
    """Where an attempt stands at the provider."""

    OPEN = "open"
    """The payer may still pay."""
    APPROVED = "approved"
    """The payer has agreed, and nothing moves until it is captured."""
    PROCESSING = "processing"
    """The provider has the payer's word, and the money comes or fails later."""
    PAID = "paid"
    """The money is there."""
    ENDED = "ended"
    """It is over without money: the provider let it run out, or ended it when asked to."""
    FAILED = "failed"
    """It is over without money: refused for good."""


class RefundStage(StrEnum):
    """Where a refund stands at the provider."""

    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    """The money came back to us, or never left: failed or cancelled."""


class DisputeStage(StrEnum):
    """Where a payer's complaint to their bank stands."""

    INQUIRY = "inquiry"
    """A question, which takes no money."""
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose money it is: an account at a provider, real or for tests.

    `key` tells accounts of one provider apart and is none of their secrets.
    """

    provider: str
    key: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """Money that a payer gave, once; `id` is the provider's."""

    id: str
    amount: Money
    settled_at: datetime
    is_refundable: bool = True
    """False while a complaint keeps the money, or where the provider refunds it no more."""


@dataclass(frozen=True, slots=True)
class SeenRefund:
    """Money that goes back to the payer; `id` is the provider's.

    `our_id` is the id that we gave it; None: it was made at the provider, in its own pages.
    """

    id: str
    charge_id: str
    amount: Money
    stage: RefundStage
    seen_at: datetime
    our_id: str | None = None
    problem: str | None = None
    """The provider's short word for why it failed, or waits; none of the payer's data."""


@dataclass(frozen=True, slots=True)
class SeenDispute:
    """A complaint. `withdrawn` is what it took from the account, `fee` what it cost beside that.

    `returned` is what of `withdrawn` came back, in the same minor units: what was taken is told
    also behind its return, so that it makes no difference when somebody looked. A fee that came
    back is not in `fee`, which may be in another currency, that of the account.
    """

    id: str
    charge_id: str
    stage: DisputeStage
    withdrawn: Money
    fee: Money
    seen_at: datetime
    returned: int = 0
    returned_at: datetime | None = None
    """When the last of it came back, where the provider says so."""

    @property
    def is_away(self) -> bool:
        """Whether it keeps money from the account now."""
        return self.withdrawn.amount > self.returned


@dataclass(frozen=True, slots=True)
class Sighting:
    """An attempt as the provider has it.

    `our_id` is the id of the attempt that it was made for, as the provider gives it back; `amount`
    what it asks the payer for. Whether these fit our row is not judged here.
    """

    account: Account
    reference: str
    our_id: str | None
    amount: Money
    stage: Stage
    charges: tuple[Charge, ...] = ()
    refunds: tuple[SeenRefund, ...] = ()
    disputes: tuple[SeenDispute, ...] = ()
    checkout_url: str | None = None
    ends_at: datetime | None = None
