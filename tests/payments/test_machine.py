"""A machine that pays, cancels, refunds, disputes and breaks at random; some things hold always."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from booking_system.booking.domain.party import Side
from booking_system.payments.domain.attempt import LIVE, Attempt, AttemptState
from booking_system.payments.domain.ledger import ON_PAPER, charged, disputed, given_back
from booking_system.payments.domain.owed import Owed, Standing
from booking_system.payments.domain.refunds import RefundState
from booking_system.payments.domain.sighting import (
    DisputeStage,
    RefundStage,
    Sighting,
    Stage,
)
from booking_system.payments.domain.terms import MoneyTerms, Step
from booking_system.payments.domain.transitions import RANK
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.money import Money
from tests.payments.builders import a_waiting_one, an_owed
from tests.payments.desk import MemoryDesk
from tests.payments.scripted import (
    BUSY,
    DECLINED,
    LOST_AFTER,
    LOST_BEFORE,
    REFUSED,
    ScriptedProvider,
)

TERMS = MoneyTerms(
    steps=(Step(until_minutes=1440, percent_kept=0), Step(until_minutes=0, percent_kept=33)),
    no_show_percent_kept=67,
)
KINDS: dict[str, Owed] = {
    "required": a_waiting_one(price=Money(1661, "EUR"), confirm_at=Money(1661, "EUR"), terms=TERMS),
    "deposit": a_waiting_one(price=Money(1661, "EUR"), confirm_at=Money(548, "EUR"), terms=TERMS),
    "optional": an_owed(price=Money(1661, "EUR"), terms=TERMS),
}
STEPS = [timedelta(minutes=m) for m in (0, 1, 5, 31, 34, 60, 24 * 60, 47 * 60)]
FAULTS = [LOST_BEFORE, LOST_AFTER, BUSY, REFUSED, DECLINED]
NUMBERS = st.integers(0, 9)
_OVER = (Stage.ENDED, Stage.FAILED)
NEXT_STAGES = {
    False: {
        Stage.OPEN: (Stage.PAID, Stage.PROCESSING, *_OVER),
        Stage.PROCESSING: (Stage.PAID, *_OVER),
    },
    True: {Stage.OPEN: (Stage.APPROVED, *_OVER), Stage.APPROVED: _OVER},
}
"""By whether nothing moves until we capture it."""
NEXT_DISPUTES: dict[DisputeStage | None, tuple[DisputeStage, ...]] = {
    None: (DisputeStage.INQUIRY, DisputeStage.OPEN),
    DisputeStage.INQUIRY: (DisputeStage.OPEN,),
    DisputeStage.OPEN: (DisputeStage.WON, DisputeStage.LOST),
}
ACTIVE = {Standing.CONFIRMED, Standing.CHECKED_IN}


class Machine(RuleBasedStateMachine):
    """One appointment, two providers, and everybody who does something to them."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.desk = MemoryDesk(replace(KINDS["required"]))
        self.old: list[tuple[ScriptedProvider, Sighting]] = []
        self.seen_lines: list[Any] = []
        self.seen_states: dict[Any, Attempt] = {}
        self.was: Standing = Standing.PENDING_PAYMENT
        self.begun = False

    def run(self, what: Any) -> Any:
        """A refusal is an answer, too."""
        try:
            return self.runner.run(what)
        except Refusal:
            return None

    @rule(kind=st.sampled_from(sorted(KINDS)))
    @precondition(lambda self: not self.begun)
    def begin(self, kind: str) -> None:
        self.desk.memory.appointments = {KINDS[kind].appointment_id: KINDS[kind]}
        self.was, self.begun = KINDS[kind].status, True

    def sessions(self) -> list[tuple[ScriptedProvider, str]]:
        both = (self.desk.stripe, self.desk.paypal)
        return [(one, reference) for one in both for reference in one.sessions]

    def of(self, number: int) -> tuple[ScriptedProvider, str] | None:
        known = self.sessions()
        return known[number % len(known)] if known else None

    def remember(self) -> None:
        self.begun = True
        self.old += [(one, one.sessions[reference]) for one, reference in self.sessions()]
        del self.old[:-12]

    # What people do.

    @rule(way=st.sampled_from(["stripe", "stripe", "paypal"]))
    def start(self, way: str) -> None:
        self.run(self.desk.start(self.desk.owed, way))
        self.remember()

    @rule(amount=st.sampled_from([None, 1, 548, 5000]))
    def pay_at_desk(self, amount: int | None) -> None:
        self.run(self.desk.pay_at_desk(self.desk.owed, amount))

    @rule(number=NUMBERS, amount=st.sampled_from([None, 1, 300, 1661]))
    def refund(self, number: int, amount: int | None) -> None:
        known = sorted(self.desk.memory.attempts)
        if known:
            shown = self.run(self.desk.reader.show(known[number % len(known)]))
            self.run(self.desk.refund(shown, amount))

    @rule(side=st.sampled_from(Side))
    def cancel(self, side: Side) -> None:
        if self.desk.owed.status in ACTIVE | {Standing.PENDING_PAYMENT}:
            self.becomes(
                status=Standing.CANCELLED,
                pay_by=None,
                cancelled_by=side,
                cancelled_at=self.desk.clock.now(),
            )

    @rule()
    def no_show(self) -> None:
        if self.desk.owed.status in ACTIVE:
            self.becomes(status=Standing.NO_SHOW)

    @rule()
    def undo(self) -> None:
        if self.desk.owed.status is Standing.NO_SHOW:
            self.becomes(status=Standing.CONFIRMED)

    @rule(price=st.sampled_from([1000, 1661, 2000]))
    def move(self, price: int) -> None:
        if self.desk.owed.status in ACTIVE:
            self.becomes(price=Money(price, "EUR"))

    @rule(is_taken=st.booleans())
    def somebody_else(self, is_taken: bool) -> None:
        taken, mine = self.desk.memory.taken, self.desk.owed.appointment_id
        (taken.add if is_taken else taken.discard)(mine)

    def becomes(self, **about: Any) -> None:
        """Booking's change and what follows from it are one transaction."""
        self.desk.becomes(**about)
        self.was = self.desk.owed.status
        self.run(self.desk.settling(self.desk.owed.appointment_id))

    # What providers and payers do.

    @rule(number=NUMBERS, stage=st.sampled_from(Stage))
    def goes_on(self, number: int, stage: Stage) -> None:
        found = self.of(number)
        if found is None:
            return
        provider, reference = found
        is_ours_to_capture = provider is self.desk.paypal
        if stage not in NEXT_STAGES[is_ours_to_capture].get(provider.stage(reference), ()):
            return
        if stage is Stage.PAID:
            provider.pay(reference)
        else:
            provider.set(reference, stage=stage)
        self.remember()

    @rule(number=NUMBERS)
    def pays_although_it_was_over(self, number: int) -> None:
        found = self.of(number)
        if found is not None and found[0].stage(found[1]) is not Stage.PAID:
            provider, reference = found
            if provider is self.desk.stripe:
                provider.pay(reference)
        self.remember()

    @rule(number=NUMBERS, amount=st.sampled_from([1, 100, 548]))
    def refund_there(self, number: int, amount: int) -> None:
        found = self.of(number)
        if found is None or found[0].sessions[found[1]].disputes:
            return
        provider, reference = found
        seen = provider.sessions[reference]
        gone = sum(r.amount.amount for r in seen.refunds if r.stage is not RefundStage.FAILED)
        if seen.charges and gone + amount <= seen.charges[0].amount.amount:
            provider.refund_there(reference, amount)
        self.remember()

    @rule(number=NUMBERS, stage=st.sampled_from([RefundStage.SETTLED, RefundStage.FAILED]))
    def refund_becomes(self, number: int, stage: RefundStage) -> None:
        found = self.of(number)
        if found is None or not found[0].sessions[found[1]].refunds:
            return
        provider, reference = found
        if provider.sessions[reference].refunds[-1].stage is not RefundStage.FAILED:
            provider.refund_becomes(reference, stage)
        self.remember()

    @rule(number=NUMBERS, stage=st.sampled_from(DisputeStage))
    def dispute(self, number: int, stage: DisputeStage) -> None:
        found = self.of(number)
        if found is None or not found[0].sessions[found[1]].charges:
            return
        provider, reference = found
        seen = provider.sessions[reference]
        now = seen.disputes[0].stage if seen.disputes else None
        is_refunded = any(one.stage is not RefundStage.FAILED for one in seen.refunds)
        if stage in NEXT_DISPUTES.get(now, ()) and not (now is None and is_refunded):
            provider.dispute(reference, stage)
        self.remember()

    @rule(
        method=st.sampled_from(["create", "read", "end", "capture", "refund", "find"]),
        fault=st.sampled_from(FAULTS),
        way=st.booleans(),
    )
    def goes_wrong(self, method: str, fault: str, way: bool) -> None:
        if fault in {LOST_BEFORE, LOST_AFTER, BUSY} or method in {"create", "capture", "refund"}:
            (self.desk.stripe if way else self.desk.paypal).goes_wrong(method, fault)

    @rule(is_instant=st.booleans())
    def refunds_take_time(self, is_instant: bool) -> None:
        self.desk.stripe.instant_refunds = self.desk.paypal.instant_refunds = is_instant

    # What the program does.

    @rule(number=NUMBERS)
    def look(self, number: int) -> None:
        found = self.of(number)
        if found is not None:
            self.take(found[0], found[0].sessions[found[1]])

    @rule(number=st.integers(0, 11))
    def look_at_something_old(self, number: int) -> None:
        if self.old:
            self.take(*self.old[number % len(self.old)])

    def take(self, provider: ScriptedProvider, seen: Sighting) -> None:
        for attempt in list(self.desk.memory.attempts.values()):
            if str(attempt.id) == seen.our_id:
                self.run(self.desk.take(attempt.id, seen))

    @rule(after=st.sampled_from(STEPS))
    def work(self, after: timedelta) -> None:
        self.run(self.desk.work(after=after))
        self.sweep()
        self.remember()

    @rule(number=NUMBERS)
    def a_worker_is_killed(self, number: int) -> None:
        """It has claimed, and did not do it, or did not say that it did."""
        self.desk.clock.moment += timedelta(minutes=31)
        claims = self.run(self.desk.queue.claim(most=1 + number % 3, now=self.desk.clock.now()))
        for claim in claims[: number % 2]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(self.desk.queue, "finish", _forgets)
                self.run(self.desk.do(claim))
        self.desk.clock.moment += timedelta(minutes=2)
        self.sweep()
        self.remember()

    def sweep(self) -> None:
        """Booking's own: what waited too long, and nobody began to pay for."""
        owed = self.desk.owed
        is_over = owed.pay_by is not None and owed.pay_by <= self.desk.clock.now()
        begun = [one for one in self.desk.memory.attempts.values() if not one.is_of_desk]
        if is_over and not begun:
            self.becomes(status=Standing.EXPIRED, pay_by=None)

    # What holds.

    @invariant()
    def the_ledger_only_grows(self) -> None:
        lines = self.desk.memory.lines
        assert lines[: len(self.seen_lines)] == self.seen_lines
        self.seen_lines = list(lines)
        names = Counter((one.account, one.name) for one in lines)
        assert set(names.values()) <= {1}

    @invariant()
    def no_attempt_goes_back_or_asks_for_something_else(self) -> None:
        for attempt in self.desk.memory.attempts.values():
            known = self.seen_states.get(attempt.id, attempt)
            assert attempt.asked == known.asked
            is_declined = known.state is AttemptState.PROCESSING and known.is_captured_by_us
            back = is_declined and attempt.state in LIVE
            assert back or RANK[attempt.state] >= RANK[known.state]
            assert (known.state is not AttemptState.SUCCEEDED) or attempt.state is known.state
            self.seen_states[attempt.id] = attempt

    @invariant()
    def one_attempt_is_live(self) -> None:
        assert sum(one.is_live for one in self.desk.memory.attempts.values()) <= 1

    @invariant()
    def what_is_not_kept_goes_back_or_waits_for_people(self) -> None:
        books = self.desk.memory.books_of(self.desk.owed.appointment_id)
        surplus = max(0, books.net - self.desk.owed.most_kept())
        for_people = sum(one.money.amount for one in books.matters)
        assert surplus <= books.under_way + for_people

    @invariant()
    def no_more_goes_back_than_came(self) -> None:
        """What others did at the provider may overlap with ours, until ours is refused."""
        books = self.desk.memory.books_of(self.desk.owed.appointment_id)
        there = sum(one.money.amount for one in books.refunds if one.reason == "provider")
        assert given_back(books.lines) <= charged(books.lines)
        for charge in books.charges():
            taken = disputed(books.lines_of(charge.payment_id))
            assert books.left_of(charge) >= -there - taken

    @invariant()
    def money_moves_an_appointment_only_where_it_may(self) -> None:
        now = self.desk.owed.status
        if now is not self.was:
            assert self.was in {Standing.PENDING_PAYMENT, Standing.EXPIRED}
            assert now is Standing.CONFIRMED or self.was is Standing.PENDING_PAYMENT
            assert now in {Standing.CONFIRMED, Standing.EXPIRED}
        self.was = now

    @invariant()
    def the_status_is_what_the_ledger_says(self) -> None:
        owed = self.desk.owed
        shown = self.desk.memory.statuses.get(owed.appointment_id)
        if shown is not None:
            books = self.desk.memory.books_of(owed.appointment_id)
            assert shown == owed.money_status(books.lines)

    @invariant()
    def each_cause_has_one_event_and_one_document(self) -> None:
        memory = self.desk.memory
        told = Counter(one.payment_id for one in self.desk.told("payment.succeeded"))
        paid = [one.id for one in memory.attempts.values() if one.state == "succeeded"]
        assert told == Counter(paid)
        settled = Counter(one.refund_id for one in self.desk.told("payment.refunded"))
        assert set(settled.values()) <= {1}
        lines = Counter(one.name for one in memory.lines if one.kind in ON_PAPER)
        assert Counter(draft.line.name for _, _, draft in memory.documents) == lines
        numbers = [number for _, number, _ in memory.documents]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def asking_again_changes_nothing(self) -> None:
        before = self.desk.memory.books_of(self.desk.owed.appointment_id)
        if before.attempts and self.was is self.desk.owed.status:
            self.run(self.desk.settling(self.desk.owed.appointment_id))
            again = self.desk.memory.books_of(self.desk.owed.appointment_id)
            assert (again.refunds, again.lines) == (before.refunds, before.lines)

    def teardown(self) -> None:
        """When providers answer again and time goes by, both sides have the same."""
        try:
            self.comes_to_rest()
        finally:
            self.runner.close()

    def comes_to_rest(self) -> None:
        for provider in (self.desk.stripe, self.desk.paypal):
            provider.script.clear()
            provider.instant_refunds = True
        for _ in range(3):
            for provider, reference in self.sessions():
                for number, refund in enumerate(provider.sessions[reference].refunds):
                    if refund.stage is RefundStage.PENDING:
                        provider.refund_becomes(reference, RefundStage.SETTLED, number)
                self.take(provider, provider.sessions[reference])
            self.run(self.desk.work(after=timedelta(hours=9)))
            self.sweep()
        for provider, reference in self.sessions():
            self.take(provider, provider.sessions[reference])
        for provider in (self.desk.stripe, self.desk.paypal):
            assert self.ours(provider) == theirs(provider)
        states = {one.state for one in self.desk.memory.refunds.values()}
        assert states <= {RefundState.SETTLED, RefundState.FAILED}
        assert self.desk.owed.status is not Standing.PENDING_PAYMENT
        self.what_is_not_kept_goes_back_or_waits_for_people()

    def ours(self, provider: ScriptedProvider) -> int:
        lines = self.desk.memory.lines
        return sum(one.money.amount for one in lines if one.account == provider.account)


async def _forgets(_: object) -> None:
    """A worker that is killed before it says that it is done."""


def theirs(provider: ScriptedProvider) -> int:
    """What the provider has of the account."""
    total = 0
    for seen in provider.sessions.values():
        total += sum(one.amount.amount for one in seen.charges)
        settled = [one for one in seen.refunds if one.stage is RefundStage.SETTLED]
        total -= sum(one.amount.amount for one in settled)
        for dispute in seen.disputes:
            total -= dispute.fee.amount
            if dispute.stage in {DisputeStage.OPEN, DisputeStage.LOST}:
                total -= dispute.withdrawn.amount
    return total


def test_money_and_appointment_fit_after_every_step() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=120,
            stateful_step_count=25,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
