"""What is dealt out to several appointments can all be had: no two of its times overlap."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from booking_system.desk.domain.dealing import dealt
from booking_system.shared_kernel.period import Period

MONDAY = datetime(2027, 3, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _slot(place: int, doctor: int = 1) -> Any:
    starts_at = MONDAY + place * 30 * MINUTE
    return SimpleNamespace(
        id=UUID(int=1000 * doctor + place),
        doctor_id=UUID(int=doctor),
        starts_at=starts_at,
        ends_at=starts_at + 30 * MINUTE,
    )


def _appointment(minutes: int = 30, before: int = 0, after: int = 0) -> Any:
    period = Period(MONDAY, MONDAY + minutes * MINUTE)
    blocked = Period(MONDAY - before * MINUTE, period.ends_at + after * MINUTE)
    return SimpleNamespace(period=period, blocked=blocked)


def test_each_gets_one_before_anybody_gets_a_second() -> None:
    slots = [_slot(place) for place in range(4)]
    hands = dealt([_appointment() for _ in range(3)], [slots] * 3, most=5)
    assert hands == [[slots[0], slots[3]], [slots[1]], [slots[2]]]


def test_the_only_one_is_offered_all_that_was_found() -> None:
    slots = [_slot(place) for place in range(4)]
    assert dealt([_appointment(60)], [slots], most=3) == [slots[:3]]
    assert dealt([], [], most=5) == []


APPOINTMENTS = st.builds(
    _appointment, st.sampled_from([30, 45, 90]), st.sampled_from([0, 20]), st.sampled_from([0, 40])
)
FOUND = st.lists(
    st.builds(_slot, st.integers(0, 12), st.integers(1, 2)), unique_by=lambda slot: slot.id
)


@given(st.lists(st.tuples(APPOINTMENTS, FOUND), min_size=2, max_size=8), st.integers(1, 5))
def test_no_two_are_offered_the_same_time(some: list[tuple[Any, Any]], most: int) -> None:
    appointments, found = [one for one, _ in some], [slots for _, slots in some]
    hands = dealt(appointments, found, most=most)
    taken: list[tuple[UUID, datetime, datetime]] = []
    for appointment, slots, hand in zip(appointments, found, hands, strict=True):
        assert len(hand) <= most
        assert [slot for slot in slots if slot in hand] == hand
        for slot in hand:
            starts_at = slot.starts_at - (
                appointment.period.starts_at - appointment.blocked.starts_at
            )
            ends_at = max(slot.ends_at, slot.starts_at + appointment.period.length) + (
                appointment.blocked.ends_at - appointment.period.ends_at
            )
            for doctor_id, since, until in taken:
                assert doctor_id != slot.doctor_id or since >= ends_at or until <= starts_at
            taken.append((slot.doctor_id, starts_at, ends_at))
