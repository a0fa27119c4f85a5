"""Use cases: anybody looks for the soonest doctors, or over the days of a calendar."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.scheduling.application.ports import SlotOverview
from booking_system.scheduling.domain.local_time import span_of
from booking_system.scheduling.domain.overview import (
    CalendarSearch,
    NextSearch,
    OpenDay,
    SoonestDoctor,
    local_day,
)
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class FindNext:
    """Finds the doctors who have time first."""

    overview: SlotOverview
    clock: Clock

    async def __call__(self, *, search: NextSearch) -> Sequence[SoonestDoctor]:
        """Return them, the soonest first, each with their first slots."""
        return await self.overview.next(search, now=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCalendar:
    """Shows on which local days of a doctor or a clinic there is something to book."""

    overview: SlotOverview
    clock: Clock

    async def __call__(self, *, search: CalendarSearch) -> Sequence[OpenDay]:
        """Return all days of the range. Raises `NotFound`, `Invalid`."""
        zone = await self.overview.zone_of(search)
        if zone is None:
            raise NotFound
        now = self.clock.now()
        days = search.days(local_day(now, zone))
        spans = {day: span for day in days if (span := span_of(day, zone)) is not None}
        counted = await self.overview.count(search, list(spans.values()), now=now)
        found = {day: counted[place] for place, day in enumerate(spans) if place in counted}
        shown = []
        for day in days:
            many, first = found.get(day, (0, None))
            shown.append(OpenDay(day=day, open_slots=many, first_starts_at=first))
        return shown
