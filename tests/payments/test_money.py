"""Shares, fees, deposits, statuses and days: all money is whole units, and adds up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus
from booking_system.booking.domain.party import Side
from booking_system.booking.domain.payment_state import PaymentState
from booking_system.payments.domain.attempt import AttemptState
from booking_system.payments.domain.ledger import Line, LineKind
from booking_system.payments.domain.owed import MoneyStatus, Standing
from booking_system.payments.domain.receipts import drafts, totals_of
from booking_system.payments.domain.standing import Dispute, standing_of
from booking_system.payments.domain.terms import Deposit, MoneyTerms, Step, share
from booking_system.shared_kernel.money import Money
from tests.booking.builders import NOON
from tests.payments.builders import START, an_attempt, an_occasion, an_owed
from tests.payments.memory import Memory, MemoryWork

ODD = Money(1661, "EUR")
HALF_IN_THE_LAST_DAY = MoneyTerms(
    steps=(Step(until_minutes=1440, percent_kept=0), Step(until_minutes=0, percent_kept=50))
)
ZONE = "Pacific/Auckland"


def a_line(kind: LineKind = LineKind.CHARGE, amount: int = 5000, **about: Any) -> Line:
    attempt = about.pop("attempt", None) or an_attempt()
    asked = attempt.asked
    usual: dict[str, Any] = {
        "kind": kind,
        "appointment_id": asked.appointment_id,
        "clinic_id": asked.clinic_id,
        "payment_id": asked.id,
        "account": asked.account,
        "provider_id": f"{kind}_1",
        "charge_id": "charge_1",
        "money": Money(amount, "EUR"),
        "settled_at": NOON,
    }
    return Line(**usual | about)


def test_half_of_an_odd_amount_and_its_rest_are_the_whole() -> None:
    owed = an_owed(
        price=ODD,
        terms=HALF_IN_THE_LAST_DAY,
        status=Standing.CANCELLED,
        cancelled_by=Side.PATIENT,
        cancelled_at=START - timedelta(hours=3),
    )
    assert (owed.most_kept(), ODD.amount - owed.most_kept()) == (831, 830)


def test_a_deposit_is_rounded_and_the_rest_is_what_is_left() -> None:
    price = Money(1000, "EUR")
    assert Deposit(percent=33).of(price) == Money(330, "EUR")
    assert Deposit(amount=400).of(price) == Money(400, "EUR")
    assert Deposit(amount=4000).of(price) == price


@given(st.integers(0, 10**9), st.integers(0, 100))
def test_a_share_is_never_more_than_the_whole(amount: int, percent: int) -> None:
    kept = share(amount, percent)
    assert 0 <= kept <= amount
    assert abs(kept * 100 - amount * percent) <= 50


@pytest.mark.parametrize(
    ("hours", "kept"), [(24, 0), (23.99, 50), (3, 50), (0, 50), (-0.01, 100), (1000, 0)]
)
def test_what_a_cancellation_costs_depends_on_the_time_left(hours: float, kept: int) -> None:
    at = START - timedelta(hours=hours)
    assert HALF_IN_THE_LAST_DAY.percent_kept(starts_at=START, cancelled_at=at) == kept
    assert MoneyTerms().percent_kept(starts_at=START, cancelled_at=at) == 0


@pytest.mark.parametrize("side", [Side.CLINIC, Side.SYSTEM])
def test_what_the_clinic_cancels_costs_nothing(side: Side) -> None:
    owed = an_owed(
        terms=HALF_IN_THE_LAST_DAY,
        status=Standing.CANCELLED,
        cancelled_by=side,
        cancelled_at=START,
    )
    assert owed.most_kept() == 0


def test_who_does_not_come_owes_the_fee_and_never_more_than_the_price() -> None:
    terms = MoneyTerms(no_show_fee=9000)
    assert an_owed(status=Standing.NO_SHOW, terms=terms).most_kept() == 5000
    half = MoneyTerms(no_show_percent_kept=50)
    assert an_owed(status=Standing.NO_SHOW, terms=half).most_kept() == 2500


@pytest.mark.parametrize(
    "terms",
    [
        {"steps": (Step(until_minutes=60, percent_kept=50), Step(until_minutes=0, percent_kept=1))},
        {"no_show_fee": -1},
        {"no_show_percent_kept": 101},
    ],
)
def test_terms_that_make_no_sense_are_none(terms: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        MoneyTerms(**terms)
    with pytest.raises(ValueError, match=r"."):
        Deposit(amount=1, percent=1)


C, R, W, B = LineKind.CHARGE, LineKind.REFUND, LineKind.DISPUTE_WITHDRAWN, LineKind.DESK_PAYMENT
STATUSES = [
    (0, Standing.CONFIRMED, [], MoneyStatus.NOT_REQUIRED),
    (5000, Standing.CONFIRMED, [], MoneyStatus.UNPAID),
    (5000, Standing.CANCELLED, [], MoneyStatus.UNPAID),
    (5000, Standing.CONFIRMED, [(C, 5000)], MoneyStatus.PAID),
    (5000, Standing.COMPLETED, [(C, 2000), (B, 3000)], MoneyStatus.PAID),
    (5000, Standing.COMPLETED, [(C, 2000)], MoneyStatus.PARTIALLY_PAID),
    (5000, Standing.CONFIRMED, [(C, 5000), (C, 5000), (R, -5000)], MoneyStatus.PAID),
    (5000, Standing.CONFIRMED, [(C, 5000), (R, -1000)], MoneyStatus.PARTIALLY_PAID),
    (5000, Standing.CONFIRMED, [(C, 5000), (R, -5000)], MoneyStatus.REFUNDED),
    (5000, Standing.CONFIRMED, [(C, 5000), (W, -5000)], MoneyStatus.REFUNDED),
    (5000, Standing.CANCELLED, [(C, 5000)], MoneyStatus.PAID),
    (5000, Standing.NO_SHOW, [(C, 5000), (R, -2000)], MoneyStatus.PARTIALLY_REFUNDED),
    (5000, Standing.EXPIRED, [(C, 5000), (R, -5000)], MoneyStatus.REFUNDED),
    (5000, Standing.CONFIRMED, [(LineKind.UNALLOCATED, 5000)], MoneyStatus.UNPAID),
    (
        5000,
        Standing.CANCELLED,
        [(C, 5000), (R, -5000), (LineKind.REFUND_RETURNED, 5000)],
        MoneyStatus.PAID,
    ),
]


@pytest.mark.parametrize(("price", "status", "moved", "told"), STATUSES)
def test_the_status_of_money_is_computed(
    price: int, status: Standing, moved: list[tuple[LineKind, int]], told: MoneyStatus
) -> None:
    lines = [a_line(kind, amount) for kind, amount in moved]
    owed = an_owed(price=Money(price, "EUR"), status=status)
    assert owed.money_status(lines) is told


def test_booking_has_no_word_that_is_unknown_here() -> None:
    assert {one.value for one in AppointmentStatus} <= {one.value for one in Standing}
    assert {one.value for one in PaymentStatus} <= {one.value for one in MoneyStatus}


def test_a_dispute_hides_what_was_refunded_until_it_is_won() -> None:
    attempt = an_attempt(AttemptState.SUCCEEDED, captured=5000)
    charge, refund = a_line(), a_line(R, -1000)
    taken, back = a_line(W, -4000), a_line(LineKind.DISPUTE_REINSTATED, 4000)
    lost = a_line(LineKind.DISPUTE_LOST, 0)
    seen = [
        standing_of(attempt, lines)
        for lines in (
            [charge],
            [charge, refund],
            [charge, refund, taken],
            [charge, refund, taken, lost],
            [charge, refund, taken, back],
            [charge, a_line(R, -5000)],
        )
    ]
    assert [(one.status, one.refunded, one.dispute) for one in seen] == [
        (PaymentState.SUCCEEDED, 0, None),
        (PaymentState.PARTIALLY_REFUNDED, 1000, None),
        (PaymentState.DISPUTED, 1000, Dispute.OPEN),
        (PaymentState.DISPUTED, 1000, Dispute.LOST),
        (PaymentState.PARTIALLY_REFUNDED, 1000, Dispute.WON),
        (PaymentState.REFUNDED, 5000, None),
    ]


@pytest.mark.parametrize(
    ("kind", "amount"),
    [(C, 0), (C, -1), (R, 1), (W, 1), (LineKind.DISPUTE_LOST, 1), (B, 0)],
)
def test_a_line_has_the_sign_of_its_kind(kind: LineKind, amount: int) -> None:
    with pytest.raises(ValueError, match=kind):
        a_line(kind, amount)


SETTLED = ["2027-04-03T10:30Z", "2027-04-03T11:30Z", "2027-04-04T11:30Z", "2027-04-04T12:30Z"]


def test_days_are_the_clinics_also_when_one_has_25_hours() -> None:
    lines = [
        a_line(amount=10**n, settled_at=datetime.fromisoformat(at)) for n, at in enumerate(SETTLED)
    ]
    days = [totals_of(date(2027, 4, day), ZONE, lines) for day in (3, 4, 5)]
    assert [one.total("EUR") for one in days] == [1, 110, 1000]
    assert sum(one.total("EUR") for one in days) == sum(one.money.amount for one in lines)
    assert days[1].period.length == timedelta(hours=25)
    edge = a_line(settled_at=days[1].period.ends_at)
    assert totals_of(date(2027, 4, 4), ZONE, [edge]).sums == {}


async def test_the_year_of_a_document_is_the_clinics() -> None:
    memory = Memory(clock=None, zone=ZONE)  # type: ignore[arg-type]
    parties = await MemoryWork(memory).parties(an_owed())
    late = datetime(2026, 12, 31, 11, 30, tzinfo=UTC)
    lines = [a_line(R, -5000), a_line(), a_line(W, -10)]
    occasion = replace(an_occasion(), received=700)
    made = list(drafts(lines, title="T", issuer=parties.issuer, issued_at=late, occasion=occasion))
    assert [(one.year, one.kind) for one in made] == [(2027, "receipt"), (2027, "correction")]
    assert [one.occasion.received for one in made] == [5700, 700]
