"""Time is a dependency: ask a clock, never `datetime.now`."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current instant, always in UTC."""
        ...
