"""From when on a clock has which offset, held against the clock itself."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from booking_system.scheduling.domain.local_time import offsets_within

ZONES = ["UTC", "Europe/Berlin", "Pacific/Apia", "Africa/Casablanca", "Australia/Lord_Howe"]
MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.sampled_from(ZONES), MOMENTS, st.integers(1, 500), st.floats(0, 1))
def test_each_moment_lies_behind_the_change_that_it_shows(
    zone: str, starts_at: datetime, days: int, where: float
) -> None:
    ends_at = starts_at + timedelta(days=days)
    at = starts_at + where * (ends_at - starts_at)

    found = offsets_within(starts_at, ends_at, zone)

    told = next(offset for since, offset in reversed(found) if since <= at)
    assert told == at.astimezone(ZoneInfo(zone)).utcoffset()
    for since, offset in found[1:]:
        clock = ZoneInfo(zone)
        assert since.astimezone(clock).utcoffset() == offset
        assert (since - timedelta(seconds=1)).astimezone(clock).utcoffset() != offset
