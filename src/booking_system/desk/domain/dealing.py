"""What several patients are offered instead at the same time: nothing is offered to two of them."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from booking_system.booking.domain.appointment import Appointment
from booking_system.scheduling.domain.search import FoundSlot
from booking_system.shared_kernel.identifiers import DoctorId
from booking_system.shared_kernel.period import Period


def dealt(
    appointments: Sequence[Appointment], found: Sequence[Sequence[FoundSlot]], *, most: int
) -> list[list[FoundSlot]]:
    """Return up to `most` slots for each appointment, of those that were found for it.

    They are dealt out in rounds, in the given order: each appointment gets its first that is left
    before any gets a second. Two patients can both have what they are offered: an appointment may
    take more than the slot that it begins with, and time around it, and no two of these overlap.
    """
    if len(appointments) == 1:
        return [list(found[0][:most])]
    hands: list[list[FoundSlot]] = [[] for _ in appointments]
    left = [iter(slots) for slots in found]
    taken: dict[DoctorId, _Taken] = defaultdict(_Taken)
    for _ in range(most):
        for appointment, hand, slots in zip(appointments, hands, left, strict=True):
            for slot in slots:
                if taken[slot.doctor_id].takes(_needed(appointment, slot)):
                    hand.append(slot)
                    break
    return hands


def _needed(appointment: Appointment, slot: FoundSlot) -> Period:
    """Return the time that the doctor of the slot would need for the appointment there. UTC."""
    own, blocked = appointment.period, appointment.blocked
    ends_at = max(slot.ends_at, slot.starts_at + own.length)
    return Period(
        slot.starts_at - (own.starts_at - blocked.starts_at),
        ends_at + (blocked.ends_at - own.ends_at),
    )


class _Taken:
    """Stretches of one doctor's time, by start, none of which overlaps another."""

    def __init__(self) -> None:
        self._starts: list[datetime] = []
        self._periods: list[Period] = []

    def takes(self, period: Period) -> bool:
        """Add it, and say so, where it overlaps none."""
        place = bisect_right(self._starts, period.starts_at)
        if any(period.overlaps(one) for one in self._periods[max(place - 1, 0) : place + 1]):
            return False
        self._starts.insert(place, period.starts_at)
        self._periods.insert(place, period)
        return True
