"""A span: the consecutive time slots that a booking takes, and the time kept free around it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import SlotId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

NONE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How long a service takes, and how long the doctor is to be free before and after."""

    duration: timedelta
    before: timedelta = NONE
    after: timedelta = NONE
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """At least one slot, in time order.

    `around` are the slots that the time kept free meets; `beside` are the next ones on both sides,
    because a hold on one of them may keep time that this span needs. Which slots a service takes
    is derived by `scheduling/records/spans.py` alone.
    """

    slots: tuple[TimeSlot, ...]
    around: tuple[TimeSlot, ...] = ()
    beside: tuple[TimeSlot, ...] = ()
    before: timedelta = NONE
    after: timedelta = NONE

    @property
    def period(self) -> Period:
        """From the start of the first slot to the end of the last, gaps included. UTC."""
        if len(self.slots) == 1:
            return self.slots[0].period
        return Period(self.slots[0].period.starts_at, self.slots[-1].period.ends_at)

    @property
    def blocked(self) -> Period:
        """When the doctor can have no other appointment: the period and what is around it. UTC."""
        taken = self.period
        if not self.before and not self.after:
            return taken
        return Period(taken.starts_at - self.before, taken.ends_at + self.after)

    @property
    def is_one_slot(self) -> bool:
        """Say whether the slot is all that it takes and keeps free."""
        return len(self.slots) == 1 and not self.before and not self.after

    @property
    def slot_ids(self) -> tuple[SlotId, ...]:
        """The ids of the slots that are taken, in time order."""
        return tuple(slot.id for slot in self.slots)

    @property
    def touched(self) -> tuple[TimeSlot, ...]:
        """All slots that nobody else may be booking at this moment."""
        return (*self.slots, *self.around)

    @property
    def held(self) -> tuple[tuple[TimeSlot, Hold], ...]:
        """The slots with a hold that keeps any of the time: whether it is in force is not asked."""
        blocked = self.blocked
        near = [(slot, slot.hold) for slot in self.touched]
        near += [
            (slot, slot.hold)
            for slot in self.beside
            if slot.hold is not None
            and slot.hold.blocks is not None
            and slot.hold.blocks.overlaps(blocked)
        ]
        return tuple((slot, hold) for slot, hold in near if hold is not None)

    def held_by(self, hold: Hold) -> Self:
        """Return it with all its slots held."""
        slots, around = (
            tuple(replace(slot, hold=hold) for slot in some) for some in (self.slots, self.around)
        )
        return replace(self, slots=slots, around=around)
