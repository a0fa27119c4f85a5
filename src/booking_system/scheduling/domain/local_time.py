"""The wall clock of a clinic: the one place where instants become local times."""

from datetime import datetime
from zoneinfo import ZoneInfo


def wall_clock(instant: datetime, time_zone: str) -> datetime:
    """Return the same instant as the clock on the clinic's wall shows it, with its offset.

    The zone data is that of the pinned `tzdata` package. Raises `KeyError` for an unknown zone.
    """
    return instant.astimezone(ZoneInfo(time_zone))
