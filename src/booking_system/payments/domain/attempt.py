"""An attempt to pay: one try of one payer at one account of a provider, with frozen parameters."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, UserId
from booking_system.shared_kernel.money import Money

PaymentId = NewType("PaymentId", UUID)

DESK = "desk"
"""The provider of what the clinic's staff take themselves, in cash or with a card terminal."""
CAPTURING = frozenset({"paypal"})
"""Providers where nothing moves until we capture it, and which have no call that ends an order."""
PROVIDERS_SHORTEST = timedelta(minutes=31)
"""A provider wants a checkout to be open for half an hour at least, from when it is asked."""
GRACE = timedelta(minutes=3)
"""Between the end of the payer's window and `pay_by`: then the provider is asked and answers."""


class AttemptState(StrEnum):
    """Where an attempt stands. `transitions.py` says which leads where."""

    CREATING = "creating"
    """The row and its key are committed; what the provider did is not known."""
    OPEN = "open"
    """The provider's reference is known, and the payer may pay."""
    CLOSING = "closing"
    """The provider is asked to end it, and has not answered."""
    PROCESSING = "processing"
    """The provider has it, and what comes of it is told later."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"


LIVE = frozenset(
    {AttemptState.CREATING, AttemptState.OPEN, AttemptState.CLOSING, AttemptState.PROCESSING}
)
"""At most one attempt of an appointment is in one of these."""


class Presentation(StrEnum):
    """Where the payer sees the checkout; at the desk there is none."""

    REDIRECT = "redirect"
    EMBEDDED = "embedded"
    DESK = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What an attempt asks for, decided when it begins and never changed. Instants in UTC.

    `window_end` is when the payer's time is over, `ends_at` when the provider's own is. `title` is
    what the payer reads: no patient, nothing medical.
    """

    id: PaymentId
    appointment_id: AppointmentId
    clinic_id: ClinicId
    account: Account
    amount: Money
    presentation: Presentation
    title: str
    language: str
    return_url: str
    cancel_url: str
    window_end: datetime
    ends_at: datetime
    started_by: UserId | None
    created_at: datetime

    @property
    def key(self) -> str:
        """The idempotency key of its creation; other calls have keys of their own."""
        return f"{self.id}:create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt as it stands. Amounts in minor units of the currency of what was asked.

    `captured` is what came in by it, `claimed` what of that is on its way back or was given back.
    `captures` is how often we decided to capture it: each time is another piece of work to the
    provider. `is_refundable` is the provider's word, as it was last seen. `version` counts its
    changes.
    """

    asked: Frozen
    state: AttemptState = AttemptState.CREATING
    reference: str | None = None
    checkout_url: str | None = None
    client_secret: str | None = None
    publishable_key: str | None = None
    problem: str | None = None
    captured: int = 0
    claimed: int = 0
    captures: int = 0
    is_refundable: bool = True
    version: int = 1

    @property
    def id(self) -> PaymentId:
        """Its identity."""
        return self.asked.id

    @property
    def is_live(self) -> bool:
        """Say whether money may still come by it in the ordinary way."""
        return self.state in LIVE

    @property
    def is_captured_by_us(self) -> bool:
        """Say whether nothing moves unless we capture it."""
        return self.asked.account.provider in CAPTURING

    @property
    def is_of_desk(self) -> bool:
        """Say whether the clinic's staff took the money."""
        return self.asked.account.provider == DESK

    @property
    def capture_key(self) -> str:
        """The idempotency key of the capture that was decided last."""
        return f"{self.id}:capture:{self.captures}"

    def is_same_wish(self, provider: str, presentation: Presentation, amount: Money) -> bool:
        """Say whether somebody who asks for this gets this attempt again."""
        asked = self.asked
        return (asked.account.provider, asked.presentation, asked.amount) == (
            provider,
            presentation,
            amount,
        )
