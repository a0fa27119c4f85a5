"""The wall clock of a clinic: the one place where instants become local times."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from booking_system.shared_kernel.period import Period

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
"""Offsets change at whole seconds."""
MOST_DAYS = 4096
"""So many are remembered: month views ask for the same ones again and again."""


def wall_clock(instant: datetime, time_zone: str) -> datetime:
    """Return the same instant as the clock on the clinic's wall shows it, with its offset.

    The zone data is that of the pinned `tzdata` package. Raises `KeyError` for an unknown zone.
    """
    return instant.astimezone(ZoneInfo(time_zone))


def local_text(instant: datetime, time_zone: str) -> str:
    """Return the wall clock as RFC 3339 text: with its offset, `+00:00` where that is zero.

    `Z` would say that it is no local time.
    """
    return wall_clock(instant, time_zone).isoformat()


def first_instant_at(day: date, minute: int, time_zone: str) -> datetime:
    """Return the UTC instant of the first time that the clock shows this minute of the day.

    Minute 1440 is the midnight at which the day ends. Of a time that is skipped: the instant of
    the skip.
    """
    return _instant_at(day, minute, ZoneInfo(time_zone), fold=0)


def last_instant_at(day: date, minute: int, time_zone: str) -> datetime:
    """Return the UTC instant of the last time that the clock shows this minute of the day."""
    return _instant_at(day, minute, ZoneInfo(time_zone), fold=1)


@lru_cache(MOST_DAYS)
def span_of(day: date, time_zone: str) -> Period | None:
    """Return the local day, which has 23 or 25 hours where clocks change, in UTC.

    Where midnight is skipped the day begins at the skip. None for a day that the zone skipped as a
    whole, as Apia did with 2011-12-30.
    """
    starts_at = first_instant_at(day, 0, time_zone)
    ends_at = first_instant_at(day + DAY, 0, time_zone)
    return Period(starts_at, ends_at) if starts_at < ends_at else None


def day_of(day: date, time_zone: str) -> Period:
    """Return the local day in UTC. Raises `NonexistentLocalTime` for a day that a zone skipped."""
    if (span := span_of(day, time_zone)) is None:
        raise NonexistentLocalTime
    return span


def whole_days(periods: Sequence[Period], time_zone: str) -> list[Period]:
    """Return all local days that these periods meet, each stretch of them as one period, in UTC."""
    zone = ZoneInfo(time_zone)
    days = set()
    for period in periods:
        day, last = (at.astimezone(zone).date() for at in (period.starts_at, period.ends_at))
        while day <= last:
            days.add(day)
            day += DAY
    merged: list[Period] = []
    for span in (span_of(day, time_zone) for day in sorted(days)):
        if merged and span is not None and merged[-1].ends_at == span.starts_at:
            merged.append(Period(merged.pop().starts_at, span.ends_at))
        elif span is not None:
            merged.append(span)
    return merged


def exists(day: date, minute: int, time_zone: str) -> bool:
    """Say whether the clock shows this minute of the day at all."""
    zone = ZoneInfo(time_zone)
    local = _local(day, minute)
    return _shown(local.replace(tzinfo=zone).astimezone(UTC), zone) == local


def _local(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _instant_at(day: date, minute: int, zone: ZoneInfo, *, fold: int) -> datetime:
    local = _local(day, minute)
    instant = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if _shown(instant, zone) == local:
        return instant
    # Skipped: read with the offset of before, it lies behind the skip; with that of after, before.
    late = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    early = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while late - early > SECOND:
        middle = early + (late - early) // 2
        if _shown(middle, zone) < local:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def offsets_within(
    starts_at: datetime, ends_at: datetime, time_zone: str
) -> list[tuple[datetime, timedelta]]:
    """Return from when on the clock has which offset from UTC: the first, then each change.

    Between two UTC instants. Found by looking at each day, and halving where it differs.
    """
    zone = ZoneInfo(time_zone)

    def offset(at: datetime) -> timedelta:
        shown = at.astimezone(zone).utcoffset()
        assert shown is not None, "a zone always knows its offset"
        return shown

    found = [(starts_at, offset(starts_at))]
    at = starts_at
    while at < ends_at:
        following = min(at + timedelta(days=1), ends_at)
        if (changed := offset(following)) != found[-1][1]:
            early, late = at, following
            while late - early > SECOND:
                middle = early + (late - early) // 2
                early, late = (middle, late) if offset(middle) != changed else (early, middle)
            found.append((late.replace(microsecond=0), changed))
        at = following
    return found
