"""Weekly hours against the clocks of the world: every zone, and both change days of each year."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_system.platform.http.fields import time_zones
from booking_system.scheduling.domain.availability import Hours
from booking_system.scheduling.domain.local_time import first_instant_at
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HALF_HOUR = 30 * MINUTE
FIRST, LAST = date(2026, 1, 1), date(2028, 12, 31)


def hours(**about: Any) -> Hours:
    usual: dict[str, Any] = {
        "weekdays": frozenset(range(1, 8)),
        "start_minute": 0,
        "end_minute": 360,
        "slot": HALF_HOUR,
        "gap": timedelta(0),
        "valid_from": FIRST,
        "valid_until": None,
        "mode": Mode.IN_PERSON,
    }
    return Hours(**usual | about)


SPRING_IN_BERLIN = "23:00 23:30 00:00 00:30 01:00 01:30 02:00 02:30 03:00 03:30"
AUTUMN_IN_BERLIN = (
    "22:00 22:30 23:00 23:30 00:00 00:30 01:00 01:30 02:00 02:30 03:00 03:30 04:00 04:30"
)
SPRING_IN_NEW_YORK = "05:00 05:30 06:00 06:30 07:00 07:30 08:00 08:30 09:00 09:30"
AUTUMN_IN_NEW_YORK = (
    "04:00 04:30 05:00 05:30 06:00 06:30 07:00 07:30 08:00 08:30 09:00 09:30 10:00 10:30"
)
# By hand: the starts in UTC of slots of half an hour from 00:00 to 06:00.
CHANGE_DAYS = [
    ("Europe/Berlin", "2026-03-29", SPRING_IN_BERLIN),
    ("Europe/Berlin", "2026-10-25", AUTUMN_IN_BERLIN),
    ("Europe/Berlin", "2027-03-28", SPRING_IN_BERLIN),
    ("Europe/Berlin", "2027-10-31", AUTUMN_IN_BERLIN),
    ("Europe/Berlin", "2028-03-26", SPRING_IN_BERLIN),
    ("Europe/Berlin", "2028-10-29", AUTUMN_IN_BERLIN),
    ("America/New_York", "2026-03-08", SPRING_IN_NEW_YORK),
    ("America/New_York", "2026-11-01", AUTUMN_IN_NEW_YORK),
    ("America/New_York", "2027-03-14", SPRING_IN_NEW_YORK),
    ("America/New_York", "2027-11-07", AUTUMN_IN_NEW_YORK),
    ("America/New_York", "2028-03-12", SPRING_IN_NEW_YORK),
    ("America/New_York", "2028-11-05", AUTUMN_IN_NEW_YORK),
]


@pytest.mark.parametrize(("zone", "day", "table"), CHANGE_DAYS)
def test_change_days_make_the_slots_of_a_table_written_by_hand(
    zone: str, day: str, table: str
) -> None:
    starts = [slot.starts_at for slot in hours().slots_of(date.fromisoformat(day), zone)]

    before = (date.fromisoformat(day) - DAY).isoformat()
    wanted = [
        datetime.fromisoformat(f"{before if clock >= '22:00' else day}T{clock}:00+00:00")
        for clock in table.split()
    ]
    assert starts == wanted


def _days() -> Iterator[date]:
    day = FIRST
    while day <= LAST:
        yield day
        day += DAY


def other_names() -> set[str]:
    """Zones that are another one by another name."""
    links = files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text().splitlines()
    return {link.split()[2] for link in links if link.startswith("L ")}


@pytest.mark.parametrize(
    "zone",
    [
        *sorted(time_zones() - other_names()),
        *(pytest.param(name, marks=pytest.mark.proof) for name in sorted(other_names())),
    ],
)
def test_whole_days_leave_no_hole_and_never_overlap_in_any_zone(zone: str) -> None:
    """The days on which an offset changes, with their neighbours, are tiled to the minute."""
    around = hours(end_minute=1440, slot=15 * MINUTE)
    midnights = {day: first_instant_at(day, 0, zone) for day in _days()}
    for day, midnight in midnights.items():
        following = midnights.get(day + DAY)
        if following is None or following - midnight == DAY:
            continue
        slots = [
            slot for near in (day - DAY, day, day + DAY) for slot in around.slots_of(near, zone)
        ]
        assert slots[0].starts_at == midnights.get(day - DAY, slots[0].starts_at)
        for one, other in pairwise(slots):
            assert one.ends_at == other.starts_at
        assert {
            slot.starts_at.astimezone(ZoneInfo(zone)).date() for slot in around.slots_of(day, zone)
        } == {day}
        assert sum(midnight <= s.starts_at < following for s in slots) == (
            (following - midnight) // (15 * MINUTE)
        )


def keep_their_gap_and_their_hours(
    zone: str, first: date, bounds: list[int], slot: int, gap: int
) -> None:
    rule = hours(
        start_minute=min(bounds), end_minute=max(bounds), slot=slot * MINUTE, gap=gap * MINUTE
    )
    last: Period | None = None
    for day in (first, first + DAY, first + 2 * DAY):
        made = list(rule.slots_of(day, zone))
        for one, other in pairwise(made):
            assert other.starts_at - one.ends_at == rule.gap
        for one in made:
            shown = one.starts_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            assert shown.date() == day
            if first_instant_at(day + DAY, 0, zone) - first_instant_at(day, 0, zone) == DAY:
                starts = 60 * shown.hour + shown.minute
                assert rule.start_minute <= starts <= rule.end_minute - slot
            assert one.length == rule.slot
            assert last is None or one.starts_at >= last.ends_at
            last = one


ANY_HOURS = given(
    zone=st.sampled_from(sorted(time_zones())),
    first=st.dates(FIRST, LAST - 3 * DAY),
    bounds=st.lists(st.integers(0, 1440), min_size=2, max_size=2, unique=True),
    slot=st.integers(1, 120),
    gap=st.integers(0, 60),
)
test_slots_of_any_hours_keep_their_gap_and_their_hours = settings(max_examples=100)(
    ANY_HOURS(keep_their_gap_and_their_hours)
)
test_slots_of_any_hours_keep_their_gap_and_their_hours_long = pytest.mark.proof(
    settings(max_examples=1000)(ANY_HOURS(keep_their_gap_and_their_hours))
)


def test_both_passes_of_a_repeated_hour_are_there_and_a_skipped_hour_is_not() -> None:
    two_to_three = hours(start_minute=120, end_minute=180)
    assert list(two_to_three.slots_of(date(2027, 3, 28), "Europe/Berlin")) == []
    assert len(list(two_to_three.slots_of(date(2027, 10, 31), "Europe/Berlin"))) == 4
    assert len(list(two_to_three.slots_of(date(2027, 10, 30), "Europe/Berlin"))) == 2
    # An end that is shown twice is the second one: 02:00, 02:30 and 02:00 again.
    until_half_past = hours(start_minute=120, end_minute=150)
    assert len(list(until_half_past.slots_of(date(2027, 10, 31), "Europe/Berlin"))) == 3


def test_a_midnight_that_is_shown_twice_ends_the_day_the_first_time() -> None:
    evening = hours(start_minute=1380, end_minute=1440)
    # On 2026-11-01 at 05:00Z the clock of Havana goes from 01:00 back to 00:00.
    (first, second) = evening.slots_of(date(2026, 10, 31), "America/Havana")
    assert (first.starts_at, second.ends_at) == (
        datetime(2026, 11, 1, 3, tzinfo=UTC),
        datetime(2026, 11, 1, 4, tzinfo=UTC),
    )


OVERLAPS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({}, {"start_minute": 360, "end_minute": 400}, False),
    ({}, {"start_minute": 359, "end_minute": 400}, True),
    ({"weekdays": frozenset({1})}, {"weekdays": frozenset({2})}, False),
    ({"valid_until": date(2026, 1, 31)}, {"valid_from": date(2026, 2, 1)}, False),
    ({"valid_until": date(2026, 2, 1)}, {"valid_from": date(2026, 2, 1)}, True),
    # 2026-02-02 is a Monday: they share two days, none of them a Friday.
    (
        {"valid_until": date(2026, 2, 3), "weekdays": frozenset({1, 5})},
        {"valid_from": date(2026, 2, 2), "weekdays": frozenset({5})},
        False,
    ),
]


@pytest.mark.parametrize(("one", "other", "expected"), OVERLAPS)
def test_rules_overlap_where_they_share_an_hour_of_a_day(
    one: dict[str, Any], other: dict[str, Any], expected: bool
) -> None:
    assert hours(**one).overlaps(hours(**other)) is expected
    assert hours(**other).overlaps(hours(**one)) is expected
