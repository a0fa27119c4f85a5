"""A plan: which slots to open and to withdraw, so that a doctor's calendar follows the rules."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.shared_kernel.identifiers import AppointmentId, RuleId, SlotId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class WishedSlot:
    """A slot that a rule, or an exception, wants to be there."""

    rule_id: RuleId
    period: Period
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentSlot:
    """A slot of the calendar, or a slot that was deleted by hand and whose time stays empty.

    `wall_starts_at` is the local start that the rule meant which made it; None: no rule did.
    A slot that `is_outside` is wanted by no rule any more; it stays because it is booked, held or
    closed by hand.
    """

    id: SlotId
    period: Period
    mode: Mode
    rule_id: RuleId | None = None
    appointment_id: AppointmentId | None = None
    is_held: bool = False
    is_outside: bool = False
    closed_because: ClosedBecause | None = None
    is_deleted: bool = False
    wall_starts_at: datetime | None = None

    @property
    def may_go(self) -> bool:
        """Say whether it is neither booked, nor held, nor closed by hand."""
        is_free = self.appointment_id is None and not self.is_held
        return is_free and self.closed_because is not ClosedBecause.BY_HAND

    @property
    def is_ruled(self) -> bool:
        """Say whether a rule made it, even a rule that does not want it any more."""
        return self.rule_id is not None or self.is_outside

    def has_moved(self, time_zone: str) -> bool:
        """Say whether its local start is another than its rule meant, as after a change of zone."""
        if self.wall_starts_at is None:
            return False
        shown = wall_clock(self.period.starts_at, time_zone)
        return shown.replace(tzinfo=None) != self.wall_starts_at


WishFor = Callable[[PresentSlot], WishedSlot | None]
"""Says which rule wants a slot of exactly this time and mode; None where none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPlan:
    """What to do. `kept_bookings` are booked slots that no rule wants any more.

    `left`: slots that no rule wants from now on, and that stay because they are booked, held or
    closed by hand. `regained`: slots that were outside of all rules, or that another rule made,
    each with the wish of the rule that wants it now.
    """

    opened: Sequence[WishedSlot] = ()
    withdrawn: Sequence[PresentSlot] = ()
    kept_bookings: Sequence[PresentSlot] = ()
    left: Sequence[PresentSlot] = ()
    regained: Sequence[tuple[PresentSlot, WishedSlot]] = ()


def plan(
    present: Iterable[PresentSlot],
    wished: Sequence[WishedSlot],
    *,
    within: Period,
    changed: frozenset[RuleId] = frozenset(),
) -> SlotPlan:
    """Return the changes by which the slots that start within the period become as they are wished.

    `present` holds all slots of the doctor that meet the period or one of the wishes; `wished` is
    in time order. A slot stays that is booked, held or closed by hand, that no rule made, or that
    is wished as it is. A wish is left out that overlaps a slot that stays, or time that was deleted
    by hand. For rules that have `changed`, `kept_bookings` has all of their bookings that nothing
    wants, for others only those that were wanted until now.
    """
    wanted = {(wish.period, wish.mode): wish for wish in wished}
    slots = list(present)
    inside = [slot for slot in slots if not slot.is_deleted and slot.period.starts_at in within]
    judged = judge(
        inside, lambda slot: wanted.get((slot.period, slot.mode)), changed=changed, withdraws=True
    )
    gone = {slot.id for slot in judged.withdrawn}
    opened = missing([slot for slot in slots if slot.id not in gone], wished)
    return SlotPlan(
        opened=opened,
        withdrawn=judged.withdrawn,
        kept_bookings=judged.kept_bookings,
        left=judged.left,
        regained=judged.regained,
    )


def judge(
    slots: Iterable[PresentSlot],
    wish_for: WishFor,
    *,
    changed: frozenset[RuleId],
    withdraws: bool,
) -> SlotPlan:
    """Say of each slot that is there what becomes of it; nothing is opened.

    Without `withdraws`, slots that may go stay as they are, and the plan does not name them.
    """
    withdrawn, kept_bookings, left, regained = [], [], [], []
    for slot in slots:
        wish = wish_for(slot) if slot.is_ruled else None
        if wish is not None:
            if slot.is_outside or slot.rule_id != wish.rule_id:
                regained.append((slot, wish))
        elif slot.is_ruled and slot.may_go:
            withdrawn.append(slot)
        elif slot.is_ruled:
            if not slot.is_outside:
                left.append(slot)
            if slot.appointment_id is not None and (not slot.is_outside or slot.rule_id in changed):
                kept_bookings.append(slot)
    return SlotPlan(
        withdrawn=withdrawn if withdraws else (),
        kept_bookings=kept_bookings,
        left=left,
        regained=regained,
    )


def missing(present: Iterable[PresentSlot], wished: Iterable[WishedSlot]) -> list[WishedSlot]:
    """Return the wishes, in time order, for which there is room: nothing is there, or was deleted.

    Where two wishes overlap, the earlier one has the room.
    """
    busy = _merged(slot.period for slot in present)
    starts = [period.starts_at for period in busy]
    fitting: list[WishedSlot] = []
    for wish in wished:
        place = bisect_right(starts, wish.period.starts_at)
        neighbours = [*busy[max(place - 1, 0) : place + 1], *(one.period for one in fitting[-1:])]
        if not any(wish.period.overlaps(one) for one in neighbours):
            fitting.append(wish)
    return fitting


def _merged(periods: Iterable[Period]) -> list[Period]:
    """Return the same time as periods that do not overlap, in order."""
    merged: list[Period] = []
    for period in sorted(periods, key=lambda period: period.starts_at):
        if merged and period.starts_at < merged[-1].ends_at:
            last = merged.pop()
            period = Period(last.starts_at, max(last.ends_at, period.ends_at))  # noqa: PLW2901
        merged.append(period)
    return merged
