"""An offer: the stretches of time that a doctor puts up for booking in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from booking_system.scheduling.domain.refusals import SlotInPast, SlotOverlap
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

SHORTEST_SLOT = timedelta(minutes=1)
LONGEST_SLOT = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedSlot:
    """One slot to be, as the clinic asked for it; its bounds are not checked yet."""

    starts_at: datetime
    ends_at: datetime
    mode: Mode = Mode.IN_PERSON


def checked(offer: Sequence[OfferedSlot], *, now: datetime) -> list[Period]:
    """Return the periods of the offer, in its order.

    Raises `Invalid` for a slot that lasts less than a minute or longer than 24 hours, `SlotInPast`
    for a slot that has begun, `SlotOverlap` where two of the offer overlap. Each names the offender
    by its place in the offer.
    """
    periods = [_period(slot, place, now) for place, slot in enumerate(offer)]
    ordered = sorted(range(len(periods)), key=lambda place: periods[place].starts_at)
    for earlier, later in pairwise(ordered):
        if periods[earlier].overlaps(periods[later]):
            raise overlap_at(max(earlier, later))
    return periods


def overlap_at(place: int) -> SlotOverlap:
    """Name the slot of the offer that cannot be."""
    detail = f"Slot {place} of the request overlaps another time slot of this doctor."
    error = {"pointer": f"/slots/{place}", "detail": "overlaps", "code": "slot_overlap"}
    return SlotOverlap(detail, errors=[error])


def _period(slot: OfferedSlot, place: int, now: datetime) -> Period:
    if slot.ends_at <= slot.starts_at:
        raise Invalid.field(f"/slots/{place}/ends_at", "must be after starts_at", "ends_too_early")
    if slot.ends_at - slot.starts_at < SHORTEST_SLOT:
        raise Invalid.field(
            f"/slots/{place}/ends_at", "a slot lasts at least a minute", "too_short"
        )
    if slot.ends_at - slot.starts_at > LONGEST_SLOT:
        raise Invalid.field(f"/slots/{place}/ends_at", "a slot lasts at most 24 hours", "too_long")
    if slot.starts_at <= now:
        pointer = {"pointer": f"/slots/{place}/starts_at", "detail": "lies in the past"}
        raise SlotInPast(errors=[pointer | {"code": "slot_in_past"}])
    return Period(slot.starts_at, slot.ends_at)
