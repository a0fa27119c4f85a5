"""The wall clock of a clinic: the one place where instants become local times."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
"""Offsets change at whole seconds."""


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
