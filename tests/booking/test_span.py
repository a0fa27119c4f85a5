"""Which slots a booking takes: those in a row, for as long as the service needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_system.booking.domain.span import Need, Span
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period
from tests.booking.builders import a_need, a_slot
from tests.booking.spans_by_hand import NearbySlot, span_from

BERLIN = "Europe/Berlin"
NINE = datetime(2030, 6, 3, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_row(*times: tuple[int, int], start: datetime = NINE, **about: Any) -> list[TimeSlot]:
    """Slots from and until so many minutes after the start."""
    return [
        a_slot(period=Period(start + since * MINUTE, start + until * MINUTE), **about)
        for since, until in times
    ]


def span(slots: list[TimeSlot], need: Need | None, *, at: int = 0, gap: int = 0) -> Span:
    nearby = [NearbySlot(slot=slot, gap=gap * MINUTE) for slot in reversed(slots)]
    return span_from(slots[at], nearby, need, time_zone=BERLIN)


@pytest.mark.parametrize(
    ("minutes", "taken"), [(1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (300, 4)]
)
def test_as_many_slots_are_taken_as_are_needed(minutes: int, taken: int) -> None:
    slots = a_row((0, 30), (30, 60), (60, 90), (90, 120))

    assert span(slots, a_need(minutes)).slots == tuple(slots[:taken])


def test_without_a_service_the_slot_is_all() -> None:
    slots = a_row((0, 30), (30, 60))

    assert span(slots, None) == Span(slots=(slots[0],))


def test_a_gap_is_no_larger_than_that_of_the_rule() -> None:
    slots = a_row((0, 30), (40, 70), (81, 111))

    assert len(span(slots, a_need(90), gap=9).slots) == 1
    assert len(span(slots, a_need(90), gap=10).slots) == 2
    assert len(span(slots, a_need(90), gap=11).slots) == 3
    assert span(slots, a_need(70), gap=10).period.length == 70 * MINUTE


def test_what_follows_is_of_the_same_mode_and_day_and_ends_within_a_day() -> None:
    first, online = *a_row((0, 30)), *a_row((30, 60), mode=Mode.ONLINE)
    assert span([first, online], a_need(60)).slots == (first,)

    midnight = datetime(2030, 6, 3, 21, 30, tzinfo=UTC)
    assert len(span(a_row((0, 30), (30, 60), start=midnight), a_need(60)).slots) == 1
    assert len(span(a_row((-30, 0), (0, 30), start=midnight), a_need(60)).slots) == 2

    # The day on which the clock goes back has 25 hours.
    long = datetime(2030, 10, 26, 22, tzinfo=UTC)
    hours = a_row(*((60 * hour, 60 * hour + 60) for hour in range(25)), start=long)
    assert len(span(hours, a_need(25 * 60)).slots) == 24


def test_time_is_kept_free_before_the_first_and_behind_the_last() -> None:
    slots = a_row((-60, -30), (-30, 0), (0, 30), (30, 60), (60, 90), (90, 120), (120, 150))

    found = span(slots, a_need(60, before=31, after=30), at=2)

    assert found.slots == tuple(slots[2:4])
    assert found.around == (slots[0], slots[1], slots[4])
    assert found.blocked == Period(NINE - 31 * MINUTE, NINE + 90 * MINUTE)


LENGTHS = st.lists(st.tuples(st.integers(0, 20), st.integers(5, 90)), min_size=1, max_size=12)


@given(
    lengths=LENGTHS,
    minutes=st.integers(1, 300),
    before=st.integers(0, 60),
    after=st.integers(0, 60),
    gap=st.integers(0, 20),
    at=st.integers(0, 11),
)
def test_a_span_is_the_shortest_row_that_is_long_enough(
    lengths: list[tuple[int, int]], minutes: int, before: int, after: int, gap: int, at: int
) -> None:
    times, end = [], 0
    for pause, length in lengths:
        times.append((end + pause, end + pause + length))
        end += pause + length
    slots, at = a_row(*times, start=NINE - timedelta(hours=8)), at % len(lengths)
    found = span(slots, a_need(minutes, before=before, after=after), at=at, gap=gap)

    taken = len(found.slots)
    assert found.slots == tuple(slots[at : at + taken]), "in a row, from the first on"
    pauses = [pause for pause, _ in lengths[at + 1 : at + taken]]
    assert all(pause <= gap for pause in pauses)
    is_enough = found.period.length >= minutes * MINUTE
    assert taken == 1 or found.slots[-2].period.ends_at - found.period.starts_at < minutes * MINUTE
    follows = slots[at + taken : at + taken + 1]
    assert is_enough or not follows or lengths[at + taken][0] > gap
    for slot in slots:
        is_met = slot.period.overlaps(found.blocked) and slot not in found.slots
        assert (slot in found.around) == is_met
