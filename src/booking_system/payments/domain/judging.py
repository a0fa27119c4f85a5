"""What follows from a look at the provider: the next state, the ledger's lines, or a quarantine.

Nothing but the row of the attempt is compared with what the provider has: account, mode, currency,
amount and reference. What does not fit changes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from booking_system.payments.domain.attempt import Attempt, AttemptState
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.disputes import movements_of
from booking_system.payments.domain.ledger import Line, LineKind
from booking_system.payments.domain.matters import Matter, MatterKind
from booking_system.payments.domain.refunds import (
    Refund,
    RefundId,
    RefundReason,
    RefundState,
    refund_seen,
)
from booking_system.payments.domain.sighting import (
    RefundStage,
    SeenDispute,
    SeenRefund,
    Sighting,
    Stage,
)
from booking_system.payments.domain.transitions import Cause, after
from booking_system.shared_kernel.money import Money

CAUSES = {
    Stage.PAID: Cause.PAID,
    Stage.PROCESSING: Cause.DELAYED,
    Stage.ENDED: Cause.ENDED,
    Stage.FAILED: Cause.FAILED,
}
"""What each stage is a cause of; an open one is none, and an approved one asks for a decision."""
CAPTURABLE = frozenset({AttemptState.OPEN, AttemptState.CLOSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be written. `lines`, `refunds` and `matters` are those that are new or changed.

    `wants_capture`: the payer agreed, and somebody who knows the slot has to decide.
    """

    attempt: Attempt
    lines: tuple[Line, ...] = ()
    refunds: tuple[Refund, ...] = ()
    matters: tuple[Matter, ...] = ()
    wants_capture: bool = False


def judge(attempt: Attempt, sighting: Sighting, books: Books, *, now: datetime) -> Verdict:
    """Compare what the provider has with the row, and say what follows."""
    misfits = list(_misfits(attempt, sighting))
    if misfits:
        about = sighting.reference
        found = tuple(_matter(attempt, kind, about, sighting.amount, now) for kind in misfits)
        lines = tuple(_unallocated(attempt, sighting, books, misfits))
        return Verdict(attempt=attempt, lines=lines, matters=found)
    attempt = _accepted(attempt, sighting)
    # Money wins: a charge is a charge, no matter what else the provider says of the attempt.
    cause = Cause.PAID if sighting.charges else CAUSES.get(sighting.stage)
    if cause is not None:
        attempt = replace(attempt, state=after(attempt.state, cause))
    lines = tuple(
        one
        for one in _lines(attempt, sighting, books, now)
        if one.name not in {known.name for known in books.lines_of(attempt.id)}
    )
    charges = {charge.id for charge in sighting.charges}
    refunds = tuple(_refunds(attempt, sighting.refunds, charges, books, now))
    return Verdict(
        attempt=_counted(attempt, sighting, [*books.lines_of(attempt.id), *lines]),
        lines=lines,
        refunds=refunds,
        matters=tuple(_failed(attempt, refunds, now)),
        wants_capture=cause is None
        and sighting.stage is Stage.APPROVED
        and attempt.state in CAPTURABLE,
    )


def judge_refund(attempt: Attempt, seen: SeenRefund, books: Books, *, now: datetime) -> Verdict:
    """Say what follows from the provider's word of one refund, of a charge that is known."""
    known = books.lines_of(attempt.id)
    charges = {one.charge_id for one in known if one.kind is LineKind.CHARGE}
    names = {one.name for one in known}
    found = _lines_of_refund(attempt, seen, books, now) if seen.charge_id in charges else ()
    refunds = tuple(_refunds(attempt, (seen,), charges, books, now))
    return Verdict(
        attempt=attempt,
        lines=tuple(one for one in found if one.name not in names),
        refunds=refunds,
        matters=tuple(_failed(attempt, refunds, now)),
    )


def lost_sight_of(attempt: Attempt, refunds: Iterable[Refund], *, now: datetime) -> Matter | None:
    """Return what people have to look at in the provider's own pages, since we cannot ask any more.

    None where nothing can come any more: a payer whom no address was given to pays nothing.
    """
    may_come = attempt.is_live and attempt.reference is not None
    pending = sum(one.money.amount for one in refunds if one.state is RefundState.PENDING)
    if not may_come and not pending:
        return None
    asked = attempt.asked.amount
    money = asked if may_come else Money(pending, asked.currency)
    return _matter(attempt, MatterKind.NO_ACCOUNT, attempt.reference or "", money, now)


def _misfits(attempt: Attempt, sighting: Sighting) -> Iterator[MatterKind]:
    asked, seen = attempt.asked, sighting.account
    if (seen.provider, seen.key) != (asked.account.provider, asked.account.key):
        yield MatterKind.ACCOUNT
    if seen.is_live is not asked.account.is_live:
        yield MatterKind.MODE
    sums = [sighting.amount, *(charge.amount for charge in sighting.charges)]
    if any(money.currency != asked.amount.currency for money in sums):
        yield MatterKind.CURRENCY
    is_empty = sighting.stage is Stage.PAID and not sighting.charges
    if is_empty or any(money.amount != asked.amount.amount for money in sums):
        yield MatterKind.AMOUNT
    is_other = attempt.reference is not None and attempt.reference != sighting.reference
    if is_other or sighting.our_id != str(attempt.id):
        yield MatterKind.REFERENCE


def _matter(attempt: Attempt, kind: MatterKind, about: str, money: Money, now: datetime) -> Matter:
    asked = attempt.asked
    return Matter(
        kind=kind,
        clinic_id=asked.clinic_id,
        appointment_id=asked.appointment_id,
        payment_id=asked.id,
        about=about,
        money=money,
        found_at=now,
    )


def _line(
    attempt: Attempt, kind: LineKind, names: tuple[str, str], money: Money, at: datetime
) -> Line:
    asked = attempt.asked
    return Line(
        kind=kind,
        appointment_id=asked.appointment_id,
        clinic_id=asked.clinic_id,
        payment_id=asked.id,
        account=asked.account,
        provider_id=names[0],
        charge_id=names[1],
        money=money,
        settled_at=at,
    )


def _unallocated(
    attempt: Attempt, sighting: Sighting, books: Books, misfits: list[MatterKind]
) -> Iterator[Line]:
    """Money of our account with our id on it is ours, though nobody knows what for."""
    is_ours = sighting.our_id == str(attempt.id)
    if not is_ours or {MatterKind.ACCOUNT, MatterKind.MODE} & set(misfits):
        return
    known = {one.provider_id for one in books.lines_of(attempt.id)}
    for charge in sighting.charges:
        if charge.id not in known:
            names = (charge.id, charge.id)
            yield _line(attempt, LineKind.UNALLOCATED, names, charge.amount, charge.settled_at)


def _accepted(attempt: Attempt, sighting: Sighting) -> Attempt:
    return replace(
        attempt,
        state=after(attempt.state, Cause.ACCEPTED),
        reference=sighting.reference,
        checkout_url=sighting.checkout_url or attempt.checkout_url,
    )


def _counted(attempt: Attempt, sighting: Sighting, lines: list[Line]) -> Attempt:
    captured = sum(one.money.amount for one in lines if one.kind is LineKind.CHARGE)
    may_refund = attempt.is_refundable
    if sighting.charges:
        may_refund = all(charge.is_refundable for charge in sighting.charges)
    return replace(attempt, captured=captured, is_refundable=may_refund)


def _lines(attempt: Attempt, sighting: Sighting, books: Books, now: datetime) -> Iterator[Line]:
    for charge in sighting.charges:
        names = (charge.id, charge.id)
        yield _line(attempt, LineKind.CHARGE, names, charge.amount, charge.settled_at)
    charges = {charge.id for charge in sighting.charges}
    for refund in sighting.refunds:
        if refund.charge_id in charges:
            yield from _lines_of_refund(attempt, refund, books, now)
    for dispute in sighting.disputes:
        if dispute.charge_id in charges:
            yield from _lines_of_dispute(attempt, dispute, books, now)


def _lines_of_refund(
    attempt: Attempt, refund: SeenRefund, books: Books, now: datetime
) -> Iterator[Line]:
    """A refund that fails behind its settlement brings back what was counted as gone.

    No provider says when; days that were closed before it was seen stay as they were.
    """
    names = (refund.id, refund.charge_id)
    if refund.stage is RefundStage.SETTLED:
        if not _has_failed(attempt, refund, books):
            yield _line(attempt, LineKind.REFUND, names, _minus(refund.amount), refund.seen_at)
    elif refund.stage is RefundStage.FAILED:
        known = {one.name for one in books.lines_of(attempt.id)}
        if (LineKind.REFUND, refund.id) in known:
            kind = LineKind.REFUND_RETURNED
            yield _line(attempt, kind, names, refund.amount, now)


def _has_failed(attempt: Attempt, refund: SeenRefund, books: Books) -> bool:
    """Say whether an older look is told behind a newer one: what failed settles no more."""
    ours = books.refund(_identity(attempt, refund, books))
    return ours is not None and ours.was_made and ours.state is RefundState.FAILED


def _lines_of_dispute(
    attempt: Attempt, dispute: SeenDispute, books: Books, now: datetime
) -> Iterator[Line]:
    """What comes back does so weeks after the complaint began, in another day's totals."""
    written = (LineKind.DISPUTE_WITHDRAWN, dispute.id)
    known = (-one.money.amount for one in books.lines_of(attempt.id) if one.name == written)
    for kind, money in movements_of(dispute, next(known, None)):
        names = (dispute.id, dispute.charge_id)
        is_back = kind is LineKind.DISPUTE_REINSTATED
        at = dispute.returned_at or now if is_back else dispute.seen_at
        yield _line(attempt, kind, names, money, at)


def _minus(money: Money) -> Money:
    return Money(-money.amount, money.currency)


def _identity(attempt: Attempt, seen: SeenRefund, books: Books) -> RefundId:
    """Ours by the id that we gave it, or by the provider's; else it was made over there."""
    for known in books.refunds_of(attempt.id):
        if seen.our_id == str(known.id) or known.provider_id == seen.id:
            return known.id
    return refund_seen(attempt.id, seen.id)


def _refunds(
    attempt: Attempt,
    refunds: tuple[SeenRefund, ...],
    charges: set[str],
    books: Books,
    now: datetime,
) -> Iterator[Refund]:
    for seen in refunds:
        if seen.charge_id not in charges:
            continue
        identity = _identity(attempt, seen, books)
        known = books.refund(identity)
        before = known or _made_there(attempt, seen, identity, now)
        then = before.after(seen)
        if then != known:
            yield then


def _made_there(attempt: Attempt, seen: SeenRefund, identity: RefundId, now: datetime) -> Refund:
    return Refund(
        id=identity,
        payment_id=attempt.id,
        appointment_id=attempt.asked.appointment_id,
        clinic_id=attempt.asked.clinic_id,
        charge_id=seen.charge_id,
        money=seen.amount,
        reason=RefundReason.PROVIDER,
        state=RefundState.PENDING,
        created_at=now,
    )


def _failed(attempt: Attempt, refunds: tuple[Refund, ...], now: datetime) -> Iterator[Matter]:
    """What failed here is a matter for staff; what failed in the provider's pages is theirs."""
    for refund in refunds:
        is_ours = refund.reason is not RefundReason.PROVIDER
        if is_ours and refund.state is RefundState.FAILED:
            yield _matter(attempt, MatterKind.REFUND_FAILED, str(refund.id), refund.money, now)
