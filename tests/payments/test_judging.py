"""What is believed of a provider's word, and what changes nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from booking_system.payments.domain.attempt import Attempt, AttemptState
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.judging import judge, judge_refund
from booking_system.payments.domain.ledger import LineKind
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.refunds import RefundState
from booking_system.payments.domain.sighting import (
    Account,
    Charge,
    DisputeStage,
    RefundStage,
    SeenDispute,
    SeenRefund,
    Sighting,
    Stage,
)
from booking_system.shared_kernel.money import Money
from tests.booking.builders import NOON
from tests.payments.builders import ACCOUNT, PRICE, a_refund, a_sighting, an_attempt

OTHER = Account("stripe", "acct_2", is_live=True)
TEST_MODE = Account("stripe", "acct_1", is_live=False)
YEN, CENT_LESS = Money(5000, "JPY"), Money(4999, "EUR")


def judged(attempt: Attempt, sighting: Sighting) -> Any:
    return judge(attempt, sighting, Books(attempts=(attempt,)), now=NOON)


MISFITS: list[tuple[MatterKind, dict[str, Any]]] = [
    (MatterKind.ACCOUNT, {"account": OTHER}),
    (MatterKind.MODE, {"account": TEST_MODE}),
    (MatterKind.CURRENCY, {"amount": YEN}),
    (MatterKind.AMOUNT, {"amount": CENT_LESS}),
    (MatterKind.AMOUNT, {"charges": (Charge("ch_1", CENT_LESS, NOON),)}),
    (MatterKind.AMOUNT, {"charges": ()}),
    (MatterKind.REFERENCE, {"our_id": None}),
    (MatterKind.REFERENCE, {"our_id": "another"}),
    (MatterKind.REFERENCE, {"reference": "cs_2"}),
]


@pytest.mark.parametrize(("kind", "about"), MISFITS)
@pytest.mark.parametrize("state", AttemptState)
def test_what_does_not_fit_changes_nothing(
    state: AttemptState, kind: MatterKind, about: dict[str, Any]
) -> None:
    attempt = replace(an_attempt(state), reference="cs_1")
    verdict = judged(attempt, a_sighting(attempt, Stage.PAID, **about))
    assert verdict.attempt == attempt
    assert [one.kind for one in verdict.matters] == [kind]
    assert {one.kind for one in verdict.lines} <= {LineKind.UNALLOCATED}
    assert not verdict.refunds


def test_money_of_ours_that_does_not_fit_is_written_down_as_nobodys() -> None:
    attempt = an_attempt()
    less = (Charge("ch_1", CENT_LESS, NOON),)
    (line,) = judged(attempt, a_sighting(attempt, Stage.PAID, charges=less)).lines
    assert (line.kind, line.money) == (LineKind.UNALLOCATED, CENT_LESS)
    elsewhere = judged(attempt, a_sighting(attempt, Stage.PAID, account=OTHER))
    unknown = judged(attempt, a_sighting(attempt, Stage.PAID, our_id="another"))
    assert not elsewhere.lines
    assert not unknown.lines


STAGES = {
    Stage.OPEN: AttemptState.OPEN,
    Stage.APPROVED: AttemptState.OPEN,
    Stage.PROCESSING: AttemptState.PROCESSING,
    Stage.PAID: AttemptState.SUCCEEDED,
    Stage.ENDED: AttemptState.CANCELLED,
    Stage.FAILED: AttemptState.FAILED,
}


@pytest.mark.parametrize(("stage", "then"), STAGES.items())
def test_a_look_before_the_answer_to_the_creation_counts(stage: Stage, then: AttemptState) -> None:
    attempt = an_attempt(AttemptState.CREATING)
    verdict = judged(attempt, a_sighting(attempt, stage))
    assert (verdict.attempt.state, verdict.attempt.reference) == (then, "cs_1")
    assert verdict.wants_capture is (stage is Stage.APPROVED)


@pytest.mark.parametrize("state", AttemptState)
def test_money_wins_over_every_state_and_over_what_else_is_said(state: AttemptState) -> None:
    attempt = an_attempt(state)
    charge = (Charge("ch_1", PRICE, NOON),)
    for stage in Stage:
        verdict = judged(attempt, a_sighting(attempt, stage, charges=charge))
        assert verdict.attempt.state is AttemptState.SUCCEEDED
        assert verdict.attempt.captured == PRICE.amount
        assert [one.kind for one in verdict.lines] == [LineKind.CHARGE]


def test_what_is_written_is_not_written_again() -> None:
    attempt = an_attempt()
    seen = a_sighting(
        attempt,
        Stage.PAID,
        refunds=(SeenRefund("re_1", "ch_1", Money(1000, "EUR"), RefundStage.SETTLED, NOON),),
    )
    first = judged(attempt, seen)
    books = Books(attempts=(first.attempt,), lines=first.lines, refunds=first.refunds)
    again = judge(first.attempt, seen, books, now=NOON + timedelta(hours=1))
    assert (again.attempt, again.lines, again.refunds) == (first.attempt, (), ())


ORDERS = [
    (RefundStage.SETTLED, RefundStage.FAILED, RefundStage.SETTLED),
    (RefundStage.FAILED, RefundStage.SETTLED),
    (RefundStage.PENDING, RefundStage.FAILED, RefundStage.PENDING, RefundStage.SETTLED),
]


@pytest.mark.parametrize("order", ORDERS)
def test_an_old_look_at_a_refund_brings_nothing_back(order: tuple[RefundStage, ...]) -> None:
    attempt, money = an_attempt(), Money(1000, "EUR")

    def seen(stage: RefundStage) -> Sighting:
        refund = SeenRefund("re_1", "ch_1", money, stage, NOON)
        return a_sighting(attempt, Stage.PAID, refunds=(refund,))

    books = Books(attempts=(attempt,))
    for stage in order:
        verdict = judge(attempt, seen(stage), books, now=NOON)
        books = books.with_attempt(verdict.attempt).with_lines(verdict.lines)
        for refund in verdict.refunds:
            books = books.with_refund(refund)
    assert [one.state for one in books.refunds] == [RefundState.FAILED]
    assert books.net == PRICE.amount


@pytest.mark.parametrize("is_refused_first", [True, False])
@pytest.mark.parametrize("stage", [RefundStage.PENDING, RefundStage.SETTLED])
def test_a_refund_that_was_made_counts_though_another_worker_was_refused(
    stage: RefundStage, is_refused_first: bool
) -> None:
    attempt, money = an_attempt(), Money(1000, "EUR")
    ours = a_refund(attempt, money)
    books = judged_books(attempt, Books(attempts=(attempt,)).with_refund(ours))
    made = SeenRefund("re_1", "ch_1", money, stage, NOON, our_id=str(ours.id))
    refused = ours.refused("woven", NOON)
    for seen in (refused, made) if is_refused_first else (made, refused):
        verdict = judge_refund(attempt, seen, books, now=NOON)
        books = books.with_lines(verdict.lines)
        for refund in verdict.refunds:
            books = books.with_refund(refund)
        books = books.with_matters([*books.matters, *verdict.matters])
    (kept,) = books.refunds
    assert (kept.state, kept.provider_id, kept.problem) == (RefundState(stage), "re_1", None)
    assert books.matters == ()
    assert books.net == PRICE.amount - (1000 if stage is RefundStage.SETTLED else 0)


def test_a_refund_that_is_refused_twice_has_failed_once() -> None:
    attempt, money = an_attempt(), Money(1000, "EUR")
    ours = a_refund(attempt, money)
    books = judged_books(attempt, Books(attempts=(attempt,)).with_refund(ours))
    refused = ours.refused("woven", NOON)
    first = judge_refund(attempt, refused, books, now=NOON)
    assert [one.kind for one in first.matters] == [MatterKind.REFUND_FAILED]
    again = judge_refund(attempt, refused, books.with_refund(first.refunds[0]), now=NOON)
    assert (again.refunds, again.matters, again.lines) == ((), (), ())


def judged_books(attempt: Attempt, books: Books) -> Books:
    """The books with the attempt's money in them."""
    verdict = judge(attempt, a_sighting(attempt, Stage.PAID), books, now=NOON)
    return books.with_attempt(verdict.attempt).with_lines(verdict.lines)


@pytest.mark.parametrize(
    ("stage", "kinds"),
    [
        (DisputeStage.INQUIRY, []),
        (DisputeStage.OPEN, ["dispute_withdrawn", "dispute_fee"]),
        (DisputeStage.WON, ["dispute_withdrawn", "dispute_reinstated", "dispute_fee"]),
        (DisputeStage.LOST, ["dispute_withdrawn", "dispute_fee", "dispute_lost"]),
    ],
)
def test_a_dispute_that_takes_money_is_written(stage: DisputeStage, kinds: list[str]) -> None:
    attempt = an_attempt()
    dispute = SeenDispute("dp_1", "ch_1", stage, PRICE, Money(1500, "EUR"), NOON)
    verdict = judged(attempt, a_sighting(attempt, Stage.PAID, disputes=(dispute,)))
    assert [one.kind for one in verdict.lines] == ["charge", *kinds]
    net = Books(lines=verdict.lines).net
    assert net == (0 if stage in {DisputeStage.OPEN, DisputeStage.LOST} else PRICE.amount)


@pytest.mark.parametrize(
    ("stage", "returned", "net"),
    [
        (DisputeStage.WON, 5000, 5000),
        (DisputeStage.WON, 0, 5000),
        (DisputeStage.LOST, 0, 0),
        (DisputeStage.LOST, 2000, 2000),
    ],
)
@pytest.mark.parametrize("is_seen_before", [False, True])
def test_what_a_dispute_took_comes_back_whenever_it_is_seen(
    stage: DisputeStage, returned: int, net: int, is_seen_before: bool
) -> None:
    attempt = an_attempt()
    nothing = Money(0, "EUR")
    taken = SeenDispute("dp_1", "ch_1", DisputeStage.OPEN, PRICE, nothing, NOON)
    ended = replace(taken, stage=stage, returned=returned)
    books = Books(attempts=(attempt,))
    for dispute in (taken, ended, taken, ended) if is_seen_before else (ended, taken, ended):
        seen = a_sighting(attempt, Stage.PAID, disputes=(dispute,))
        verdict = judge(attempt, seen, books, now=NOON)
        books = books.with_attempt(verdict.attempt).with_lines(verdict.lines)
        if dispute is taken and len(books.lines) == 2:
            # It has more in the end than was taken: what was written is what comes back.
            ended = replace(ended, withdrawn=Money(6000, "EUR"))
    assert books.net == net
    kinds = [one.kind for one in books.lines]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("told", [None, NOON + timedelta(days=60)])
def test_what_a_dispute_gives_back_counts_for_the_day_on_which_it_does(
    told: datetime | None,
) -> None:
    attempt, learned = an_attempt(), NOON + timedelta(days=61)
    nothing = Money(0, "EUR")
    won = SeenDispute("dp_1", "ch_1", DisputeStage.WON, PRICE, nothing, NOON, returned_at=told)
    seen = a_sighting(attempt, Stage.PAID, disputes=(won,))
    verdict = judge(attempt, seen, Books(attempts=(attempt,)), now=learned)
    days = {one.kind: one.settled_at for one in verdict.lines}
    assert days[LineKind.DISPUTE_WITHDRAWN] == NOON
    assert days[LineKind.DISPUTE_REINSTATED] == (told or learned)


def test_a_refund_that_failed_comes_back_on_the_day_on_which_it_was_seen() -> None:
    attempt, learned = an_attempt(), NOON + timedelta(days=3)
    books = Books(attempts=(attempt,))
    for stage, now in ((RefundStage.SETTLED, NOON), (RefundStage.FAILED, learned)):
        refund = SeenRefund("re_1", "ch_1", Money(1000, "EUR"), stage, NOON)
        seen = a_sighting(attempt, Stage.PAID, refunds=(refund,))
        verdict = judge(attempt, seen, books, now=now)
        books = books.with_attempt(verdict.attempt).with_lines(verdict.lines)
    days = {one.kind: one.settled_at for one in books.lines}
    assert (days[LineKind.REFUND], days[LineKind.REFUND_RETURNED]) == (NOON, learned)


def test_the_account_of_the_row_is_the_one_that_counts() -> None:
    assert ACCOUNT not in {OTHER, TEST_MODE}
