"""One gate for all kinds and channels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.notifications.domain.gate import (
    ACCOUNTS,
    EXPECTS,
    LOOKED_AGAIN,
    Due,
    Send,
    Skip,
    Verdict,
    Wait,
    Withdraw,
    stays_true,
    verdict_on,
)
from booking_system.notifications.domain.message import Channel, Kind, State
from booking_system.notifications.domain.money import MoneyDue
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.preferences import Preferences
from booking_system.payments.domain.refunds import RefundState
from booking_system.payments.domain.standing import Dispute

NOW = datetime(2027, 3, 10, 11, tzinfo=UTC)
LATER = NOW + timedelta(hours=20)
OF_A_REVISION = [
    *(Kind.CONFIRMATION, Kind.CHANGE, Kind.CANCELLATION, Kind.REMINDER),
    *(Kind.PAYMENT_REQUEST, Kind.PAYMENT_REMINDER, Kind.PAYMENT_EXPIRED),
]
OF_ONE_PAYMENT = [Kind.PAYMENT_LATE, Kind.PAYMENT_RECEIPT, Kind.REFUND, Kind.REFUND_FAILED]
OF_PATIENTS = [*OF_A_REVISION, *OF_ONE_PAYMENT]
NOTICES_OF_MONEY = [Kind.DISPUTE_NOTICE, Kind.MATTER_NOTICE]
STATUS = {
    Kind.CANCELLATION: AppointmentStatus.CANCELLED,
    Kind.PAYMENT_REQUEST: AppointmentStatus.PENDING_PAYMENT,
    Kind.PAYMENT_REMINDER: AppointmentStatus.PENDING_PAYMENT,
    Kind.PAYMENT_EXPIRED: AppointmentStatus.EXPIRED,
    Kind.PAYMENT_LATE: AppointmentStatus.EXPIRED,
}
AS_TOLD = {
    Kind.PAYMENT_REQUEST: MoneyDue(),
    Kind.PAYMENT_REMINDER: MoneyDue(),
    Kind.PAYMENT_EXPIRED: MoneyDue(),
    Kind.PAYMENT_LATE: MoneyDue(has_come=True),
    Kind.PAYMENT_RECEIPT: MoneyDue(has_come=True),
    Kind.REFUND: MoneyDue(refund=RefundState.SETTLED),
    Kind.REFUND_FAILED: MoneyDue(refund=RefundState.FAILED),
    Kind.DISPUTE_NOTICE: MoneyDue(dispute=Dispute.OPEN, told_dispute=Dispute.OPEN),
    Kind.MATTER_NOTICE: MoneyDue(is_open=True),
}
"""How the money stands when a message about it is true."""


def judged(kind: Kind, channel: Channel = Channel.EMAIL, **about: Any) -> Verdict:
    now, channels = about.pop("now", NOW), about.pop("channels", frozenset(Channel))
    return verdict_on(due_of(kind, channel, **about), now=now, channels=channels)


def due_of(kind: Kind, channel: Channel = Channel.EMAIL, **about: Any) -> Due:
    usual: dict[str, Any] = {
        "kind": kind,
        "channel": channel,
        "planned_revision": 1,
        "not_after": LATER,
        "revision": 1,
        "status": STATUS.get(kind, AppointmentStatus.CONFIRMED),
        "address": "somewhere",
        "blocked": None,
        "is_gone": False,
        "zone": "Europe/Berlin",
        "preferences": Preferences(),
        "money": AS_TOLD.get(kind),
    }
    return Due(**usual | about)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("kind", OF_PATIENTS)
def test_what_stands_against_it_stops_every_kind_on_every_channel(
    kind: Kind, channel: Channel
) -> None:
    assert judged(kind, channel) == Send()
    unwanted = Preferences(email=False, sms=False)
    against: dict[Skipped, dict[str, Any]] = {
        Skipped.NO_ADDRESS: {"address": None},
        Skipped.NOT_WANTED: {"preferences": unwanted},
        Skipped.NO_CHANNEL: {"channels": frozenset(Channel) - {channel}},
    }
    for reason in (Skipped.OPTED_OUT, Skipped.BOUNCED, Skipped.COMPLAINED, Skipped.UNUSABLE):
        against[reason] = {"blocked": reason}
    for reason, about in against.items():
        assert judged(kind, channel, **about) == Skip(reason, falls_back=True)
    assert judged(kind, channel, is_gone=True) == Skip(Skipped.RECIPIENT_GONE, falls_back=False)
    assert judged(kind, channel, now=LATER) == Skip(Skipped.TOO_LATE, falls_back=False)


@pytest.mark.parametrize("kind", [*OF_A_REVISION, Kind.STAFF_NOTICE])
def test_a_message_of_another_revision_is_withdrawn(kind: Kind) -> None:
    assert judged(kind, revision=2) == Withdraw()
    # Whatever else stands about it: it is not true any more.
    assert judged(kind, revision=2, now=LATER, address=None) == Withdraw()


@pytest.mark.parametrize("status", AppointmentStatus)
@pytest.mark.parametrize("kind", OF_PATIENTS)
def test_a_message_goes_in_the_states_that_it_is_true_in(
    kind: Kind, status: AppointmentStatus
) -> None:
    expected = Send() if status in EXPECTS[kind] else Withdraw()
    assert judged(kind, status=status) == expected
    over = {AppointmentStatus.NO_SHOW, AppointmentStatus.COMPLETED}
    is_of_revision = kind in OF_A_REVISION
    assert status not in over or not is_of_revision or expected == Withdraw()


@pytest.mark.parametrize("kind", [Kind.CONFIRMATION, Kind.REMINDER, Kind.CANCELLATION])
def test_what_was_judged_goes_as_long_as_it_is_true(kind: Kind) -> None:
    due = due_of(kind)
    for status in AppointmentStatus:
        assert stays_true(due, revision=1, status=status) == (status in EXPECTS[kind])
        assert not stays_true(due, revision=2, status=status)
    for always in (Kind.REFUND, Kind.HELP_ANSWER):
        assert stays_true(due_of(always), revision=2, status=AppointmentStatus.CANCELLED)


def test_a_late_reminder_waits_for_the_morning() -> None:
    night = datetime(2027, 3, 10, 2, tzinfo=UTC)
    morning = datetime(2027, 3, 10, 7, tzinfo=UTC)
    assert judged(Kind.REMINDER, now=night) == Wait(morning)
    assert judged(Kind.REMINDER, now=night, not_after=morning) == Skip(
        Skipped.QUIET_HOURS, falls_back=False
    )
    assert judged(Kind.CANCELLATION, now=night) == Send()


def test_reminders_can_be_refused_by_themselves() -> None:
    without = Preferences(reminders=False)
    for kind in OF_PATIENTS:
        is_reminder = kind in {Kind.REMINDER, Kind.PAYMENT_REMINDER}
        expected = Skip(Skipped.NOT_WANTED, falls_back=True) if is_reminder else Send()
        assert judged(kind, preferences=without) == expected


@pytest.mark.parametrize("kind", [*OF_ONE_PAYMENT, *NOTICES_OF_MONEY])
def test_what_is_of_one_payment_is_of_no_revision(kind: Kind) -> None:
    assert judged(kind, planned_revision=0, revision=3) == Send()


@pytest.mark.parametrize("kind", AS_TOLD)
@pytest.mark.parametrize(
    "money",
    [
        MoneyDue(),
        *AS_TOLD.values(),
        *(MoneyDue(refund=state) for state in RefundState),
        *(MoneyDue(dispute=one, told_dispute=Dispute.OPEN) for one in Dispute),
        MoneyDue(is_told_late=True),
    ],
    ids=repr,
)
def test_a_message_about_money_goes_where_it_says_what_is_so(kind: Kind, money: MoneyDue) -> None:
    says = {
        Kind.PAYMENT_REQUEST: True,
        Kind.PAYMENT_REMINDER: True,
        Kind.PAYMENT_EXPIRED: not money.is_told_late,
        Kind.PAYMENT_LATE: money.has_come,
        Kind.PAYMENT_RECEIPT: money.has_come,
        Kind.REFUND: money.refund == "settled",
        Kind.REFUND_FAILED: money.refund == "failed",
        Kind.DISPUTE_NOTICE: (money.dispute, money.told_dispute) == ("open", "open"),
        Kind.MATTER_NOTICE: money.is_open,
    }
    assert judged(kind, money=money) == (Send() if says[kind] else Withdraw())


def test_nobody_is_asked_for_money_that_is_on_its_way() -> None:
    for kind, money in AS_TOLD.items():
        verdict = judged(kind, money=replace(money, is_on_its_way=True))
        asks = kind in {Kind.PAYMENT_REQUEST, Kind.PAYMENT_REMINDER}
        assert verdict == (Wait(NOW + LOOKED_AGAIN) if asks else Send())


@pytest.mark.parametrize("state", [None, *State])
def test_what_a_confirmation_tells_is_told_once(state: State | None) -> None:
    verdict = judged(Kind.PAYMENT_RECEIPT, money=MoneyDue(has_come=True, confirmation=state))
    if state in {State.SENT, State.DELIVERED}:
        assert verdict == Skip(Skipped.TOLD_WITH_CONFIRMATION, falls_back=False)
    elif state in {None, State.FAILED, State.WITHDRAWN, State.SKIPPED}:
        assert verdict == Send()
    else:
        assert verdict == Wait(NOW + LOOKED_AGAIN)


def test_a_late_reminder_to_pay_wakes_nobody_up() -> None:
    night = datetime(2027, 3, 10, 2, tzinfo=UTC)
    morning = datetime(2027, 3, 10, 7, tzinfo=UTC)
    assert judged(Kind.PAYMENT_REMINDER, now=night) == Wait(morning)
    assert judged(Kind.PAYMENT_REQUEST, now=night) == Send()


def test_what_a_patient_wants_is_nothing_to_the_clinic_and_to_accounts() -> None:
    nothing = Preferences(email=False, sms=False, reminders=False)
    for kind in (Kind.STAFF_NOTICE, *NOTICES_OF_MONEY, *ACCOUNTS):
        assert judged(kind, preferences=nothing, revision=1) == Send()
    assert judged(Kind.STAFF_NOTICE, address=None) == Skip(Skipped.NO_ADDRESS, falls_back=False)


def test_an_account_has_no_appointment() -> None:
    for kind in ACCOUNTS:
        assert judged(kind, revision=None, status=None) == Send()
        assert judged(kind, revision=None, status=None, is_over=True) == Withdraw()


def test_a_mail_of_an_account_goes_no_other_way() -> None:
    for kind in ACCOUNTS:
        for reason, about in {
            Skipped.NO_ADDRESS: {"address": None},
            Skipped.COMPLAINED: {"blocked": Skipped.COMPLAINED},
        }.items():
            assert judged(kind, **about) == Skip(reason, falls_back=False)
