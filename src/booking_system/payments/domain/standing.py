"""How a payment stands, as the API tells it: computed from its attempt and the ledger's lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from booking_system.booking.domain.payment_state import PaymentState
from booking_system.payments.domain.attempt import Attempt, AttemptState
from booking_system.payments.domain.ledger import Line, LineKind, disputed, given_back


class Dispute(StrEnum):
    """What became of a complaint that took money; an inquiry took none."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class PaymentStanding:
    """A payment's status, what of it was given back (minor units), and its dispute, if any."""

    status: PaymentState
    refunded: int
    dispute: Dispute | None


_PLAIN = {
    AttemptState.FAILED: PaymentState.FAILED,
    AttemptState.CANCELLED: PaymentState.CANCELLED,
}


def standing_of(attempt: Attempt, lines: Iterable[Line]) -> PaymentStanding:
    """Compute it from the lines of this attempt.

    While a dispute keeps money away it hides what was refunded.
    """
    known = list(lines)
    back, dispute = given_back(known), _dispute(known)
    if attempt.state is not AttemptState.SUCCEEDED:
        return PaymentStanding(_PLAIN.get(attempt.state, PaymentState.PENDING), back, dispute)
    if dispute in {Dispute.OPEN, Dispute.LOST}:
        status = PaymentState.DISPUTED
    elif back <= 0:
        status = PaymentState.SUCCEEDED
    else:
        is_whole = back >= attempt.captured
        status = PaymentState.REFUNDED if is_whole else PaymentState.PARTIALLY_REFUNDED
    return PaymentStanding(status, back, dispute)


def _dispute(lines: list[Line]) -> Dispute | None:
    kinds = {one.kind for one in lines}
    return dispute_of(
        was_begun=LineKind.DISPUTE_WITHDRAWN in kinds,
        away=disputed(lines),
        is_lost=LineKind.DISPUTE_LOST in kinds,
    )


def dispute_of(*, was_begun: bool, away: int, is_lost: bool) -> Dispute | None:
    """Say what became of a complaint: `away` is what it keeps from the clinic, in minor units."""
    if not was_begun:
        return None
    if away <= 0:
        return Dispute.WON
    return Dispute.LOST if is_lost else Dispute.OPEN
