"""Refunds: money on its way back, each of one charge, with states of its own."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.sighting import RefundStage, SeenRefund
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, UserId
from booking_system.shared_kernel.money import Money

RefundId = NewType("RefundId", UUID)


class RefundState(StrEnum):
    """Where a refund stands. It goes forward only, in this order."""

    ASKED = "asked"
    """Decided here; the provider may not know yet."""
    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    """The money stayed with us, or came back."""


class RefundReason(StrEnum):
    """Why money goes back."""

    LATE_MONEY = "late_money"
    SURPLUS = "surplus"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    STAFF = "staff"
    PROVIDER = "provider"
    """Made in the provider's own pages."""


NEVER_MADE = "none:"
"""What stands in front of our own id where the provider has given none."""
UNDER_WAY = frozenset({RefundState.ASKED, RefundState.PENDING})
_ORDER = list(RefundState)
_STATES = {
    RefundStage.PENDING: RefundState.PENDING,
    RefundStage.SETTLED: RefundState.SETTLED,
    RefundStage.FAILED: RefundState.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money of one charge that goes back. `money` is above nothing; instants in UTC.

    `provider_id` None: the provider has not told its name of it. `requested_by` None: no user asked
    for it. `note` is what staff said of it.
    """

    id: RefundId
    payment_id: PaymentId
    appointment_id: AppointmentId
    clinic_id: ClinicId
    charge_id: str
    money: Money
    reason: RefundReason
    created_at: datetime
    state: RefundState = RefundState.ASKED
    provider_id: str | None = None
    problem: str | None = None
    requested_by: UserId | None = None
    note: str | None = None

    @property
    def counts(self) -> bool:
        """Say whether its money is spent: given back, or on its way."""
        return self.state is not RefundState.FAILED

    @property
    def is_under_way(self) -> bool:
        """Say whether its end is still to come."""
        return self.state in UNDER_WAY

    @property
    def key(self) -> str:
        """Its own idempotency key."""
        return f"{self.id}:refund"

    @property
    def was_made(self) -> bool:
        """Say whether the provider has it, or had it."""
        return self.provider_id is not None and not self.provider_id.startswith(NEVER_MADE)

    def refused(self, problem: str, now: datetime) -> SeenRefund:
        """Return it as one that the provider does not make; `problem` is a short word."""
        return SeenRefund(
            id=self.provider_id or f"{NEVER_MADE}{self.id}",
            charge_id=self.charge_id,
            amount=self.money,
            stage=RefundStage.FAILED,
            seen_at=now,
            our_id=str(self.id),
            problem=problem,
        )

    def after(self, seen: SeenRefund) -> "Refund":
        """Return it as it is after the provider was asked; never a step back.

        Two workers may ask for it, and one of them be refused: what the provider has made counts,
        in whichever order the two hear of it.
        """
        is_made = not seen.id.startswith(NEVER_MADE)
        if self.was_made and not is_made:
            return self
        state = _STATES[seen.stage]
        if self.was_made or not is_made or self.state is not RefundState.FAILED:
            state = max(self.state, state, key=_ORDER.index)
        before = None if self.state is RefundState.FAILED else self.problem
        problem = seen.problem if state is RefundState.FAILED else before
        return replace(self, state=state, provider_id=seen.id, problem=problem)


def nth_refund(payment_id: PaymentId, count: int) -> RefundId:
    """Return the identity of the next refund of a payment that has so many."""
    return RefundId(uuid5(payment_id, f"refund {count}"))


def refund_seen(payment_id: PaymentId, provider_id: str) -> RefundId:
    """Return the identity of a refund that was made in the provider's pages: always the same."""
    return RefundId(uuid5(payment_id, f"seen {provider_id}"))
