"""Somebody wants to pay: the attempt is committed first, then the provider is asked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking_system.booking.domain.refusals import AppointmentNotFound, BookingNotActive
from booking_system.identity.domain.actor import Actor
from booking_system.payments.application.do_work import DoWork
from booking_system.payments.application.ports import (
    Appointments,
    PaymentsTransaction,
    PaymentsWork,
    Providers,
    Shown,
    ShowsPayment,
    Work,
    WorkKind,
    WorkQueue,
)
from booking_system.payments.application.provider_port import Presentation as Shape
from booking_system.payments.application.settler import POLLED_AFTER, Page, Settler
from booking_system.payments.domain.attempt import (
    GRACE,
    PROVIDERS_SHORTEST,
    Attempt,
    AttemptState,
    Frozen,
    PaymentId,
    Presentation,
)
from booking_system.payments.domain.owed import Owed, Standing
from booking_system.payments.domain.refusals import (
    PaymentAlreadyMade,
    PaymentInProgress,
    PaymentNotFound,
    PaymentNotRequired,
)
from booking_system.payments.domain.sighting import Account
from booking_system.payments.domain.transitions import Cause, after
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import AppointmentId, Identities
from booking_system.shared_kernel.money import Money

WINDOW = timedelta(minutes=30)
"""So long the checkout of a confirmed appointment is open; others until a while before `pay_by`."""
BEGINNING = frozenset({AttemptState.CREATING, AttemptState.OPEN, AttemptState.PROCESSING})
"""Where an attempt is given again to people who ask for the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentWish:
    """How somebody wants to pay. The sum is not theirs to say."""

    appointment_id: AppointmentId
    provider: str
    presentation: Shape
    title: str
    language: str
    return_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPayment:
    """Begins an attempt, or gives the live attempt again.

    The caller looked whether the actor may see the appointment; whether they may pay for it is
    asked here: its patient, and the clinic's staff. No actor is the holder of a link that was
    sealed for this appointment.
    """

    transaction: PaymentsTransaction
    appointments: Appointments
    settler: Settler
    providers: Providers
    reader: ShowsPayment
    queue: WorkQueue
    do: DoWork
    clock: Clock
    identities: Identities

    async def __call__(self, wish: PaymentWish, actor: Actor | None) -> Shown:
        """Return the payment; where the provider did not answer in time, without an address.

        Raises `AppointmentNotFound`, `BookingNotActive`, `PaymentNotRequired`,
        `PaymentAlreadyMade`, `PaymentInProgress`, and `Invalid` for a provider that the clinic does
        not offer.
        """
        payment_id = await self._begun(wish, actor)
        if payment_id is None:
            raise PaymentInProgress
        claim = await self.queue.claim_one(WorkKind.CREATE, payment_id, now=self.clock.now())
        if claim is not None:
            await self.do(claim)
        shown = await self.reader.show(payment_id)
        if shown is None:
            raise PaymentNotFound
        return shown

    async def _begun(self, wish: PaymentWish, actor: Actor | None) -> PaymentId | None:
        """Commit the attempt; None: another one is being ended first, which is committed, too."""
        async with self.transaction() as work:
            owed = await self.appointments.lock(wish.appointment_id)
            if owed is None or not _may_pay(owed, actor):
                raise AppointmentNotFound
            provider = await self.providers.chosen(wish.provider, owed.clinic_id)
            if provider is None:
                raise Invalid.field("/provider", "is not offered by the clinic", "not_offered")
            page = await self.settler.open(work, owed, now=self.clock.now())
            presentation, amount = Presentation(wish.presentation.value), payable(page)
            live = page.books.live
            if live is not None:
                is_same = live.is_same_wish(wish.provider, presentation, amount)
                if is_same and live.state in BEGINNING:
                    return live.id
                if not _made_way(page, live):
                    await self.settler.close(work, page)
                    return None
            attempt = Attempt(
                asked=self._frozen(wish, page, actor, account=provider.account, amount=amount)
            )
            await self.settler.close(work, page)
            await self._add(work, attempt)
            return attempt.id

    async def _add(self, work: PaymentsWork, attempt: Attempt) -> None:
        asked = attempt.asked
        await work.add_attempt(attempt)
        for kind, due_at in (
            (WorkKind.CREATE, asked.created_at),
            (WorkKind.POLL, asked.window_end + POLLED_AFTER),
            (WorkKind.EXPIRE, asked.window_end + GRACE),
        ):
            await work.plan(Work(kind=kind, payment_id=asked.id, due_at=due_at))

    def _frozen(
        self, wish: PaymentWish, page: Page, actor: Actor | None, *, account: Account, amount: Money
    ) -> Frozen:
        owed, now = page.owed, page.now
        window_end = window_of(owed, now)
        return Frozen(
            id=PaymentId(self.identities.new()),
            appointment_id=owed.appointment_id,
            clinic_id=owed.clinic_id,
            account=account,
            amount=amount,
            presentation=Presentation(wish.presentation.value),
            title=wish.title,
            language=wish.language,
            return_url=wish.return_url,
            cancel_url=wish.cancel_url,
            window_end=window_end,
            ends_at=max(window_end, now + PROVIDERS_SHORTEST),
            started_by=None if actor is None else actor.user_id,
            created_at=now,
        )


def _made_way(page: Page, live: Attempt) -> bool:
    """End what is under way in another way; True: nothing can come of it any more.

    What moves only when we capture it is over as soon as we say so; another one is over when its
    provider says so.
    """
    if live.state is AttemptState.PROCESSING:
        return False
    ending = replace(live, state=after(live.state, Cause.UNWANTED))
    if live.is_captured_by_us and live.reference is not None:
        ending = replace(ending, state=after(ending.state, Cause.NOT_CAPTURED))
    page.books = page.books.with_attempt(ending)
    return not ending.is_live


def _may_pay(owed: Owed, actor: Actor | None) -> bool:
    if actor is None:
        return True
    return owed.patient_id == actor.patient_id or actor.works_at(owed.clinic_id)


def window_of(owed: Owed, now: datetime) -> datetime:
    """Return when the payer's time is over (UTC)."""
    if owed.pay_by is not None:
        return owed.pay_by - GRACE
    return min(now + WINDOW, owed.ends_at)


def payable(page: Page) -> Money:
    """Return what the next payment is about.

    Raises `BookingNotActive`, `PaymentNotRequired`, `PaymentAlreadyMade`.
    """
    owed, now = page.owed, page.now
    if owed.price is None or owed.due == 0:
        raise PaymentNotRequired
    if not owed.takes_place or owed.status is Standing.COMPLETED or owed.ends_at <= now:
        raise BookingNotActive
    if owed.pay_by is not None and now >= owed.pay_by - GRACE:
        raise BookingNotActive
    amount = owed.asks_for(page.books.net)
    if amount <= 0:
        raise PaymentAlreadyMade
    return Money(amount, owed.price.currency)
