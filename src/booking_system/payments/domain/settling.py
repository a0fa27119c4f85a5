"""What is owed to a patient, and what is asked of them no more: computed anew from all the books.

Asked again, nothing new comes of it: what is on its way back counts as spent, and what people have
to see to is no matter for the program.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from booking_system.payments.domain.attempt import Attempt, AttemptState
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.ledger import Line, LineKind
from booking_system.payments.domain.matters import Matter, MatterKind
from booking_system.payments.domain.owed import Owed, Standing
from booking_system.payments.domain.refunds import Refund, RefundReason, nth_refund
from booking_system.shared_kernel.money import Money

REASONS = {
    Standing.EXPIRED: RefundReason.LATE_MONEY,
    Standing.CANCELLED: RefundReason.CANCELLED,
    Standing.NO_SHOW: RefundReason.NO_SHOW,
}
"""Of all others the reason is a surplus: paid twice, or moved to a lower price."""
STOPPABLE = frozenset({AttemptState.CREATING, AttemptState.OPEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What follows: refunds to be made, the matters that are open now, attempts to be ended."""

    refunds: tuple[Refund, ...]
    matters: tuple[Matter, ...]
    unwanted: tuple[Attempt, ...]


def settle(owed: Owed, books: Books, *, now: datetime) -> Settlement:
    """Return what has to be done so that the appointment has what it may keep, and no more.

    What a refund did not bring back waits for staff (`refund_failed`), and is not tried again by
    itself; what no provider can give back is a matter of its own (`refund_by_hand`), and gone as
    soon as it is not owed.
    """
    open_matters = [one for one in books.matters if one.kind is not MatterKind.REFUND_BY_HAND]
    rest = max(0, books.net - owed.most_kept()) - books.under_way
    refunds = tuple(_planned(owed, books, rest - books.stuck, now))
    left = rest - books.stuck - sum(one.money.amount for one in refunds)
    if left > 0:
        open_matters.append(_by_hand(books, left, now))
    return Settlement(
        refunds=refunds,
        matters=tuple(open_matters),
        unwanted=tuple(one for one in books.attempts if _is_unwanted(one, owed, books)),
    )


def _is_unwanted(attempt: Attempt, owed: Owed, books: Books) -> bool:
    if attempt.state not in STOPPABLE:
        return False
    return not owed.takes_place or owed.asks_for(books.net) != attempt.asked.amount.amount


def _planned(owed: Owed, books: Books, wanted: int, now: datetime) -> Iterator[Refund]:
    """From the last charge backwards: of two that were paid for one price, the first is kept."""
    reason = REASONS.get(owed.status, RefundReason.SURPLUS)
    counts = {one.id: len(books.refunds_of(one.id)) for one in books.attempts}
    for charge in books.charges():
        attempt = books.attempt(charge.payment_id)
        amount = min(wanted, books.left_of(charge))
        if attempt is None or not _goes_back(charge, attempt) or amount <= 0:
            continue
        yield Refund(
            id=nth_refund(attempt.id, counts[attempt.id]),
            payment_id=attempt.id,
            appointment_id=owed.appointment_id,
            clinic_id=owed.clinic_id,
            charge_id=charge.provider_id,
            money=Money(amount, charge.money.currency),
            reason=reason,
            created_at=now,
        )
        counts[attempt.id] += 1
        wanted -= amount


def _goes_back(charge: Line, attempt: Attempt) -> bool:
    return charge.kind is LineKind.CHARGE and attempt.is_refundable


def _by_hand(books: Books, amount: int, now: datetime) -> Matter:
    last = books.charges()[0]
    known = next((one for one in books.matters if one.kind is MatterKind.REFUND_BY_HAND), None)
    return Matter(
        kind=MatterKind.REFUND_BY_HAND,
        clinic_id=last.clinic_id,
        appointment_id=last.appointment_id,
        payment_id=last.payment_id if known is None else known.payment_id,
        about="",
        money=Money(amount, last.money.currency),
        found_at=now if known is None else known.found_at,
    )
