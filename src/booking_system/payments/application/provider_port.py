"""What payments needs from a provider. No call is made inside a database transaction.

Each call can end in three ways: an answer, a refusal that is definite, or silence. After silence
nobody knows what the provider did: the same call with the same key and the same parameters is
sent again, or the provider is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from booking_system.payments.domain.sighting import Account, SeenRefund, Sighting
from booking_system.shared_kernel.money import Money

LONGEST_CALL = 40.0
"""Seconds; a lease under which a provider is asked must be longer."""


class Presentation(StrEnum):
    """Where the payer sees the checkout."""

    REDIRECT = "redirect"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutAsked:
    """The parameters of one attempt, frozen in its row and sent again as they are.

    `key` is the idempotency key; `our_id` comes back with all that the provider says of it. `title`
    is what the payer reads: no patient, no medical content. Nothing was sent before `asked_at`.
    Instants in UTC.
    """

    our_id: str
    key: str
    amount: Money
    title: str
    language: str
    return_url: str
    cancel_url: str
    asked_at: datetime
    ends_at: datetime
    presentation: Presentation = Presentation.REDIRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """An attempt that the provider has taken.

    `client_secret` and `publishable_key` are for an embedded checkout only.
    """

    reference: str
    ends_at: datetime | None
    checkout_url: str | None = None
    client_secret: str | None = None
    publishable_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAsked:
    """Money that is to go back; `our_id` comes back with it, `key` is the idempotency key."""

    our_id: str
    key: str
    reference: str
    charge_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Hint:
    """An event of a provider whose signature was right: look at this attempt.

    `event_id` is the provider's, for looking only once. `reference` names the attempt, or `our_id`
    does; an event of a refund or a complaint may have nothing but `charge_id`, which the ledger
    knows, or else `Provider.locate`. None of the three: it is signed but about nothing of ours.
    `account_key` is None where the event does not say whose account it is about.
    """

    event_id: str
    kind: str
    is_live: bool
    reference: str | None = None
    our_id: str | None = None
    charge_id: str | None = None
    account_key: str | None = None


class ProviderUnsure(Exception):
    """Nobody knows whether it was done: no answer, a broken one, or the provider's own fault."""


class ProviderBusy(Exception):
    """It was not done: the provider asks for patience."""

    def __init__(self, retry_after: float | None = None) -> None:
        """`retry_after` in seconds; None where the provider did not say."""
        super().__init__("the provider asks for patience")
        self.retry_after = retry_after


class ProviderRefused(Exception):
    """It was not done and will not be. `reason` is the provider's short word, no patient data."""

    def __init__(self, reason: str, *, is_payer: bool = False) -> None:
        """`is_payer`: the payer's means were declined, and they may try others."""
        super().__init__(reason)
        self.reason, self.is_payer = reason, is_payer


class ProviderGone(ProviderRefused):
    """The provider knows no such attempt, or forgot it when it had run out; nobody paid by it.

    With keys of another account nothing is known either: believed only of an attempt whose time is
    over.
    """


class InvalidEvent(Exception):
    """A webhook that the provider did not sign, or that is nothing a provider sends."""


class Provider(Protocol):
    """One account at one provider.

    Every method but `hint` raises `ProviderUnsure`, `ProviderBusy` or `ProviderRefused`; those that
    take a reference also `ProviderGone`. None waits for more than `LONGEST_CALL` seconds.
    """

    @property
    def account(self) -> Account:
        """Whose money it is."""

    async def create(self, asked: CheckoutAsked) -> Checkout:
        """Have the provider ask the payer. The same `key` and parameters make it once."""

    async def find(self, asked: CheckoutAsked) -> Sighting | None:
        """Look for what an unanswered `create` may have made; None: the provider has none.

        Where a provider can only be asked by asking again, this makes it: nobody has its address.
        """

    async def read(self, reference: str) -> Sighting:
        """Return the attempt as the provider has it now, with charges, refunds and complaints."""

    async def end(self, reference: str) -> Sighting:
        """Have the provider take no money for it any more, where that can be said; then read it."""

    async def capture(self, reference: str, *, key: str) -> Sighting:
        """Take the money that the payer agreed to. Only for an attempt that is `APPROVED`.

        After a refusal that `is_payer`, the payer agrees anew, and that is taken with a new `key`.
        """

    async def refund(self, asked: RefundAsked) -> SeenRefund:
        """Give money back. The same `key` and parameters give it back once."""

    async def locate(self, charge_id: str) -> str | None:
        """Return the reference of the attempt that a charge is of; None: of nothing of ours."""

    async def hint(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Hint:
        """Read a webhook. Raises `InvalidEvent`; `ProviderUnsure` where it cannot be checked now.

        `headers` by lower-case name.
        """
