"""Lets everything run out when a run is over: then both sides have the same, and it stays so."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_lab.weave.deeds import Deed
from booking_lab.weave.payments.judging import TERMS, charges_of, refunds_of, wrong_now
from booking_lab.weave.payments.written import LIVE, UNDER_WAY, Written, kept_of
from booking_system.payments.domain.sighting import RefundStage, Stage

if TYPE_CHECKING:
    from booking_lab.weave.payments.till import Till

NEXT = """SELECT min(at) AS at FROM (SELECT greatest(due_at, lease_until) AS at FROM payment_work
 UNION ALL SELECT pay_by + interval '6 minutes' FROM appointments WHERE pay_by IS NOT NULL) due"""
WATCHED = ("payments", "payment_ledger", "payment_refunds", "payment_quarantine", "payment_work",
           "receipts", "appointments", "appointment_history", "time_slots",
           "outbox")  # fmt: skip
ROWS_OF = "(SELECT sum(hashtextextended(t::text, 0)) FROM {} t)"
DIGEST = f"SELECT {', '.join(map(ROWS_OF.format, WATCHED))}"
MOST_ROUNDS = 60
MOMENT = timedelta(seconds=1)
HOOKS, SWEEP = Deed("hooks"), Deed("sweep")


async def wrong_money(till: "Till") -> AsyncIterator[str]:
    """Yield what is wrong when webhooks and workers are through, and behind the reconciliation."""
    _answer_again(till)
    try:
        async for one in _wrong(till):
            yield one
    except Exception as error:  # noqa: BLE001  (nothing may come of work that nothing befalls)
        yield f"{type(error).__name__} surprises"


async def _wrong(till: "Till") -> AsyncIterator[str]:
    if not await _quiet(till):
        yield "work has no end"
        return
    if till.is_told:
        for one in _differences(till, await till.look()):
            yield f"without reconciliation {one}"
    await till.reconcile()
    if not await _quiet(till):
        yield "work has no end behind the reconciliation"
        return
    now = await till.look()
    judged = wrong_now(now, till.both, till.cancelled, begun=till.captured_for)
    for one in (*till.wrong, *_differences(till, now), *_left(till, now), *judged):
        yield one
    async for one in _again(till):
        yield one


def _answer_again(till: "Till") -> None:
    """Providers are well again, and what is under way there comes to its end."""
    for provider in till.both:
        provider.moods.clear()
        for seen in list(provider.sessions.values()):
            if seen.stage is Stage.PROCESSING:
                provider.come(seen.reference, succeeds=True)


async def _again(till: "Till") -> AsyncIterator[str]:
    """Reconciling again changes nothing."""
    before = await till.fetch(DIGEST)
    again = await till.reconcile()
    if again.repaired or again.drifting or again.unanswered:
        yield f"reconciled again it finds {again}"
    if await till.fetch(DIGEST) != before:
        yield "reconciled again it changes something"


async def _quiet(till: "Till") -> bool:
    """Let all work until nothing is due ever; time passes meanwhile. False: there is no end."""
    for _ in range(MOST_ROUNDS):
        for provider in till.both:
            provider.refunds_end(RefundStage.SETTLED)
        await till.feeding.last_relay()
        await till.follow()
        await till.hooks(HOOKS, "")
        while await till.money():
            await till.hooks(HOOKS, "")
        await till.sweep()
        next_at: datetime | None = (await till.fetch(NEXT))[0]["at"]
        if next_at is None:
            return True
        await till.feeding.wait_until(max(next_at, till.now) + MOMENT)
    return False


def _differences(till: "Till", now: Written) -> Iterator[str]:
    """The ledger has what providers have, for each charge and each refund."""
    theirs = Counter(charges_of(till.both)) + Counter(refunds_of(till.both))
    ours, returned = Counter[tuple[str, str, int]](), Counter[tuple[str, str, int]]()
    for line in now.lines:
        name = (line["provider_id"], str(line["payment_id"]))
        if line["kind"] in {"charge", "refund"}:
            ours[*name, line["amount"]] += 1
        elif line["kind"] == "refund_returned":
            returned[*name, -line["amount"]] += 1
    if ours - returned != theirs:
        missing, surplus = theirs - ours + returned, ours - returned - theirs
        yield f"the ledger lacks {sorted(missing)} and has {sorted(surplus)} too much"


def _left(till: "Till", now: Written) -> Iterator[str]:
    """Nothing is under way, and each appointment has what it may keep, or people see to it."""
    if any(one["state"] in LIVE for one in now.payments.values()):
        yield "a payment never comes to its end"
    if any(one["state"] in UNDER_WAY for one in now.refunds.values()):
        yield "a refund never comes to its end"
    for visit_id, visit in now.seen.visits.items():
        if visit["status"] == "pending_payment":
            yield "an appointment waits for money for ever"
        sums = now.sums(visit_id)
        surplus = max(0, sums.net - kept_of(visit, till.cancelled.get(visit_id), TERMS))
        # A refund that people wanted, and that failed, stays theirs to see to.
        if not sums.by_hand <= surplus <= sums.for_people:
            yield f"{surplus} too much is kept, and people see to {sums.for_people}"
