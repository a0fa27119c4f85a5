"""A span: the consecutive time slots that a booking takes, and the time kept free around it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import SlotId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

LONGEST = timedelta(hours=24)
NONE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbySlot:
    """A slot of the same doctor, and the gap that its rule leaves behind it."""

    slot: TimeSlot
    gap: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How long a service takes, and how long the doctor is to be free before and after."""

    duration: timedelta
    before: timedelta = NONE
    after: timedelta = NONE
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """At least one slot, in time order. `around` are the slots that the time kept free meets."""

    slots: tuple[TimeSlot, ...]
    around: tuple[TimeSlot, ...] = ()
    before: timedelta = NONE
    after: timedelta = NONE

    @property
    def period(self) -> Period:
        """From the start of the first slot to the end of the last, gaps included. UTC."""
        return Period(self.slots[0].period.starts_at, self.slots[-1].period.ends_at)

    @property
    def blocked(self) -> Period:
        """When the doctor can have no other appointment: the period and what is around it. UTC."""
        taken = self.period
        return Period(taken.starts_at - self.before, taken.ends_at + self.after)

    @property
    def slot_ids(self) -> tuple[SlotId, ...]:
        """The ids of the slots that are taken, in time order."""
        return tuple(slot.id for slot in self.slots)

    @property
    def touched(self) -> tuple[TimeSlot, ...]:
        """All slots that nobody else may be booking at this moment."""
        return (*self.slots, *self.around)

    def held_by(self, hold: Hold) -> Self:
        """Return it with all its slots held."""
        slots, around = (
            tuple(replace(slot, hold=hold) for slot in some) for some in (self.slots, self.around)
        )
        return replace(self, slots=slots, around=around)


def span_from(
    first: TimeSlot, nearby: Sequence[NearbySlot], need: Need | None, *, time_zone: str
) -> Span:
    """Return what a booking that begins with this slot takes; where nothing is needed, the slot.

    A service that is longer than the slot goes on in those that follow it: of the same mode and
    the same local day, each no further from the last one than the gap of that one's rule. Whatever
    becomes of them, they are taken as they stand: rules say whether they are free, and whether
    they are long enough.
    """
    if need is None:
        return Span(slots=(first,))
    gaps = {one.slot.id: one.gap for one in nearby}
    later = [one.slot for one in nearby if one.slot.period.starts_at > first.period.starts_at]
    taken = [first]
    for slot in sorted(later, key=lambda slot: slot.period.starts_at):
        last = taken[-1]
        is_enough = last.period.ends_at - first.period.starts_at >= need.duration
        is_near = slot.period.starts_at - last.period.ends_at <= gaps[last.id]
        if is_enough or not is_near or not _goes_on(first, slot, time_zone):
            break
        taken.append(slot)
    span = Span(slots=tuple(taken), before=need.before, after=need.after)
    around = [
        one.slot
        for one in nearby
        if one.slot.id not in span.slot_ids and one.slot.period.overlaps(span.blocked)
    ]
    return replace(span, around=tuple(sorted(around, key=lambda slot: slot.period.starts_at)))


def _goes_on(first: TimeSlot, slot: TimeSlot, time_zone: str) -> bool:
    days = [wall_clock(one.period.starts_at, time_zone).date() for one in (first, slot)]
    is_short = slot.period.ends_at - first.period.starts_at <= LONGEST
    return slot.mode is first.mode and days[0] == days[1] and is_short
