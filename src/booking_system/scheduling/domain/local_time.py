"""The wall clock of a clinic: the one place where instants become local times."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def wall_clock(instant: datetime, time_zone: str) -> datetime:
    """Return the same instant as the clock on the clinic's wall shows it, with its offset.

    The zone data is that of the pinned `tzdata` package. Raises `KeyError` for an unknown zone.
    """
    return instant.astimezone(ZoneInfo(time_zone))


def instant_at(day: date, clock: time, time_zone: str) -> datetime:
    """Return the UTC instant at which the clinic's clock shows this time on this day.

    Of a time that happens twice, the first; a time that is skipped counts on from before the gap.
    """
    return datetime.combine(day, clock, ZoneInfo(time_zone)).astimezone(UTC)
