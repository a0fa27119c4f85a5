"""Which messages an appointment calls for: single cases, and a property over random ones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_system.booking.domain.lifecycle import OPEN, AppointmentStatus
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.planning import (
    LAST_CALL,
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


@given(
    starts_at=INSTANTS,
    ahead=st.integers(-2_000, 40_000),
    zone=st.sampled_from([BERLIN, NEW_YORK, KOLKATA, "Australia/Lord_Howe"]),
    offsets=OFFSETS,
    status=st.sampled_from(list(AppointmentStatus)),
    revision=st.integers(1, 3),
    preferences=PREFERENCES,
)
def test_no_plan_breaks_a_promise(
    starts_at: datetime,
    ahead: int,
    zone: str,
    offsets: list[int],
    status: AppointmentStatus,
    revision: int,
    preferences: Preferences,
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
    )
    planned = plan(one)
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
