"""Staff give money back: decided under the lock, made by a job with a key of its own."""

from dataclasses import dataclass

from booking_system.identity.domain.actor import Actor
from booking_system.payments.application.ports import PaymentsTransaction
from booking_system.payments.application.settler import Page, Settler
from booking_system.payments.application.take_sighting import TakeSighting
from booking_system.payments.domain.attempt import Attempt, PaymentId
from booking_system.payments.domain.ledger import Line, LineKind, disputed
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.refunds import (
    Refund,
    RefundReason,
    RefundState,
    nth_refund,
)
from booking_system.payments.domain.refusals import (
    PaymentIsDisputed,
    PaymentNotFound,
    RefundExceedsPayment,
)
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWish:
    """How much of a payment goes back, in minor units, and why; `amount` None: all that can."""

    payment_id: PaymentId
    amount: int | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPayment:
    """Books a refund; what was paid at the desk is given back there, and settled at once."""

    transaction: PaymentsTransaction
    take: TakeSighting

    async def __call__(self, wish: RefundWish, actor: Actor) -> Refund:
        """Return it. For the staff of the clinic.

        Raises `PaymentNotFound`, `RefundExceedsPayment`, `PaymentIsDisputed`, and `Invalid` for an
        amount that is none.
        """
        if wish.amount is not None and wish.amount <= 0:
            raise Invalid.field("/amount", "must be above nothing", "out_of_range")
        settler: Settler = self.take.settler
        async with self.transaction() as work:
            page = await self.take.open(work, wish.payment_id)
            if not actor.works_at(page.owed.clinic_id):
                raise PaymentNotFound
            attempt = page.books.attempt(wish.payment_id)
            assert attempt is not None, "an attempt stays with its appointment"
            refund = self._wanted(wish, page, attempt, actor)
            page.books = page.books.with_refund(refund)
            _supersede(page, attempt.id)
            if attempt.is_of_desk:
                await settler.write_lines(work, page, [_given_at_desk(attempt, refund)])
            await settler.close(work, page)
            return refund

    def _wanted(self, wish: RefundWish, page: Page, attempt: Attempt, actor: Actor) -> Refund:
        charge, left = chosen(page, attempt, wish.amount)
        amount = left if wish.amount is None else wish.amount
        known = page.books.refunds_of(attempt.id)
        return Refund(
            id=nth_refund(attempt.id, len(known)),
            payment_id=attempt.id,
            appointment_id=page.owed.appointment_id,
            clinic_id=page.owed.clinic_id,
            charge_id=charge.provider_id,
            money=Money(amount, charge.money.currency),
            reason=RefundReason.STAFF,
            state=RefundState.SETTLED if attempt.is_of_desk else RefundState.ASKED,
            created_at=page.now,
            requested_by=actor.user_id,
            note=wish.reason,
        )


def chosen(page: Page, attempt: Attempt, amount: int | None) -> tuple[Line, int]:
    """Return the charge that the money is taken of, and how much is left of it.

    Raises `RefundExceedsPayment`, `PaymentIsDisputed`.
    """
    charges = [one for one in page.books.charges() if one.payment_id == attempt.id]
    rooms = [(one, page.books.left_of(one)) for one in charges]
    fitting = [pair for pair in rooms if pair[1] > 0 and pair[1] >= (amount or 1)]
    lines = page.books.lines_of(attempt.id)
    if disputed(lines) > 0 or (fitting and not attempt.is_refundable):
        raise PaymentIsDisputed
    if not fitting:
        raise RefundExceedsPayment
    return fitting[0]


def _supersede(page: Page, payment_id: PaymentId) -> None:
    """What failed before is seen to by this."""
    failed = MatterKind.REFUND_FAILED
    page.books = page.books.with_matters(
        one for one in page.books.matters if (one.kind, one.payment_id) != (failed, payment_id)
    )


def _given_at_desk(attempt: Attempt, refund: Refund) -> Line:
    asked = attempt.asked
    return Line(
        kind=LineKind.DESK_REFUND,
        appointment_id=asked.appointment_id,
        clinic_id=asked.clinic_id,
        payment_id=asked.id,
        account=asked.account,
        provider_id=str(refund.id),
        charge_id=refund.charge_id,
        money=Money(-refund.money.amount, refund.money.currency),
        settled_at=refund.created_at,
        recorded_by=refund.requested_by,
    )
