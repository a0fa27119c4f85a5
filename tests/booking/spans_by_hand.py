"""The span of a service once more, in Python: what the SQL of the product is held against."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from booking_system.booking.domain.span import Need, Span
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.time_slot import TimeSlot

LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbySlot:
    """A slot of the same doctor, and the gap that its rule leaves behind it."""

    slot: TimeSlot
    gap: timedelta


def span_from(
    first: TimeSlot, nearby: Sequence[NearbySlot], need: Need | None, *, time_zone: str
) -> Span:
    """What a booking that begins with this slot takes; where nothing is needed, the slot.

    A service that is longer than the slot goes on in those that follow it: of the same mode and
    the same local day, each no further from the last one than the gap of that one's rule.
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
