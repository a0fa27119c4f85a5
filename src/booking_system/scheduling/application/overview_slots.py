"""Use cases: anybody looks for the soonest doctors, or over the days of a calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from booking_system.scheduling.application.find_slots import check_known
from booking_system.scheduling.application.ports import SlotFinder, SlotOverview
from booking_system.scheduling.domain.local_time import day_of, span_of
from booking_system.scheduling.domain.overview import (
    CalendarSearch,
    NextSearch,
    OpenDay,
    SoonestDoctor,
    local_day,
)
from booking_system.scheduling.domain.search import SlotFilter
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class FindNext:
    """Finds the doctors who have time first."""

    overview: SlotOverview
    finder: SlotFinder
    clock: Clock

    async def __call__(self, *, search: NextSearch) -> Sequence[SoonestDoctor]:
        """Return them, the soonest first, each with their first slots.

        Raises `Invalid` where there is nobody and an id in the filter is of nothing.
        """
        found = await self.overview.next(search, now=self.clock.now())
        if not found:
            await check_known(search, self.finder)
        return found


async def _zone_of(wanted: SlotFilter, overview: SlotOverview, finder: SlotFinder) -> str:
    zone = await overview.zone_of(wanted)
    if zone is None:
        await check_known(wanted, finder)
        raise NotFound
    return zone


@dataclass(frozen=True, slots=True, kw_only=True)
class FindDay:
    """Says when a day of the calendar of a doctor or a clinic begins and ends."""

    overview: SlotOverview
    finder: SlotFinder

    async def __call__(self, *, wanted: SlotFilter, day: date) -> Period:
        """Return the local day in UTC.

        Raises `Invalid` for an id that is of nothing, `NotFound`, `NonexistentLocalTime` for a
        day that the zone skipped.
        """
        return day_of(day, await _zone_of(wanted, self.overview, self.finder))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCalendar:
    """Shows on which local days of a doctor or a clinic there is something to book."""

    overview: SlotOverview
    finder: SlotFinder
    clock: Clock

    async def __call__(self, *, search: CalendarSearch) -> Sequence[OpenDay]:
        """Return all days of the range. Raises `Invalid`, also for an id that is of nothing."""
        zone = await _zone_of(search, self.overview, self.finder)
        now = self.clock.now()
        spans = {day: span_of(day, zone) for day in search.days(local_day(now, zone))}
        on_clock = {day: span for day, span in spans.items() if span is not None}
        found = (
            await self.overview.count(search, list(on_clock.values()), now=now) if on_clock else {}
        )
        if not found:
            await check_known(search, self.finder)
        places = {day: place for place, day in enumerate(on_clock)}
        shown = []
        for day in spans:
            many, first = found.get(places.get(day, -1), (0, None))
            shown.append(OpenDay(day=day, open_slots=many, first_starts_at=first))
        return shown
