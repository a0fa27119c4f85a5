"""All that is written about the money of one appointment, read under its lock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from booking_system.payments.domain.attempt import Attempt, PaymentId
from booking_system.payments.domain.ledger import IN, Line, LineKind, disputed, given_back, net
from booking_system.payments.domain.matters import Matter, MatterKind
from booking_system.payments.domain.refunds import Refund, RefundId


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Attempts and refunds as they stand, the ledger's lines, and the matters that are open."""

    attempts: tuple[Attempt, ...] = ()
    lines: tuple[Line, ...] = ()
    refunds: tuple[Refund, ...] = ()
    matters: tuple[Matter, ...] = ()

    @property
    def net(self) -> int:
        """What the appointment has of its patient's money, in minor units."""
        return net(self.lines)

    @property
    def under_way(self) -> int:
        """What is on its way back."""
        return sum(one.money.amount for one in self.refunds if one.is_under_way)

    @property
    def stuck(self) -> int:
        """What did not go back and waits for staff."""
        failed = MatterKind.REFUND_FAILED
        return sum(one.money.amount for one in self.matters if one.kind is failed)

    @property
    def live(self) -> Attempt | None:
        """The one attempt by which money may come in the ordinary way."""
        return next((one for one in self.attempts if one.is_live), None)

    def attempt(self, payment_id: PaymentId) -> Attempt | None:
        """Return the attempt; None: it is of another appointment."""
        return next((one for one in self.attempts if one.id == payment_id), None)

    def refund(self, refund_id: RefundId) -> Refund | None:
        """Return the refund; None: it is of another appointment."""
        return next((one for one in self.refunds if one.id == refund_id), None)

    def lines_of(self, payment_id: PaymentId) -> Sequence[Line]:
        """Return the ledger's lines of one attempt."""
        return [one for one in self.lines if one.payment_id == payment_id]

    def refunds_of(self, payment_id: PaymentId) -> Sequence[Refund]:
        """Return the refunds of one attempt."""
        return [one for one in self.refunds if one.payment_id == payment_id]

    def charges(self) -> Sequence[Line]:
        """Return what came in, the last first."""
        came = [one for one in self.lines if one.kind in IN]
        return sorted(came, key=lambda one: (one.settled_at, one.provider_id), reverse=True)

    def left_of(self, charge: Line) -> int:
        """Return how much of a charge could go back still, in minor units.

        What was refunded, is on its way, or was taken by a dispute, is gone. What is on its way
        counts as spent.
        """
        of_it = [
            one
            for one in self.lines_of(charge.payment_id)
            if one.charge_id == charge.provider_id and one.kind is not LineKind.UNALLOCATED
        ]
        on_its_way = sum(
            one.money.amount
            for one in self.refunds_of(charge.payment_id)
            if one.charge_id == charge.provider_id and one.is_under_way
        )
        return charge.money.amount - given_back(of_it) - disputed(of_it) - on_its_way

    def with_attempt(self, attempt: Attempt) -> "Books":
        """Return the books in which the attempt stands so."""
        others = [one for one in self.attempts if one.id != attempt.id]
        return replace(self, attempts=(*others, attempt))

    def with_lines(self, lines: Iterable[Line]) -> "Books":
        """Return the books with these lines behind the others."""
        return replace(self, lines=(*self.lines, *lines))

    def with_refund(self, refund: Refund) -> "Books":
        """Return the books in which the refund stands so. That it failed is over if it counts."""
        others = [one for one in self.refunds if one.id != refund.id]
        is_over = (MatterKind.REFUND_FAILED, str(refund.id)) if refund.counts else None
        matters = tuple(one for one in self.matters if (one.kind, one.about) != is_over)
        return replace(self, refunds=(*others, refund), matters=matters)

    def with_matters(self, matters: Iterable[Matter]) -> "Books":
        """Return the books in which these are the open matters."""
        return replace(self, matters=tuple(matters))
