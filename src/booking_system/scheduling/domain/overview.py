"""Overviews of what is free: the soonest doctors, and the days of a month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking_system.scheduling.domain.search import LONGEST_RANGE, FoundSlot, SlotFilter
from booking_system.shared_kernel.errors import Invalid

USUAL_DAYS = 31
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextSearch(SlotFilter):
    """Whose first slots from `after` on are wanted.

    At most `limit` doctors, and of each at most `per_doctor` slots.
    """

    after: datetime
    limit: int = 20
    per_doctor: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSearch(SlotFilter):
    """Of which local days of a doctor or a clinic, from `first` on and before `until`."""

    first: date | None = None
    until: date | None = None

    def days(self, today: date) -> list[date]:
        """Return the days: 31 from today unless asked otherwise.

        Raises `Invalid` for a range that ends before it starts or has more than 62 days.
        """
        first = self.first or today
        until = self.until or first + USUAL_DAYS * DAY
        if until <= first:
            raise Invalid.field("/to", "must be after from", "ends_too_early")
        if until - first > LONGEST_RANGE:
            raise Invalid.field("/to", f"at most {LONGEST_RANGE.days} days after from", "too_long")
        return [first + place * DAY for place in range((until - first).days)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDay:
    """One local day: how many slots could be booked, and when the first begins. UTC."""

    day: date
    open_slots: int
    first_starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoonestDoctor:
    """A doctor's first slots, in time order; there is at least one."""

    slots: Sequence[FoundSlot]


def local_day(instant: datetime, time_zone: str) -> date:
    """Return the day on the clinic's calendar."""
    return instant.astimezone(ZoneInfo(time_zone)).date()
