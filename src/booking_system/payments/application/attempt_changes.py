"""What happens to an attempt beside looks at its provider; each is one transaction of its own."""

from dataclasses import dataclass, replace
from datetime import datetime

from booking_system.payments.application.ports import Work, WorkKind
from booking_system.payments.application.provider_port import Checkout
from booking_system.payments.application.settler import Page
from booking_system.payments.application.take_sighting import KEPT_FOR_CAPTURE, TakeSighting
from booking_system.payments.domain.attempt import Attempt, AttemptState, PaymentId
from booking_system.payments.domain.judging import lost_sight_of
from booking_system.payments.domain.owed import Standing
from booking_system.payments.domain.transitions import NEXT, Cause, after

GIVEN_UP = frozenset({AttemptState.CANCELLED, AttemptState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptChanges:
    """Writes them under the locks that `TakeSighting` takes, through the same books."""

    take: TakeSighting

    async def cause(
        self,
        payment_id: PaymentId,
        cause: Cause,
        problem: str | None = None,
        *,
        decided_for: AttemptState | None = None,
    ) -> None:
        """Let something happen to the attempt; `problem` is a provider's short word.

        Where another worker was quicker, it may not be in the state any more that this was
        `decided_for`: what cannot happen to it as it is now does not.
        """
        async with self.take.transaction() as work:
            page = await self.take.open(work, payment_id)
            attempt = _attempt(page, payment_id)
            if decided_for not in {None, attempt.state} and NEXT[attempt.state, cause] is None:
                return
            state = after(attempt.state, cause)
            if state is not attempt.state:
                becomes = replace(attempt, state=state, problem=problem or attempt.problem)
                page.books = page.books.with_attempt(becomes)
                await self.take.settler.close(work, page)

    async def abandon(self, payment_id: PaymentId, problem: str) -> None:
        """End what nobody can ask about any more, and have people look at what may come of it."""
        async with self.take.transaction() as work:
            page = await self.take.open(work, payment_id)
            attempt = _attempt(page, payment_id)
            matter = lost_sight_of(attempt, page.books.refunds_of(payment_id), now=page.now)
            state = after(attempt.state, Cause.ABANDONED)
            if state is not attempt.state:
                becomes = replace(attempt, state=state, problem=problem)
                page.books = page.books.with_attempt(becomes)
            known = {(one.kind, one.payment_id, one.about) for one in page.books.matters}
            if matter is not None and (matter.kind, payment_id, matter.about) not in known:
                page.books = page.books.with_matters([*page.books.matters, matter])
            if page.books != page.before:
                await self.take.settler.close(work, page)

    async def accepted(self, payment_id: PaymentId, checkout: Checkout) -> None:
        """Write what the provider answered; what came in meanwhile is not written over."""
        async with self.take.transaction() as work:
            page = await self.take.open(work, payment_id)
            attempt = _attempt(page, payment_id)
            becomes = replace(
                attempt,
                state=after(attempt.state, Cause.ACCEPTED),
                reference=attempt.reference or checkout.reference,
                checkout_url=attempt.checkout_url or checkout.checkout_url,
                client_secret=checkout.client_secret,
                publishable_key=checkout.publishable_key,
            )
            page.books = page.books.with_attempt(becomes)
            await self.take.settler.close(work, page)
            if becomes.state in GIVEN_UP:
                # It was given up before the answer came: nobody shall pay it still.
                await work.plan(Work(kind=WorkKind.END, payment_id=payment_id, due_at=page.now))

    async def is_wanted(self, payment_id: PaymentId) -> bool:
        """Say whether its appointment is to take place still."""
        async with self.take.transaction() as work:
            page = await self.take.open(work, payment_id)
            return page.owed.takes_place

    async def kept_for_capture(self, payment_id: PaymentId) -> datetime | None:
        """Keep its appointment's time, right before the money is taken; None: it is not ours.

        Return until when nobody else can have it.
        """
        async with self.take.transaction() as work:
            page = await self.take.open(work, payment_id)
            may = await self.take.may_capture(page, _attempt(page, payment_id))
            return page.now + KEPT_FOR_CAPTURE if may else None

    async def expire(self, payment_id: PaymentId) -> datetime | None:
        """End what waited for money too long; return when that will be, where it is not yet."""
        async with self.take.transaction() as work:
            page = await self.take.open(work, payment_id)
            owed = page.owed
            if owed.status is not Standing.PENDING_PAYMENT or owed.pay_by is None:
                return None
            if owed.pay_by > page.now:
                return owed.pay_by
            await self.take.appointments.expire(owed.appointment_id, now=page.now)
            page.owed = replace(owed, status=Standing.EXPIRED, pay_by=None)
            await self.take.settler.close(work, page)
            return None


def _attempt(page: Page, payment_id: PaymentId) -> Attempt:
    attempt = page.books.attempt(payment_id)
    assert attempt is not None, "an attempt stays with its appointment"
    return attempt
