"""What a provider has of an attempt is taken into the books: in one transaction, and once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from booking_system.payments.application.ports import (
    Appointments,
    PaymentsTransaction,
    PaymentsWork,
    Work,
    WorkKind,
)
from booking_system.payments.application.settler import Page, Settler
from booking_system.payments.domain.attempt import GRACE, Attempt, PaymentId
from booking_system.payments.domain.judging import Verdict, judge, judge_refund
from booking_system.payments.domain.refusals import PaymentNotFound
from booking_system.payments.domain.sighting import SeenRefund, Sighting
from booking_system.payments.domain.transitions import Cause, after
from booking_system.shared_kernel.clock import Clock

KEPT_FOR_CAPTURE = GRACE + timedelta(minutes=1)
"""Longer than a capture's lease, so that nobody gets the slot while we take the money for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSighting:
    """Locks the appointment, then its attempts, and writes what follows from what was seen.

    The same, seen often and in any order, has its effect once.
    """

    transaction: PaymentsTransaction
    appointments: Appointments
    settler: Settler
    clock: Clock

    async def __call__(self, payment_id: PaymentId, sighting: Sighting) -> Attempt:
        """Return the attempt as it stands then. Raises `PaymentNotFound`."""

        def judged(attempt: Attempt, page: Page) -> Verdict:
            return judge(attempt, sighting, page.books, now=page.now)

        return await self._judged(payment_id, judged)

    async def refund(self, payment_id: PaymentId, seen: SeenRefund) -> Attempt:
        """Take what the provider says of one refund alone. Raises `PaymentNotFound`."""

        def judged(attempt: Attempt, page: Page) -> Verdict:
            return judge_refund(attempt, seen, page.books, now=page.now)

        return await self._judged(payment_id, judged)

    async def _judged(
        self, payment_id: PaymentId, judged: Callable[[Attempt, Page], Verdict]
    ) -> Attempt:
        async with self.transaction() as work:
            page = await self.open(work, payment_id)
            attempt = page.books.attempt(payment_id)
            assert attempt is not None, "an attempt stays with its appointment"
            await self._take(work, page, judged(attempt, page))
            await self.settler.close(work, page)
            done = page.books.attempt(payment_id)
            assert done is not None, "no attempt is ever removed"
            return done

    async def open(self, work: PaymentsWork, payment_id: PaymentId) -> Page:
        """Lock what a payment is of. Raises `PaymentNotFound`."""
        appointment_id = await work.appointment_of(payment_id)
        owed = None if appointment_id is None else await self.appointments.lock(appointment_id)
        if owed is None:
            raise PaymentNotFound
        return await self.settler.open(work, owed, now=self.clock.now())

    async def _take(self, work: PaymentsWork, page: Page, verdict: Verdict) -> None:
        page.books = page.books.with_attempt(verdict.attempt)
        await self.settler.write_lines(work, page, verdict.lines)
        for refund in verdict.refunds:
            page.books = page.books.with_refund(refund)
        open_now = {(one.kind, one.payment_id, one.about) for one in page.books.matters}
        found = [
            one for one in verdict.matters if (one.kind, one.payment_id, one.about) not in open_now
        ]
        page.books = page.books.with_matters([*page.books.matters, *found])
        if verdict.wants_capture:
            await self._decide_capture(work, page, verdict.attempt)

    async def _decide_capture(self, work: PaymentsWork, page: Page, attempt: Attempt) -> None:
        """Capture only what is payable, while its time is ours, or is so again."""
        may = await self.may_capture(page, attempt)
        cause = Cause.CAPTURE if may else Cause.NOT_CAPTURED
        state, captures = after(attempt.state, cause), attempt.captures + may
        becomes = replace(attempt, state=state, captures=captures)
        page.books = page.books.with_attempt(becomes)
        if may:
            await work.plan(Work(kind=WorkKind.CAPTURE, payment_id=attempt.id, due_at=page.now))

    async def may_capture(self, page: Page, attempt: Attempt) -> bool:
        """Say whether the money is wanted; the appointment's time is kept meanwhile."""
        owed, now, amount = page.owed, page.now, attempt.asked.amount.amount
        if owed.takes_place:
            is_wanted = amount <= owed.asks_for(page.books.net) and now < owed.ends_at
        else:
            is_wanted = owed.is_confirmed_by(page.books.net + amount) and now < owed.starts_at
        if not is_wanted:
            return False
        return await self.appointments.keep(
            owed.appointment_id, until=now + KEPT_FOR_CAPTURE, now=now
        )
