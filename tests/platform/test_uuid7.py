"""Identities are of version 7, say their moment, and are sorted in the order of their making."""

import time
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest

from booking_system.platform import uuid7 as module
from booking_system.platform.uuid7 import first_of, uuid7


def test_what_one_process_makes_is_in_the_order_of_its_making() -> None:
    made = [uuid7() for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_it_says_its_version_and_its_millisecond() -> None:
    before, found, after = time.time_ns(), uuid7(), time.time_ns()
    assert (found.version, found.variant) == (7, RFC_4122)
    assert before // 1_000_000 <= found.int >> 80 <= after // 1_000_000


@pytest.mark.parametrize(
    ("nanoseconds", "fraction"),
    [(0, 0), (244, 0), (245, 1), (500_000, 2048), (999_999, 4095)],
)
def test_the_fraction_of_the_millisecond_stands_behind_it(
    monkeypatch: pytest.MonkeyPatch, nanoseconds: int, fraction: int
) -> None:
    moment = 1_800_000_000_123
    monkeypatch.setattr(module, "time_ns", lambda: moment * 1_000_000 + nanoseconds)
    found = uuid7()
    assert (found.int >> 80, found.int >> 64 & 0xFFF) == (moment, fraction)


def test_all_the_rest_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time_ns", lambda: 1_800_000_000_123_456_789)
    made = [uuid7().int for _ in range(200)]
    changing = 0
    for one in made:
        changing |= one ^ made[0]
    assert changing == (1 << 62) - 1


def test_the_first_of_a_millisecond_comes_before_all_that_are_made_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = datetime(2027, 1, 15, 8, 0, 0, 123_000, tzinfo=UTC)
    first, after = first_of(moment), first_of(moment + timedelta(milliseconds=1))
    for nanoseconds in (0, 1, 999_999):
        at = (first.int >> 80) * 1_000_000 + nanoseconds
        monkeypatch.setattr(module, "time_ns", lambda at=at: at)
        monkeypatch.setattr(module, "urandom", bytes)
        assert first <= uuid7() < after
    assert isinstance(first, UUID)
