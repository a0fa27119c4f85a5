"""What follows wherever money or an appointment changed, in the transaction that changed it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking_system.payments.application.ports import (
    Appointments,
    PaymentsWork,
    Work,
    WorkKind,
)
from booking_system.payments.domain.attempt import Attempt, AttemptState, PaymentId
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.events import (
    PaymentCancelled,
    PaymentDisputed,
    PaymentEvent,
    PaymentFailed,
    PaymentMatterOpened,
    PaymentRefunded,
    PaymentSucceeded,
    RefundFailed,
)
from booking_system.payments.domain.ledger import IN, ON_PAPER, Line, net
from booking_system.payments.domain.owed import Owed, Standing
from booking_system.payments.domain.receipts import Draft, Occasion, Parties, drafts
from booking_system.payments.domain.refunds import Refund, RefundState
from booking_system.payments.domain.settling import settle
from booking_system.payments.domain.standing import standing_of
from booking_system.payments.domain.transitions import Cause, after
from booking_system.shared_kernel.aggregate import DomainEvent

ENDS = {
    AttemptState.SUCCEEDED: PaymentSucceeded,
    AttemptState.FAILED: PaymentFailed,
    AttemptState.CANCELLED: PaymentCancelled,
}
POLLED_AFTER = timedelta(seconds=15)
"""So long behind the payer's window the provider is asked."""
PENDING_REFUND_POLLED = timedelta(hours=1)


@dataclass(slots=True)
class Page:
    """The books of one locked appointment, before and as they become.

    `written` are the ledger's lines that this transaction has added.
    """

    owed: Owed
    before: Books
    books: Books
    now: datetime
    written: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler:
    """Opens the books of an appointment and closes them; what is between changes `Page.books`."""

    appointments: Appointments

    async def open(self, work: PaymentsWork, owed: Owed, *, now: datetime) -> Page:
        """Lock the attempts of a locked appointment, and read."""
        books = await work.books(owed.appointment_id)
        return Page(owed=owed, before=books, books=books, now=now)

    async def write_lines(self, work: PaymentsWork, page: Page, lines: Iterable[Line]) -> None:
        """Add lines to the ledger; those that are there already are none of this transaction's."""
        added = await work.add_lines(lines)
        page.books = page.books.with_lines(added)
        page.written += tuple(added)

    async def close(self, work: PaymentsWork, page: Page) -> None:
        """Confirm, give back, end what is wanted no more; store all, with documents and events."""
        await self._confirm(page)
        self._settle(page)
        await self._store(work, page)
        await self.appointments.set_payment_status(
            page.owed.appointment_id, page.owed.money_status(page.books.lines)
        )
        await self._issue(work, page)
        if events := list(events_of(page)):
            await work.record(events)

    async def _confirm(self, page: Page) -> None:
        """Money confirms what its time is free for; where it is not, all goes back.

        What is on its way back, or was to go and did not, confirms nothing. What ran out of time is
        looked at when money comes, and not again afterwards. What went back since is not looked at:
        whether we see a payment before its refund or together with it, the end is the same.
        """
        owed, now = page.owed, page.now
        came = [*page.before.lines, *(line for line in page.written if line.kind in IN)]
        left = net(came) - page.before.under_way - page.before.stuck
        if left <= 0 or not owed.is_confirmed_by(left):
            return
        is_late = owed.status is Standing.EXPIRED
        if is_late and not any(line.kind in IN for line in page.written):
            return
        is_over = is_late and owed.starts_at <= now
        if not is_over and await self.appointments.confirm(owed.appointment_id, now=now):
            page.owed = replace(owed, status=Standing.CONFIRMED, pay_by=None)
        elif owed.status is Standing.PENDING_PAYMENT:
            await self.appointments.expire(owed.appointment_id, now=now)
            page.owed = replace(owed, status=Standing.EXPIRED, pay_by=None)

    def _settle(self, page: Page) -> None:
        settled = settle(page.owed, page.books, now=page.now)
        for refund in settled.refunds:
            page.books = page.books.with_refund(refund)
        for attempt in settled.unwanted:
            ending = replace(attempt, state=after(attempt.state, Cause.UNWANTED))
            page.books = page.books.with_attempt(ending)
        page.books = page.books.with_matters(settled.matters)

    async def _store(self, work: PaymentsWork, page: Page) -> None:
        for refund in sorted(page.books.refunds, key=lambda one: one.created_at):
            if refund != page.before.refund(refund.id):
                await work.save_refund(refund)
                await _plan_refund(work, page, refund)
        for attempt in sorted(page.books.attempts, key=lambda one: one.id):
            await self._store_attempt(work, page, attempt)
        if page.books.matters != page.before.matters:
            await work.save_matters(page.before.matters, page.books.matters)

    async def _store_attempt(self, work: PaymentsWork, page: Page, attempt: Attempt) -> None:
        known = page.before.attempt(attempt.id)
        attempt = _counted(attempt, page.books.refunds_of(attempt.id))
        if known is not None and (attempt != known or _has_more(page, attempt.id)):
            attempt = replace(attempt, version=known.version + 1)
            await work.save_attempt(attempt)
        page.books = page.books.with_attempt(attempt)
        if known is None or known.state is attempt.state:
            return
        if attempt.state is AttemptState.CLOSING:
            await work.plan(Work(kind=WorkKind.END, payment_id=attempt.id, due_at=page.now))
        if attempt.state is AttemptState.PROCESSING and not attempt.is_captured_by_us:
            due_at = page.now + PENDING_REFUND_POLLED
            await work.plan(Work(kind=WorkKind.POLL, payment_id=attempt.id, due_at=due_at))

    async def _issue(self, work: PaymentsWork, page: Page) -> None:
        if not any(line.kind in ON_PAPER for line in page.written):
            return
        made = _drafts(page, await work.parties(page.owed))
        await work.issue(made)


def _drafts(page: Page, parties: Parties) -> list[Draft]:
    """Documents of one appointment, each saying what was received with it.

    What a complaint takes at the same time comes behind them, as it does when it is seen later.
    """
    titles = {one.id: one.asked.title for one in page.books.attempts}
    occasion = _occasion(page.owed, parties, received=net(page.before.lines))
    made: list[Draft] = []
    for payment_id in dict.fromkeys(line.payment_id for line in page.written):
        made += drafts(
            [line for line in page.written if line.payment_id == payment_id],
            title=titles[payment_id],
            issuer=parties.issuer,
            issued_at=page.now,
            occasion=made[-1].occasion if made else occasion,
        )
    return made


def _occasion(owed: Owed, parties: Parties, *, received: int) -> Occasion:
    price, first = owed.price, owed.confirm_at
    is_owed = price is not None and owed.takes_place
    return Occasion(
        reference=owed.reference,
        starts_at=owed.starts_at,
        service=parties.service,
        recipient=parties.recipient,
        languages=parties.languages,
        price=owed.due if is_owed else None,
        deposit=first.amount if is_owed and first is not None and first != price else None,
        received=received,
    )


def _counted(attempt: Attempt, refunds: Sequence[Refund]) -> Attempt:
    """Count what is spent of it; the provider's own refunds may overlap with ours for a while."""
    spent = sum(one.money.amount for one in refunds if one.counts)
    return replace(attempt, claimed=min(spent, attempt.captured))


def _has_more(page: Page, payment_id: PaymentId) -> bool:
    return any(line.payment_id == payment_id for line in page.written)


async def _plan_refund(work: PaymentsWork, page: Page, refund: Refund) -> None:
    attempt = page.books.attempt(refund.payment_id)
    if attempt is None or attempt.is_of_desk or not refund.is_under_way:
        return
    if refund.state is RefundState.ASKED:
        await work.plan(
            Work(
                kind=WorkKind.REFUND,
                payment_id=refund.payment_id,
                refund_id=refund.id,
                due_at=page.now,
            )
        )
    else:
        due_at = page.now + PENDING_REFUND_POLLED
        await work.plan(Work(kind=WorkKind.POLL, payment_id=refund.payment_id, due_at=due_at))


def events_of(page: Page) -> Iterable[DomainEvent]:
    """Tell the differences between the books before and now, each once."""
    for attempt in sorted(page.books.attempts, key=lambda one: one.id):
        known = page.before.attempt(attempt.id)
        state = None if known is None else known.state
        if attempt.state is not state and attempt.state in ENDS:
            yield _event(ENDS[attempt.state], page, attempt)
        lines = page.books.lines_of(attempt.id)
        dispute = standing_of(attempt, lines).dispute
        if dispute is not None and dispute is not _dispute_before(page, attempt):
            yield _event(PaymentDisputed, page, attempt, dispute=dispute)
    for refund in sorted(page.books.refunds, key=lambda one: one.id):
        before = page.before.refund(refund.id)
        if before is not None and before.state is refund.state:
            continue
        yield from _events_of_refund(page, refund)
    known_matters = {(one.payment_id, one.kind, one.about) for one in page.before.matters}
    for matter in page.books.matters:
        concerned = page.books.attempt(matter.payment_id)
        if concerned and (matter.payment_id, matter.kind, matter.about) not in known_matters:
            yield _event(PaymentMatterOpened, page, concerned, matter=matter.kind)


def _dispute_before(page: Page, attempt: Attempt) -> object:
    return standing_of(attempt, page.before.lines_of(attempt.id)).dispute


def _events_of_refund(page: Page, refund: Refund) -> Iterable[DomainEvent]:
    attempt = page.books.attempt(refund.payment_id)
    assert attempt is not None, "a refund is of a payment of the same appointment"
    kinds = {RefundState.SETTLED: PaymentRefunded, RefundState.FAILED: RefundFailed}
    if refund.state in kinds:
        about = {"refund_id": refund.id, "refund_amount": refund.money.amount}
        yield _event(kinds[refund.state], page, attempt, **about)


def _event(kind: type[PaymentEvent], page: Page, attempt: Attempt, **more: object) -> DomainEvent:
    standing = standing_of(attempt, page.books.lines_of(attempt.id))
    told: dict[str, object] = {
        "occurred_at": page.now,
        "payment_id": attempt.id,
        "appointment_id": attempt.asked.appointment_id,
        "clinic_id": attempt.asked.clinic_id,
        "version": attempt.version,
        "status": standing.status,
        "amount": attempt.asked.amount.amount,
        "amount_refunded": standing.refunded,
        "currency": attempt.asked.amount.currency,
    }
    return kind(**told, **more)  # type: ignore[arg-type]
