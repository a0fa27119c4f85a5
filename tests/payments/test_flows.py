"""Payments from beginning to end, on memory: who pays when, and what the provider makes of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from booking_system.booking.domain.party import Side
from booking_system.booking.domain.payment_state import PaymentState
from booking_system.booking.domain.refusals import AppointmentNotFound, BookingNotActive
from booking_system.payments.application.ports import WorkKind
from booking_system.payments.domain.attempt import AttemptState
from booking_system.payments.domain.ledger import LineKind
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.owed import Standing
from booking_system.payments.domain.refunds import RefundState
from booking_system.payments.domain.refusals import (
    PaymentAlreadyMade,
    PaymentInProgress,
    PaymentIsDisputed,
    PaymentNotFound,
    PaymentNotRequired,
    RefundExceedsPayment,
)
from booking_system.payments.domain.sighting import DisputeStage, RefundStage, Sighting, Stage
from booking_system.payments.domain.standing import standing_of
from booking_system.payments.domain.terms import MoneyTerms, Step
from booking_system.payments.domain.transitions import Cause, ImpossibleError
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.money import Money
from tests.booking.builders import NOON, a_patient_actor, a_receptionist
from tests.payments.builders import PRICE, START, a_waiting_one, an_owed
from tests.payments.desk import MemoryDesk
from tests.payments.memory import MemoryAppointments
from tests.payments.scripted import BUSY, DECLINED, LOST_AFTER, LOST_BEFORE, REFUSED

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(minutes=31)
HALF = MoneyTerms(
    steps=(Step(until_minutes=1440, percent_kept=0), Step(until_minutes=0, percent_kept=50))
)


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


def reference_of(shown: Any) -> str:
    reference: str = shown.attempt.reference
    assert reference is not None
    return reference


async def paid(desk: MemoryDesk, provider: str = "stripe") -> Any:
    shown = await desk.start(desk.owed, provider)
    if provider == "paypal":
        desk.paypal.set(reference_of(shown), stage=Stage.APPROVED)
        await desk.look(shown)
        await desk.work()
    else:
        desk.stripe.pay(reference_of(shown))
        await desk.look(shown)
    return shown


async def test_money_confirms_and_is_told_once(desk: MemoryDesk) -> None:
    shown = await paid(desk)
    for _ in range(5):
        await desk.look(shown)
    await desk.work(after=WINDOW)

    assert (desk.owed.status, desk.status) == ("confirmed", "paid")
    assert len(desk.told("payment.succeeded")) == 1
    assert [number for _, number, _ in desk.memory.documents] == [1]
    await desk.work(after=timedelta(days=1))
    assert desk.memory.work == {}


async def test_a_lost_webhook_is_made_up_for_at_the_end_of_the_window(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    desk.clock.moment += MINUTE
    desk.stripe.pay(reference_of(shown))
    await desk.work(after=WINDOW - MINUTE)
    assert (desk.owed.status, desk.status) == ("confirmed", "paid")


async def test_who_does_not_pay_loses_the_slot_and_cannot_pay_any_more(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    await desk.work(after=WINDOW)
    assert desk.owed.status == "pending_payment"
    assert desk.stripe.stage(reference_of(shown)) is Stage.ENDED
    await desk.work(after=3 * MINUTE)
    assert desk.owed.status == "expired"
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CANCELLED
    with pytest.raises(BookingNotActive):
        await desk.start(desk.owed)


async def test_an_appointment_expires_though_the_provider_is_silent(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    desk.stripe.goes_wrong("read", *[LOST_BEFORE] * 9)
    desk.stripe.goes_wrong("end", LOST_BEFORE)
    for _ in range(20):
        await desk.work(after=2 * MINUTE)
    assert desk.owed.status == "expired"
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CANCELLED


def only_expiry_is_left(desk: MemoryDesk) -> None:
    """All other work was lost, as where workers were away for long."""
    desk.memory.work = {
        job: row for job, row in desk.memory.work.items() if job[1] is WorkKind.EXPIRE
    }


async def test_the_provider_is_asked_before_anything_expires(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    desk.stripe.pay(reference_of(shown))
    only_expiry_is_left(desk)
    # What it holds still is its own; what had expired would be gone.
    desk.memory.taken.add(desk.owed.appointment_id)
    await desk.work(after=WINDOW + 3 * MINUTE)
    assert desk.owed.status == "confirmed"
    assert len(desk.told("payment.succeeded")) == 1


@pytest.mark.parametrize("fault", [LOST_BEFORE, BUSY, REFUSED])
async def test_a_provider_that_does_not_answer_holds_no_slot(desk: MemoryDesk, fault: str) -> None:
    await desk.start(desk.owed)
    only_expiry_is_left(desk)
    desk.stripe.goes_wrong("read", fault)
    await desk.work(after=WINDOW + 3 * MINUTE)
    assert desk.owed.status == "expired"


@pytest.mark.parametrize("is_taken", [False, True])
async def test_late_money_takes_the_slot_again_or_goes_back(
    desk: MemoryDesk, is_taken: bool
) -> None:
    shown = await desk.start(desk.owed)
    await desk.work(after=WINDOW)
    await desk.work(after=3 * MINUTE)
    assert desk.owed.status == "expired"
    if is_taken:
        desk.memory.taken.add(desk.owed.appointment_id)
    desk.stripe.pay(reference_of(shown))
    for _ in range(5):
        await desk.look(shown)
    if is_taken:
        # Free again a moment later: what is on its way back confirms nothing.
        desk.memory.taken.clear()
        await desk.look(shown)
    await desk.work()
    await desk.look(shown)

    refunds = list(desk.memory.refunds.values())
    if is_taken:
        assert [(one.reason, one.state, one.money) for one in refunds] == [
            ("late_money", RefundState.SETTLED, PRICE)
        ]
        assert (desk.owed.status, desk.status) == ("expired", "refunded")
        assert len(desk.stripe.called("refund")) == 1
        assert len(desk.told("payment.refunded")) == 1
        assert [draft.kind for _, _, draft in desk.memory.documents] == ["receipt", "correction"]
    else:
        assert not refunds
        assert (desk.owed.status, desk.status) == ("confirmed", "paid")


async def test_money_for_what_has_begun_without_it_goes_back(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    await desk.work(after=WINDOW)
    await desk.work(after=3 * MINUTE)
    desk.clock.moment = START
    desk.stripe.pay(reference_of(shown))
    await desk.look(shown)
    await desk.work()
    assert (desk.owed.status, desk.status) == ("expired", "refunded")


async def test_two_who_start_get_the_same_payment(desk: MemoryDesk) -> None:
    one, other = await desk.start(desk.owed), await desk.start(desk.owed)
    assert one.attempt == other.attempt
    assert one.attempt.checkout_url == "https://pay.example.com/cs_1"
    assert len(desk.stripe.called("create")) == 1


async def test_another_way_to_pay_waits_until_the_first_is_ended(desk: MemoryDesk) -> None:
    first = await desk.start(desk.owed)
    with pytest.raises(PaymentInProgress):
        await desk.start(desk.owed, "paypal")
    await desk.work()
    assert desk.stripe.stage(reference_of(first)) is Stage.ENDED
    second = await desk.start(desk.owed, "paypal")
    assert second.attempt.asked.account.provider == "paypal"
    # An order that only we can move makes way at once.
    third = await desk.start(desk.owed, "stripe")
    assert (await desk.attempt(second.attempt.id)).state is AttemptState.CANCELLED
    assert third.attempt.is_live


async def test_money_of_an_order_that_made_way_is_never_taken(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed, "paypal")
    await desk.start(desk.owed, "stripe")
    desk.paypal.set(reference_of(shown), stage=Stage.APPROVED)
    await desk.look(shown)
    await desk.work()
    assert not desk.paypal.called("capture")


async def test_of_two_payments_one_is_kept_and_one_goes_back(desk: MemoryDesk) -> None:
    first = await desk.start(desk.owed)
    await desk.work(after=WINDOW)
    # Its provider said that it was over, and took the money all the same.
    desk.becomes(status=Standing.CONFIRMED, pay_by=None)
    again = await desk.start(desk.owed)
    desk.stripe.pay(reference_of(again))
    await desk.look(again)
    desk.clock.moment += MINUTE
    desk.stripe.pay(reference_of(first))
    await desk.look(first)
    await desk.work()

    (refund,) = desk.memory.refunds.values()
    assert (refund.payment_id, refund.reason, refund.money) == (
        first.attempt.id,
        "surplus",
        PRICE,
    )
    assert desk.status == "paid"
    assert len(desk.told("payment.succeeded")) == 2


async def test_a_time_out_is_unknown_and_the_same_is_asked_again(desk: MemoryDesk) -> None:
    desk.stripe.goes_wrong("create", LOST_BEFORE, LOST_AFTER)
    shown = await desk.start(desk.owed)
    assert (shown.attempt.state, shown.attempt.checkout_url) == (AttemptState.CREATING, None)
    desk.becomes(price=Money(9900, "EUR"))
    desk.becomes(price=PRICE)
    await desk.work(after=timedelta(seconds=40))
    await desk.work(after=timedelta(seconds=40))
    known = await desk.attempt(shown.attempt.id)
    assert (known.state, known.reference) == (AttemptState.OPEN, "cs_1")
    assert set(desk.stripe.called("create")) == {shown.attempt.asked.key}
    assert len(desk.stripe.sessions) == 1


async def test_a_checkout_whose_answer_was_lost_is_looked_for(desk: MemoryDesk) -> None:
    """A provider may keep its own fault as the answer to a key."""
    desk.stripe.goes_wrong("create", LOST_AFTER, REFUSED)
    shown = await desk.start(desk.owed)
    await desk.work(after=timedelta(seconds=10))
    known = await desk.attempt(shown.attempt.id)
    assert (known.state, known.checkout_url) == (
        AttemptState.OPEN,
        "https://pay.example.com/cs_1",
    )


async def test_a_provider_that_asks_for_patience_gets_it(desk: MemoryDesk) -> None:
    desk.stripe.goes_wrong("create", BUSY)
    await desk.start(desk.owed)
    assert await desk.work(after=timedelta(seconds=6)) == 0
    assert await desk.work(after=timedelta(seconds=1)) == 1
    assert desk.memory.books_of(desk.owed.appointment_id).attempts[0].state is AttemptState.OPEN


async def test_a_provider_that_is_silent_for_long_makes_room_for_another_try(
    desk: MemoryDesk,
) -> None:
    desk.stripe.goes_wrong("create", *[LOST_BEFORE] * 9)
    shown = await desk.start(desk.owed)
    for _ in range(9):
        await desk.work(after=2 * MINUTE)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CANCELLED
    assert len(desk.stripe.called("create")) == 5


async def test_an_answer_that_comes_when_it_was_given_up_is_ended(desk: MemoryDesk) -> None:
    async def given_up(method: str) -> None:
        if method == "create":
            desk.stripe.meanwhile = None
            kept, desk.stripe.sessions = desk.stripe.sessions, {}
            desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.PATIENT, cancelled_at=NOON)
            await desk.settling(desk.owed.appointment_id)
            for claim in await desk.queue.claim(most=9, now=desk.clock.now()):
                await desk.do(claim)
            desk.stripe.sessions = kept

    desk.stripe.meanwhile = given_up
    shown = await desk.start(desk.owed)
    assert shown.attempt.state is AttemptState.CANCELLED
    assert desk.stripe.stage("cs_1") is Stage.OPEN
    await desk.work()
    assert desk.stripe.stage("cs_1") is Stage.ENDED


async def test_an_event_before_the_answer_is_not_written_over(desk: MemoryDesk) -> None:
    async def quick(method: str) -> None:
        if method == "create":
            desk.stripe.meanwhile = None
            desk.stripe.pay("cs_1")
            (attempt,) = desk.memory.attempts.values()
            await desk.take(attempt.id, desk.stripe.sessions["cs_1"])

    desk.stripe.meanwhile = quick
    shown = await desk.start(desk.owed)
    assert (shown.attempt.state, shown.attempt.reference) == (AttemptState.SUCCEEDED, "cs_1")
    assert (desk.owed.status, len(desk.told("payment.succeeded"))) == ("confirmed", 1)


async def test_a_definite_no_ends_the_attempt_and_the_next_has_another_key(
    desk: MemoryDesk,
) -> None:
    desk.stripe.goes_wrong("create", REFUSED)
    first = await desk.start(desk.owed)
    assert (first.attempt.state, first.attempt.problem) == (AttemptState.FAILED, "scripted")
    second = await desk.start(desk.owed)
    assert second.attempt.asked.key != first.attempt.asked.key
    assert len(desk.told("payment.failed")) == 1


async def test_completed_is_not_paid(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    desk.stripe.set(reference_of(shown), stage=Stage.PROCESSING)
    await desk.look(shown)
    assert desk.owed.status == "pending_payment"
    again = await desk.start(desk.owed)
    assert again.attempt.id == shown.attempt.id
    with pytest.raises(PaymentInProgress):
        await desk.start(desk.owed, "paypal")
    desk.stripe.pay(reference_of(shown))
    await desk.look(shown)
    assert desk.owed.status == "confirmed"


async def test_what_is_approved_is_captured_once(desk: MemoryDesk) -> None:
    desk.paypal.goes_wrong("capture", LOST_AFTER)
    shown = await desk.start(desk.owed, "paypal")
    desk.paypal.set(reference_of(shown), stage=Stage.APPROVED)
    await desk.look(shown)
    await desk.look(shown)
    before = desk.owed.pay_by
    assert before is not None
    await desk.work()
    await desk.work(after=10 * MINUTE)
    assert (desk.owed.status, desk.status) == ("confirmed", "paid")
    assert len(desk.memory.lines) == 1
    assert len(set(desk.paypal.called("capture"))) == 1


async def test_a_capture_that_was_lost_on_its_way_is_sent_again_with_its_key(
    desk: MemoryDesk,
) -> None:
    desk.paypal.goes_wrong("capture", LOST_BEFORE)
    shown = await paid(desk, "paypal")
    desk.paypal.set(reference_of(shown), checkout_url="https://pay.example.com/anew")
    await desk.work(after=10 * MINUTE)
    assert desk.status == "paid"
    assert len(desk.paypal.called("capture")) == 2
    assert len(set(desk.paypal.called("capture"))) == 1


async def test_money_that_a_lost_capture_took_is_seen_before_it_is_given_up(
    desk: MemoryDesk,
) -> None:
    desk.paypal.goes_wrong("capture", LOST_AFTER)
    await paid(desk, "paypal")
    desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.CLINIC, cancelled_at=NOON)
    await desk.work(after=timedelta(seconds=10))
    assert desk.status == "refunded"
    assert not desk.told("payment.cancelled")


async def test_a_slot_that_is_gone_is_not_paid_for(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed, "paypal")
    await desk.work(after=WINDOW)
    await desk.work(after=3 * MINUTE)
    desk.becomes(status=Standing.EXPIRED, pay_by=None)
    desk.memory.taken.add(desk.owed.appointment_id)
    desk.memory.attempts[shown.attempt.id] = replace(shown.attempt, state=AttemptState.CLOSING)
    desk.paypal.set(reference_of(shown), stage=Stage.APPROVED)
    await desk.look(shown)
    await desk.work()
    assert not desk.paypal.called("capture")
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CANCELLED


async def test_a_slot_is_asked_for_again_right_before_the_capture(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed, "paypal")
    desk.paypal.set(reference_of(shown), stage=Stage.APPROVED)
    await desk.look(shown)
    desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.CLINIC, cancelled_at=NOON)
    await desk.work()
    assert not desk.paypal.called("capture")
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CANCELLED


@pytest.mark.parametrize("cause", [Cause.REFUSED, Cause.NEVER_MADE, Cause.NOT_CAPTURED])
async def test_what_was_decided_for_an_older_state_does_not_happen(
    desk: MemoryDesk, cause: Cause
) -> None:
    shown = await paid(desk)
    changes = desk.do.changes
    await changes.cause(shown.attempt.id, cause, decided_for=AttemptState.CLOSING)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.SUCCEEDED
    if cause is not Cause.REFUSED:
        with pytest.raises(ImpossibleError):
            await changes.cause(shown.attempt.id, cause, decided_for=AttemptState.SUCCEEDED)


async def test_who_stood_still_too_long_asks_for_the_slot_once_more(
    desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await desk.start(desk.owed, "paypal")
    desk.paypal.set(reference_of(shown), stage=Stage.APPROVED)
    await desk.look(shown)
    keep, kept = MemoryAppointments.keep, list[timedelta]()

    async def stands_still(self: MemoryAppointments, *given: Any, **named: Any) -> bool:
        may = await keep(self, *given, **named)
        kept.append(named["until"] - named["now"])
        if len(kept) == 1:
            desk.clock.moment += kept[0]
        return may

    monkeypatch.setattr(MemoryAppointments, "keep", stands_still)
    await desk.work()
    assert (len(kept), len(desk.paypal.called("capture"))) == (2, 1)


async def test_the_time_to_pay_is_kept_while_money_is_taken(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed, "paypal")
    desk.clock.moment += 32 * MINUTE
    desk.paypal.set(reference_of(shown), stage=Stage.APPROVED)
    await desk.look(shown)
    assert desk.owed.pay_by == desk.clock.now() + 4 * MINUTE


async def test_a_declined_capture_sends_the_payer_back(desk: MemoryDesk) -> None:
    desk.paypal.goes_wrong("capture", DECLINED)
    shown = await paid(desk, "paypal")
    declined = await desk.attempt(shown.attempt.id)
    assert (declined.state, declined.problem) == (AttemptState.OPEN, "scripted")
    await desk.look(shown)
    await desk.work()
    assert desk.status == "paid"
    assert len(set(desk.paypal.called("capture"))) == 2


async def test_a_capture_declined_for_good_is_a_failure(desk: MemoryDesk) -> None:
    desk.paypal.goes_wrong("capture", REFUSED)
    shown = await paid(desk, "paypal")
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.FAILED
    assert desk.owed.status == "pending_payment"


async def test_a_deposit_confirms_and_the_rest_is_paid_at_the_desk() -> None:
    desk = MemoryDesk(a_waiting_one(confirm_at=Money(1650, "EUR")))
    shown = await paid(desk)
    assert (shown.attempt.asked.amount.amount, desk.owed.status) == (1650, "confirmed")
    assert desk.status == "partially_paid"
    with pytest.raises(Invalid):
        await desk.pay_at_desk(desk.owed, 3351)
    await desk.pay_at_desk(desk.owed, 350)
    rest = await desk.pay_at_desk(desk.owed)
    assert (rest.attempt.asked.amount.amount, desk.status) == (3000, "paid")
    with pytest.raises(PaymentAlreadyMade):
        await desk.pay_at_desk(desk.owed)
    assert [number for _, number, _ in desk.memory.documents] == [1, 2, 3]


async def test_the_desk_confirms_too_and_ends_the_checkout(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    await desk.pay_at_desk(desk.owed)
    assert desk.owed.status == "confirmed"
    await desk.work()
    assert desk.stripe.stage(reference_of(shown)) is Stage.ENDED
    with pytest.raises(PaymentAlreadyMade):
        await desk.start(desk.owed)


async def test_who_may_pay_and_for_what(desk: MemoryDesk) -> None:
    with pytest.raises(AppointmentNotFound):
        await desk.start(desk.owed, actor=a_patient_actor())
    await desk.start(desk.owed, actor=a_receptionist(desk.owed.clinic_id))
    with pytest.raises(Invalid):
        await desk.start(desk.owed, "sandbox")
    for about, refusal in (
        ({"price": None, "confirm_at": None}, PaymentNotRequired),
        ({"price": Money(0, "EUR")}, PaymentNotRequired),
        ({"status": Standing.CANCELLED}, BookingNotActive),
        ({"status": Standing.COMPLETED}, BookingNotActive),
        ({"ends_at": NOON}, BookingNotActive),
    ):
        other = MemoryDesk(an_owed(**about))
        with pytest.raises(refusal):
            await other.start(other.owed)
    assert (await MemoryDesk(an_owed()).work()) == 0


async def test_three_of_twenty_refunds_of_30_fit_into_100() -> None:
    desk = MemoryDesk(an_owed(price=Money(100, "EUR")))
    shown = await paid(desk)
    made = 0
    for _ in range(20):
        try:
            await desk.refund(shown, 30)
            made += 1
        except RefundExceedsPayment:
            pass
    assert made == 3
    assert (await desk.refund(shown)).money.amount == 10
    with pytest.raises(RefundExceedsPayment):
        await desk.refund(shown)
    with pytest.raises(Invalid):
        await desk.refund(shown, 0)
    with pytest.raises(PaymentNotFound):
        wish = replace(shown.attempt.asked, clinic_id=an_owed().appointment_id)
        await desk.refund(replace(shown, attempt=replace(shown.attempt, asked=wish)))
    await desk.work()
    assert desk.status == "refunded"
    keys = desk.stripe.called("refund")
    assert len(keys) == len(set(keys)) == 4


async def test_what_was_paid_at_the_desk_is_given_back_there() -> None:
    desk = MemoryDesk(an_owed())
    shown = await desk.pay_at_desk(desk.owed)
    refund = await desk.refund(shown, 2000)
    assert refund.state is RefundState.SETTLED
    assert desk.status == "partially_paid"
    assert [one.kind for one in desk.memory.lines] == ["desk_payment", "desk_refund"]
    assert await desk.work() == 0


async def test_a_refund_that_fails_is_for_staff_and_not_tried_for_ever(desk: MemoryDesk) -> None:
    desk.stripe.instant_refunds = False
    shown = await paid(desk)
    desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.CLINIC, cancelled_at=NOON)
    await desk.settling(desk.owed.appointment_id)
    await desk.work()
    (refund,) = desk.memory.refunds.values()
    await desk.settling(desk.owed.appointment_id)
    assert (refund.state, desk.status) == (RefundState.PENDING, "paid")
    assert (len(desk.memory.refunds), desk.memory.matters) == (1, [])
    assert not desk.told("payment.refunded")

    desk.stripe.refund_becomes(reference_of(shown), RefundStage.FAILED)
    await desk.work(after=timedelta(hours=1))
    await desk.settling(desk.owed.appointment_id)
    (refund,) = desk.memory.refunds.values()
    assert (refund.state, desk.status) == (RefundState.FAILED, "paid")
    assert [one.kind for one in desk.memory.matters] == [MatterKind.REFUND_FAILED]
    assert len(desk.told("payment.refund_failed")) == 1

    desk.stripe.instant_refunds = True
    await desk.refund(shown)
    await desk.work()
    assert (desk.status, desk.memory.matters) == ("refunded", [])


async def test_a_refund_whose_answer_was_lost_is_looked_for(desk: MemoryDesk) -> None:
    """The provider may have forgotten the key, and refuse what it did already."""
    shown = await paid(desk)
    desk.stripe.goes_wrong("refund", LOST_AFTER, REFUSED)
    await desk.refund(shown, 1000)
    await desk.work()
    await desk.work(after=MINUTE)
    (refund,) = desk.memory.refunds.values()
    assert (refund.state, desk.memory.matters) == (RefundState.SETTLED, [])
    assert len(desk.stripe.called("refund")) == 1


async def test_a_settled_refund_that_comes_back_is_owed_again(desk: MemoryDesk) -> None:
    shown = await paid(desk)
    await desk.refund(shown, 1000)
    await desk.work()
    assert desk.status == "partially_paid"
    desk.stripe.refund_becomes(reference_of(shown), RefundStage.FAILED)
    await desk.look(shown)
    assert desk.status == "paid"
    assert [draft.kind for _, _, draft in desk.memory.documents] == [
        "receipt",
        "correction",
        "correction",
    ]


async def test_a_refund_of_the_providers_pages_is_taken_over(desk: MemoryDesk) -> None:
    shown = await paid(desk)
    desk.stripe.refund_there(reference_of(shown), 1000)
    await desk.look(shown)
    await desk.look(shown)
    assert (desk.owed.status, desk.status) == ("confirmed", "partially_paid")
    assert (await desk.attempt(shown.attempt.id)).claimed == 1000
    assert len(desk.told("payment.refunded")) == 1
    with pytest.raises(RefundExceedsPayment):
        await desk.refund(shown, 4001)


@pytest.mark.parametrize(
    ("side", "hours", "back"),
    [(Side.PATIENT, 3, 2500), (Side.PATIENT, 30, 5000), (Side.CLINIC, 3, 5000)],
)
async def test_a_cancellation_gives_back_what_the_terms_say(
    side: Side, hours: int, back: int
) -> None:
    desk = MemoryDesk(an_owed(terms=HALF))
    await paid(desk)
    at = START - timedelta(hours=hours)
    desk.becomes(status=Standing.CANCELLED, cancelled_by=side, cancelled_at=at)
    for _ in range(3):
        await desk.settling(desk.owed.appointment_id)
        await desk.work()
    assert sum(one.money.amount for one in desk.memory.refunds.values()) == back
    assert desk.status == ("refunded" if back == 5000 else "partially_refunded")


async def test_money_for_what_was_cancelled_goes_back_but_for_the_fee() -> None:
    desk = MemoryDesk(an_owed(terms=HALF))
    shown = await desk.start(desk.owed)
    at = START - timedelta(hours=3)
    desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.PATIENT, cancelled_at=at)
    desk.stripe.pay(reference_of(shown))
    await desk.look(shown)
    await desk.work()
    assert desk.owed.status == "cancelled"
    assert desk.memory.books_of(desk.owed.appointment_id).net == 2500


async def test_a_cancellation_ends_the_checkout(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.PATIENT, cancelled_at=NOON)
    await desk.settling(desk.owed.appointment_id)
    await desk.work()
    assert desk.stripe.stage(reference_of(shown)) is Stage.ENDED
    assert len(desk.told("payment.cancelled")) == 1


@pytest.mark.parametrize(
    ("price", "status", "back"), [(4000, "paid", 1000), (6000, "partially_paid", 0)]
)
async def test_a_move_to_another_price_gives_back_or_asks_for_the_difference(
    price: int, status: str, back: int
) -> None:
    desk = MemoryDesk(an_owed())
    await paid(desk)
    desk.becomes(price=Money(price, "EUR"))
    await desk.settling(desk.owed.appointment_id)
    await desk.work()
    assert (desk.owed.status, desk.status) == ("confirmed", status)
    assert sum(one.money.amount for one in desk.memory.refunds.values()) == back
    if not back:
        more = await desk.start(desk.owed)
        assert more.attempt.asked.amount.amount == 1000


async def test_who_does_not_come_loses_the_fee_and_gets_the_rest() -> None:
    desk = MemoryDesk(an_owed(terms=MoneyTerms(no_show_fee=2000)))
    await paid(desk)
    desk.becomes(status=Standing.NO_SHOW)
    await desk.settling(desk.owed.appointment_id)
    await desk.work()
    assert desk.status == "partially_refunded"
    assert desk.memory.books_of(desk.owed.appointment_id).net == 2000
    desk.becomes(status=Standing.CONFIRMED)
    await desk.settling(desk.owed.appointment_id)
    assert desk.status == "partially_paid"


async def test_what_was_paid_in_cash_is_a_matter_for_people() -> None:
    desk = MemoryDesk(an_owed())
    shown = await desk.pay_at_desk(desk.owed)
    desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.CLINIC, cancelled_at=NOON)
    for _ in range(3):
        await desk.settling(desk.owed.appointment_id)
    (matter,) = desk.memory.matters
    assert (matter.kind, matter.money) == (MatterKind.REFUND_BY_HAND, PRICE)
    await desk.refund(shown)
    assert desk.memory.matters == []


async def test_disputed_money_is_not_refunded_and_owed_again_when_it_is_won(
    desk: MemoryDesk,
) -> None:
    shown = await paid(desk)
    desk.stripe.dispute(reference_of(shown), DisputeStage.OPEN, fee=1500)
    await desk.look(shown)
    with pytest.raises(PaymentIsDisputed):
        await desk.refund(shown)
    desk.becomes(status=Standing.CANCELLED, cancelled_by=Side.CLINIC, cancelled_at=NOON)
    await desk.settling(desk.owed.appointment_id)
    await desk.work()
    assert not desk.stripe.called("refund")
    desk.stripe.dispute(reference_of(shown), DisputeStage.WON)
    await desk.look(shown)
    await desk.work()
    assert desk.status == "refunded"
    assert [one.dispute for one in desk.told("payment.disputed")] == ["open", "won"]
    fees = [one for one in desk.memory.lines if one.kind is LineKind.DISPUTE_FEE]
    assert [one.money.amount for one in fees] == [-1500]


async def test_a_question_of_the_payers_bank_takes_no_money(desk: MemoryDesk) -> None:
    shown = await paid(desk)
    desk.stripe.dispute(reference_of(shown), DisputeStage.INQUIRY)
    await desk.look(shown)
    assert desk.status == "paid"
    assert not desk.told("payment.disputed")
    with pytest.raises(PaymentIsDisputed):
        await desk.refund(shown, 10)


async def test_what_does_not_fit_is_kept_for_people_and_changes_nothing(
    desk: MemoryDesk,
) -> None:
    shown = await desk.start(desk.owed)
    desk.stripe.pay(reference_of(shown))
    good = desk.stripe.sessions[reference_of(shown)]
    bad = replace(good, amount=Money(100, "EUR"))
    for _ in range(3):
        await desk.take(shown.attempt.id, bad)
    assert desk.owed.status == "pending_payment"
    assert [one.kind for one in desk.memory.matters] == [MatterKind.AMOUNT]
    assert [one.kind for one in desk.memory.lines] == [LineKind.UNALLOCATED]
    assert desk.memory.documents == []


def _steps(desk: MemoryDesk, reference: str) -> list[Sighting]:
    """What the provider has behind each of {created, paid, refunded, disputed}."""
    seen = [desk.stripe.sessions[reference]]
    steps: list[Callable[[], None]] = [
        lambda: desk.stripe.pay(reference),
        lambda: desk.stripe.refund_there(reference, 1000),
        lambda: desk.stripe.dispute(reference, DisputeStage.OPEN),
    ]
    for step in steps:
        step()
        seen.append(desk.stripe.sessions[reference])
    return seen


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_looks_in_every_order_come_to_the_same(order: tuple[int, ...]) -> None:
    desk = MemoryDesk()
    shown = await desk.start(desk.owed)
    seen = _steps(desk, reference_of(shown))
    for number in (*order, *order):
        await desk.take(shown.attempt.id, seen[number])
    attempt = await desk.attempt(shown.attempt.id)
    lines = desk.memory.books_of(desk.owed.appointment_id).lines
    assert standing_of(attempt, lines).status is PaymentState.DISPUTED
    assert sorted(one.kind for one in lines) == ["charge", "dispute_withdrawn", "refund"]
    assert desk.owed.status == "confirmed"
    assert desk.memory.books_of(desk.owed.appointment_id).net == 0
