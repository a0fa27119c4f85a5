"""Which messages an appointment calls for: single cases, and a property over random ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking_system.booking.domain.lifecycle import OPEN, AppointmentStatus
from booking_system.booking.domain.money_first import GRACE
from booking_system.notifications.domain.message import ASKING_FOR_MONEY, Channel, Kind
from booking_system.notifications.domain.planning import (
    LAST_CALL,
    LAST_MINUTES,
    LONG_ENOUGH,
    MONEY_MAY_COME,
    TIME_TO_PAY,
    Planned,
    Skipped,
    Standing,
    plan,
)
from booking_system.notifications.domain.preferences import Preferences, QuietHours
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId

BERLIN, NEW_YORK, KOLKATA, APIA = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Apia",
)
NONE = QuietHours(since=0, until=0)
NOON = datetime(2027, 3, 10, 11, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def standing(**about: object) -> Standing:
    usual: dict[str, object] = {
        "appointment_id": AppointmentId(UUID(int=1)),
        "clinic_id": ClinicId(UUID(int=2)),
        "revision": 1,
        "status": AppointmentStatus.CONFIRMED,
        "starts_at": NOON,
        "agreed_at": NOON - timedelta(days=5),
        "zone": BERLIN,
        "offsets": (1440, 120),
        "tells_clinic": False,
    }
    return Standing(**usual | about)  # type: ignore[arg-type]


def reminders(one: Standing) -> dict[int, Planned]:
    return {each.offset_minutes: each for each in plan(one) if each.kind is Kind.REMINDER}


@pytest.mark.parametrize(
    ("status", "revision", "kinds"),
    [
        (AppointmentStatus.CONFIRMED, 1, {Kind.CONFIRMATION, Kind.REMINDER, Kind.STAFF_NOTICE}),
        (AppointmentStatus.CONFIRMED, 2, {Kind.CHANGE, Kind.REMINDER, Kind.STAFF_NOTICE}),
        (AppointmentStatus.CHECKED_IN, 1, {Kind.CONFIRMATION, Kind.STAFF_NOTICE}),
        (AppointmentStatus.CANCELLED, 2, {Kind.CANCELLATION, Kind.STAFF_NOTICE}),
        (AppointmentStatus.COMPLETED, 1, set()),
        (AppointmentStatus.NO_SHOW, 3, set()),
    ],
)
def test_each_state_calls_for_its_messages(
    status: AppointmentStatus, revision: int, kinds: set[Kind]
) -> None:
    one = standing(status=status, revision=revision, tells_clinic=True)
    assert {each.kind for each in plan(one)} == kinds


def test_an_offset_that_is_past_at_booking_is_skipped() -> None:
    found = reminders(standing(agreed_at=NOON - timedelta(hours=5)))
    assert found[1440].skipped is Skipped.DUE_BEFORE_BOOKING
    assert found[120].skipped is None


def test_offsets_are_time_gone_by_where_clocks_are_set_forward() -> None:
    starts_at = at("2027-03-28T08:30+02:00")
    one = standing(starts_at=starts_at, agreed_at=at("2027-03-20T12:00+01:00"))
    quiet_is_off = Preferences(quiet=NONE)
    found = reminders(
        standing(starts_at=starts_at, agreed_at=one.agreed_at, preferences=quiet_is_off)
    )
    assert found[1440].due_at == at("2027-03-27T07:30+01:00")
    # In quiet hours that one goes when they end, and the later one the evening before.
    found = reminders(one)
    assert found[1440].due_at == at("2027-03-27T08:00+01:00")
    assert found[120].due_at == at("2027-03-27T20:55+01:00")


@pytest.mark.parametrize(
    ("zone", "due", "goes"),
    [
        (BERLIN, "2027-03-28T03:15+02:00", "2027-03-28T08:00+02:00"),
        (BERLIN, "2027-03-28T01:30+01:00", "2027-03-28T08:00+02:00"),
        (BERLIN, "2027-10-31T02:30+02:00", "2027-10-31T08:00+01:00"),
        (BERLIN, "2027-10-31T02:30+01:00", "2027-10-31T08:00+01:00"),
        (BERLIN, "2027-10-31T20:59+01:00", "2027-10-31T20:59+01:00"),
        (BERLIN, "2027-10-31T21:00+01:00", "2027-11-01T08:00+01:00"),
        (KOLKATA, "2027-06-01T03:15+05:30", "2027-06-01T08:00+05:30"),
        (NEW_YORK, "2027-06-01T08:00-04:00", "2027-06-01T08:00-04:00"),
        # Of the recipient, wherever the clinic is.
        (NEW_YORK, "2027-06-01T09:00+02:00", "2027-06-01T08:00-04:00"),
    ],
)
def test_nobody_is_reminded_in_quiet_hours(zone: str, due: str, goes: str) -> None:
    one = standing(
        starts_at=at(due) + timedelta(hours=24),
        agreed_at=at(due) - timedelta(days=3),
        zone=zone,
        offsets=(1440,),
    )
    assert reminders(one)[1440].due_at == at(goes)


def test_quiet_hours_may_lie_within_a_day() -> None:
    quiet = QuietHours(since=13 * 60, until=15 * 60)
    assert quiet.has(at("2027-06-01T13:00+02:00"), BERLIN)
    assert not quiet.has(at("2027-06-01T15:00+02:00"), BERLIN)
    assert not quiet.has(at("2027-06-01T03:00+02:00"), BERLIN)


def test_a_day_that_a_zone_skips_has_no_quiet_hours_of_its_own() -> None:
    evening = at("2011-12-29T22:00-10:00")
    assert QuietHours().end_after(evening, APIA) > evening


def test_where_nearly_all_hours_are_quiet_the_rest_is_found_or_nothing_goes() -> None:
    quiet = Preferences(quiet=QuietHours(since=0, until=1439))
    for each in reminders(standing(preferences=quiet, offsets=range(60, 1440, 60))).values():
        assert each.skipped or not quiet.quiet.has(each.due_at, BERLIN)


def test_what_changes_soon_is_told_through_both_channels() -> None:
    far = standing(revision=2)
    soon = standing(revision=2, agreed_at=NOON - timedelta(hours=3))
    assert [one.channel for one in plan(far) if one.kind is Kind.CHANGE] == [Channel.EMAIL]
    told = [one.channel for one in plan(soon) if one.kind is Kind.CHANGE]
    assert told == [Channel.EMAIL, Channel.SMS]


def asking(minutes: int, **about: object) -> dict[Kind, Planned]:
    """What is planned for an appointment with so many minutes to pay."""
    booked = about.pop("agreed_at", NOON - timedelta(days=5))
    assert isinstance(booked, datetime)
    one = standing(
        status=AppointmentStatus.PENDING_PAYMENT,
        agreed_at=booked,
        pay_by=booked + timedelta(minutes=minutes) + GRACE,
        **about,
    )
    return {each.kind: each for each in plan(one)}


@pytest.mark.parametrize(("minutes", "after"), [(5, 1), (10, 2), (30, 3), (1440, 3)])
def test_somebody_who_has_just_booked_is_let_pay_first(minutes: int, after: int) -> None:
    request = asking(minutes)[Kind.PAYMENT_REQUEST]
    booked = NOON - timedelta(days=5)
    assert request.due_at == booked + timedelta(minutes=after)
    assert request.not_after == booked + timedelta(minutes=minutes)
    assert request.channel is Channel.EMAIL


@pytest.mark.parametrize(
    ("minutes", "before", "skipped"),
    [
        (30, 15, Skipped.WINDOW_TOO_SHORT),
        (59, 15, Skipped.WINDOW_TOO_SHORT),
        (60, 15, None),
        (120, 30, None),
        (1440, 180, None),
    ],
)
def test_a_long_time_to_pay_has_a_reminder_before_its_end(
    minutes: int, before: int, skipped: Skipped | None
) -> None:
    reminder = asking(minutes, preferences=Preferences(quiet=NONE))[Kind.PAYMENT_REMINDER]
    assert reminder.not_after - reminder.due_at == timedelta(minutes=before)
    assert reminder.skipped is skipped


def test_nobody_is_woken_up_to_pay() -> None:
    evening = at("2027-03-08T20:30+01:00")
    # Until 8:30 in the morning: at the end of the quiet hours; until 6:00 never.
    assert asking(720, agreed_at=evening)[Kind.PAYMENT_REMINDER].due_at == at(
        "2027-03-09T08:00+01:00"
    )
    late = asking(480, agreed_at=at("2027-03-08T22:00+01:00"))[Kind.PAYMENT_REMINDER]
    assert late.skipped is Skipped.QUIET_HOURS


def test_a_patient_without_reminders_has_none_of_paying() -> None:
    kinds = asking(120, preferences=Preferences(reminders=False)).keys()
    assert kinds == {Kind.PAYMENT_REQUEST}


def test_what_was_not_paid_in_time_is_told_a_while_later() -> None:
    over = NOON - timedelta(days=4)
    expired = {"status": AppointmentStatus.EXPIRED, "expired_at": over}
    (far,) = plan(standing(**expired))
    assert (far.kind, far.due_at, far.channel) == (
        Kind.PAYMENT_EXPIRED,
        over + MONEY_MAY_COME,
        Channel.EMAIL,
    )
    soon = plan(standing(**expired | {"expired_at": NOON - timedelta(hours=2)}))
    assert [one.channel for one in soon] == [Channel.EMAIL, Channel.SMS]
    assert plan(standing(**expired | {"expired_at": NOON + timedelta(hours=3)})) == []


def test_what_is_past_is_not_confirmed() -> None:
    assert plan(standing(agreed_at=NOON + timedelta(minutes=1))) == []


MINUTES = st.integers(0, 1439)
QUIET = st.builds(QuietHours, since=MINUTES, until=MINUTES)
PREFERENCES = st.builds(
    Preferences, email=st.booleans(), sms=st.booleans(), reminders=st.booleans(), quiet=QUIET
)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(  # noqa: DTZ001
    lambda one: one.replace(tzinfo=UTC)
)
OFFSETS = st.lists(st.integers(1, 20_000), max_size=5)


@example(
    starts_at=datetime(2026, 1, 1, tzinfo=UTC),
    ahead=0,
    zone=BERLIN,
    offsets=[],
    status=AppointmentStatus.PENDING_PAYMENT,
    revision=1,
    preferences=Preferences(email=False),
    to_pay=1,
)
@given(
    starts_at=INSTANTS,
    ahead=st.integers(-2_000, 40_000),
    zone=st.sampled_from([BERLIN, NEW_YORK, KOLKATA, "Australia/Lord_Howe"]),
    offsets=OFFSETS,
    status=st.sampled_from(list(AppointmentStatus)),
    revision=st.integers(1, 3),
    preferences=PREFERENCES,
    to_pay=st.none() | st.integers(0, 1_500),
)
def test_no_plan_breaks_a_promise(
    starts_at: datetime,
    ahead: int,
    zone: str,
    offsets: list[int],
    status: AppointmentStatus,
    revision: int,
    preferences: Preferences,
    to_pay: int | None,
) -> None:
    agreed_at = starts_at - timedelta(minutes=ahead)
    one = standing(
        starts_at=starts_at,
        agreed_at=agreed_at,
        zone=zone,
        offsets=offsets,
        status=status,
        revision=revision,
        preferences=preferences,
        tells_clinic=True,
        pay_by=None if to_pay is None else agreed_at + timedelta(minutes=to_pay) + GRACE,
        expired_at=None if to_pay is None else agreed_at + timedelta(minutes=to_pay),
    )
    planned = plan(one)
    of_money_hold(one, planned, to_pay)
    keys = [(each.kind, each.offset_minutes, each.channel, each.recipient) for each in planned]
    assert len(keys) == len(set(keys))
    for each in planned:
        assert each.due_at <= each.not_after
        if each.kind is not Kind.STAFF_NOTICE:
            assert preferences.allow(each.channel)
    going = sorted(
        (each for each in planned if each.kind is Kind.REMINDER and each.skipped is None),
        key=lambda each: each.due_at,
    )
    assert not going or (preferences.reminders and status in OPEN)
    for each in going:
        assert agreed_at < each.due_at < each.not_after <= starts_at - LAST_CALL
        assert not preferences.quiet.has(each.due_at, zone)
    # When one becomes due, those before it are too late: nobody gets two at once.
    for earlier, later in pairwise(going):
        assert earlier.not_after <= later.due_at


def of_money_hold(one: Standing, planned: Sequence[Planned], to_pay: int | None) -> None:
    """What asks for money goes within the time to pay, and tells of its end behind that."""
    waits = one.status is AppointmentStatus.PENDING_PAYMENT and bool(to_pay)
    asked = [each for each in planned if each.kind in ASKING_FOR_MONEY]
    over_at = one.agreed_at + timedelta(minutes=to_pay or 0)
    assert not asked or waits
    assert not waits or asked or not (one.preferences.email or one.preferences.sms)
    for each in asked:
        assert one.agreed_at < each.due_at < each.not_after == over_at
        if each.kind is Kind.PAYMENT_REQUEST:
            assert each.due_at - one.agreed_at <= TIME_TO_PAY
        elif each.skipped is None:
            assert over_at - one.agreed_at >= LONG_ENOUGH
            assert one.preferences.reminders
            assert each.due_at <= over_at - LAST_MINUTES
            assert not one.preferences.quiet.has(each.due_at, one.zone)
    for each in planned:
        if each.kind is Kind.PAYMENT_EXPIRED:
            assert one.status is AppointmentStatus.EXPIRED
            assert each.due_at == over_at + MONEY_MAY_COME
    assert len([each for each in asked if each.kind is Kind.PAYMENT_REQUEST]) <= 1


@given(instant=INSTANTS, quiet=QUIET, zone=st.sampled_from([BERLIN, NEW_YORK, KOLKATA]))
def test_quiet_hours_end_at_their_end(instant: datetime, quiet: QuietHours, zone: str) -> None:
    end, start = quiet.end_after(instant, zone), quiet.start_before(instant, zone)
    assert start <= instant <= end
    if not quiet.has(instant, zone):
        assert start == end == instant
        return
    assert not quiet.has(end, zone)
    assert quiet.has(end - timedelta(seconds=1), zone)
    assert end - start <= timedelta(hours=25)
