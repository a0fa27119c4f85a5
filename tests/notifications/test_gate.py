"""One gate for all kinds and channels."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.notifications.domain.gate import (
    ACCOUNTS,
    EXPECTS,
    Due,
    Send,
    Skip,
    Verdict,
    Wait,
    Withdraw,
    verdict_on,
)
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.preferences import Preferences

NOW = datetime(2027, 3, 10, 11, tzinfo=UTC)
LATER = NOW + timedelta(hours=20)
OF_PATIENTS = [Kind.CONFIRMATION, Kind.CHANGE, Kind.CANCELLATION, Kind.REMINDER]


def judged(kind: Kind, channel: Channel = Channel.EMAIL, **about: Any) -> Verdict:
    now, channels = about.pop("now", NOW), about.pop("channels", frozenset(Channel))
    status = AppointmentStatus.CONFIRMED
    usual: dict[str, Any] = {
        "kind": kind,
        "channel": channel,
        "planned_revision": 1,
        "not_after": LATER,
        "revision": 1,
        "status": AppointmentStatus.CANCELLED if kind is Kind.CANCELLATION else status,
        "address": "somewhere",
        "blocked": None,
        "is_gone": False,
        "zone": "Europe/Berlin",
        "preferences": Preferences(),
    }
    return verdict_on(Due(**usual | about), now=now, channels=channels)


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


@pytest.mark.parametrize("kind", [*OF_PATIENTS, Kind.STAFF_NOTICE])
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
    assert status not in over or expected == Withdraw()


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
    assert judged(Kind.REMINDER, preferences=without) == Skip(Skipped.NOT_WANTED, falls_back=True)
    assert judged(Kind.CHANGE, preferences=without) == Send()


def test_what_a_patient_wants_is_nothing_to_the_clinic_and_to_accounts() -> None:
    nothing = Preferences(email=False, sms=False, reminders=False)
    for kind in (Kind.STAFF_NOTICE, *ACCOUNTS):
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
