"""Judges money after each commit: what may be so at no moment, and what may become of what was."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from booking_lab.weave.payments.provider import WovenProvider
from booking_lab.weave.payments.written import LIVE, Written, kept_of, status_of
from booking_lab.weave.records import Record
from booking_lab.weave.scene import LATE_CANCEL, LATE_PERCENT, MINUTE, NO_SHOW_PERCENT
from booking_lab.weave.seen import Row
from booking_system.payments.domain.sighting import RefundStage

TERMS = {
    "minutes": LATE_CANCEL // MINUTE,
    "percent": LATE_PERCENT,
    "no_show_percent": NO_SHOW_PERCENT,
}
RANKS = {"creating": 0, "open": 1, "closing": 2, "processing": 3, "failed": 4, "cancelled": 4,
         "succeeded": 5}  # fmt: skip
BY_PEOPLE = frozenset({"staff", "provider"})
"""Why money goes back that nobody but people decided."""
ON_PAPER = frozenset({"charge", "desk_payment", "refund", "refund_returned", "desk_refund"})
UNPAID = frozenset({"pending_payment", "expired"})
WORKERS = frozenset({"money", "reconcile", "sweep", "hooks", "follower", "relay"})
Times = Mapping[UUID, datetime]


def wrong_now(
    now: Written, providers: Sequence[WovenProvider], cancelled: Times, *, begun: frozenset[UUID]
) -> Iterator[str]:
    """Yield what may be so at no moment; `begun` are appointments that were captured for."""
    yield from _ledger(now, providers)
    yield from _appointments(now, cancelled)
    yield from _time(now, begun)
    yield from _once(now)


def _ledger(now: Written, providers: Sequence[WovenProvider]) -> Iterator[str]:
    """Of what a provider has not, nothing is in the ledger; and nothing is there twice."""
    theirs = set(charges_of(providers)) | set(refunds_of(providers, settled=False))
    for line in now.lines:
        if line["kind"] in {"charge", "refund"} and _name(line) not in theirs:
            yield f"the ledger has a {line['kind']} that its provider has not"
    names = Counter((one["provider"], one["provider_id"], one["kind"]) for one in now.lines)
    if max(names.values(), default=0) > 1:
        yield "money is in the ledger twice"


def _name(line: Row) -> tuple[str, str, int]:
    return line["provider_id"], str(line["payment_id"]), line["amount"]


def charges_of(providers: Sequence[WovenProvider]) -> Iterator[tuple[str, str, int]]:
    """Yield what came in: its id, the id of its payment, the amount."""
    for seen in (seen for one in providers for seen in one.sessions.values()):
        for charge in seen.charges:
            yield charge.id, seen.our_id or "", charge.amount.amount


def refunds_of(
    providers: Sequence[WovenProvider], *, settled: bool = True
) -> Iterator[tuple[str, str, int]]:
    """Yield what went back, or all that began to where it need not have `settled`."""
    for seen in (seen for one in providers for seen in one.sessions.values()):
        for refund in seen.refunds:
            if not settled or refund.stage is RefundStage.SETTLED:
                yield refund.id, seen.our_id or "", -refund.amount.amount


def _appointments(now: Written, cancelled: Times) -> Iterator[str]:
    live = Counter(one["appointment_id"] for one in now.payments.values() if one["state"] in LIVE)
    if max(live.values(), default=0) > 1:
        yield "two payments of one appointment are under way"
    for visit_id, visit in now.seen.visits.items():
        if visit_id in now.awaited:
            continue
        sums = now.sums(visit_id)
        surplus = max(0, sums.net - kept_of(visit, cancelled.get(visit_id), TERMS))
        if surplus > sums.under_way + sums.for_people:
            yield f"what is {visit['status']} keeps {surplus} that nobody gives back"
        if sums.by_hand > max(0, surplus - sums.under_way):
            yield "people are asked to give back what is on its way"
        if visit["payment_status"] != status_of(visit, sums):
            yield f"what has {sums.net} of {visit['price_amount']} is {visit['payment_status']}"
    for payment in now.payments.values():
        own = [
            one["amount"]
            for one in now.refunds.values()
            if one["payment_id"] == payment["id"]
            and one["state"] != "failed"
            and one["reason"] != "provider"
        ]
        if sum(own) > payment["captured"]:
            yield "more goes back than came"


def _time(now: Written, begun: frozenset[UUID]) -> Iterator[str]:
    for visit in now.seen.visits.values():
        if visit["status"] not in UNPAID:
            continue
        slots = [now.seen.slots[one] for one in visit["time_slot_ids"]]
        kept = [one["hold_id"] == visit["id"] and one["held_until"] > now.seen.now for one in slots]
        is_waiting = visit["pay_by"] is not None and visit["pay_by"] > now.seen.now
        if is_waiting and not all(kept):
            yield "there is time to pay, and the time of the appointment is not kept"
        if not is_waiting and any(kept) and visit["id"] not in begun:
            yield "there is no time to pay any more, and the appointment keeps its time"


def _once(now: Written) -> Iterator[str]:
    """One cause, one event, one document; numbers without a gap."""
    numbers = [(one["year"], one["number"]) for one in now.receipts]
    years = Counter(year for year, _ in numbers)
    if numbers != [(year, n) for year in sorted(years) for n in range(1, years[year] + 1)]:
        yield f"receipts have the numbers {numbers}"
    papers = Counter(
        (one["provider"], one["provider_id"], one["line_kind"], one["amount"])
        for one in now.receipts
    )
    lines = Counter(
        (one["provider"], one["provider_id"], one["kind"], one["amount"])
        for one in now.lines
        if one["kind"] in ON_PAPER
    )
    if papers != lines:
        yield "money without a document, or a document without money"
    told = Counter(one["payment_id"] for one in now.events if one["name"] == "payment.succeeded")
    paid = [str(one["id"]) for one in now.payments.values() if one["state"] == "succeeded"]
    if told != Counter(paid):
        yield "a payment that succeeded was not told of once"
    told = Counter(one["refund_id"] for one in now.events if one["name"] == "payment.refunded")
    if max(told.values(), default=0) > 1:
        yield "a refund was told of twice"


def wrong_since(
    before: Written,
    after: Written,
    by: Record,
    providers: Sequence[WovenProvider],
    cancelled: Times,
) -> Iterator[str]:
    """Yield what may not have become of what was written before, by this deed."""
    if not set(before.lines) <= set(after.lines) or not set(before.receipts) <= set(after.receipts):
        yield "a line or a document was changed"
    for payment_id, payment in after.payments.items():
        if (was := before.payments.get(payment_id)) is not None:
            yield from _moved(was, payment)
    for visit_id, visit in after.seen.visits.items():
        if (old := before.seen.visits.get(visit_id)) is not None and old != visit:
            yield from _changed(before, after, old, visit, by)
            if visit["status"] == "expired" and _was_paid(after, visit_id, by, providers):
                yield "it expired without the provider being asked"
    for refund in after.refunds.values():
        is_new = refund["id"] not in before.refunds and refund["reason"] not in BY_PEOPLE
        visit_id = refund["appointment_id"]
        sums, visit = after.sums(visit_id), after.seen.visits[visit_id]
        kept = kept_of(visit, cancelled.get(visit_id), TERMS)
        if is_new and sums.net - sums.under_way < kept:
            yield "more is on its way back than is owed"


def _was_paid(now: Written, visit_id: UUID, by: Record, providers: Sequence[WovenProvider]) -> bool:
    """Say whether a worker, whom nothing befell, could have heard of money before it began."""
    if by.deed.what != "money" or by.misfortunes or any(one.was_silent for one in providers):
        return False
    ours = {str(one["id"]) for one in now.payments.values() if one["appointment_id"] == visit_id}
    known = {one["provider_id"] for one in now.lines if one["kind"] == "charge"}
    return any(
        charge.settled_at < by.since and charge.id not in known
        for one in providers
        for seen in one.sessions.values()
        if seen.our_id in ours
        for charge in seen.charges
    )


def _moved(was: Row, payment: Row) -> Iterator[str]:
    if (was["amount"], was["provider"]) != (payment["amount"], payment["provider"]):
        yield "what a payment asks for was changed"
    old, new = was["state"], payment["state"]
    is_declined = old == "processing" and payment["provider"] == "paypal"
    if is_declined and new in {"open", "closing"}:
        return
    if new != old and RANKS[new] <= RANKS[old]:
        yield f"a payment went back from {old} to {new}"


def _changed(before: Written, after: Written, old: Row, visit: Row, by: Record) -> Iterator[str]:
    was, now, visit_id = old["status"], visit["status"], visit["id"]
    if was == now:
        return
    came = after.sums(visit_id).came
    if now == "pending_payment" or (now == "expired" and was != "pending_payment"):
        yield f"what was {was} is {now}"
    if was in UNPAID and now == "confirmed":
        wanted = visit["due_first_amount"] or visit["price_amount"]
        if came < wanted:
            yield f"confirmed by {came} of {wanted}"
        if was == "expired" and after.seen.now >= visit["starts_at"]:
            yield "confirmed when it had begun"
    is_early = now == "expired" and old["pay_by"] is not None and old["pay_by"] > after.seen.now
    if is_early and came == before.sums(visit_id).came:
        yield "it expired before its time was over"
    if by.deed.what in WORKERS and was not in UNPAID:
        yield f"money made of what was {was} something that is {now}"
