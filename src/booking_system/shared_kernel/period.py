"""A period: the value every calendar question comes down to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time between two UTC instants, half open: `[starts_at, ends_at)`.

    Raises `ValueError` when it would be empty or run backwards.
    """

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at >= self.ends_at:
            message = "a period must end after it starts"
            raise ValueError(message)

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.ends_at - self.starts_at

    def overlaps(self, other: Self) -> bool:
        """Say whether the two share an instant; touching ends do not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def __contains__(self, instant: datetime) -> bool:
        """Say whether the instant lies in it: its start does, its end does not."""
        return self.starts_at <= instant < self.ends_at
