"""A plan: which time slots come and go, so that a doctor's calendar is as the rules wish."""

from bisect import bisect_right
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.shared_kernel.identifiers import AppointmentId, RuleId, SlotId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class WishedSlot:
    """A slot that a rule wants to be there."""

    rule_id: RuleId
    period: Period
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentSlot:
    """A slot that there is, or that was deleted by hand and must not come back.

    `wall_starts_at` is what the clinic's clock was to show when a rule made it; None: no rule did.
    One that `is_outside` was left by its rule earlier, and is still there for somebody who has it.
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
        """Say whether nobody has it, is about to, or has decided about it by hand."""
        is_free = self.appointment_id is None and not self.is_held
        return is_free and self.closed_because is not ClosedBecause.BY_HAND

    def has_moved(self, time_zone: str) -> bool:
        """Say whether the clinic's clock shows another time at its start than it was made for."""
        if self.wall_starts_at is None:
            return False
        shown = wall_clock(self.period.starts_at, time_zone)
        return shown.replace(tzinfo=None) != self.wall_starts_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPlan:
    """What to do. `kept_bookings` are slots that no rule wants any more, but an appointment.

    `left` will be outside of all rules from now on, for whoever has them; `regained` are slots that
    were, and the wish of the rule that wants each of them again.
    """

    opened: Sequence[WishedSlot]
    withdrawn: Sequence[PresentSlot]
    kept_bookings: Sequence[PresentSlot]
    left: Sequence[PresentSlot] = ()
    regained: Sequence[tuple[PresentSlot, WishedSlot]] = ()


def plan(
    present: Iterable[PresentSlot],
    wished: Iterable[WishedSlot],
    *,
    of: frozenset[RuleId],
    until: datetime | None = None,
) -> SlotPlan:
    """Return what makes the slots of the rules `of` as wished, and those that no rule wanted.

    `present` holds all slots of the doctor that are not over; `wished` all that the rules `of`
    want. What is booked, held or closed by hand stays, and so does what is as it should be. A wish
    that overlaps a slot that stays is left out, and one that was deleted by hand as well.
    From `until` on nothing is wished yet, so nothing there is outside of the rules; None: for good.
    """
    wishes = sorted(wished, key=lambda wish: wish.period.starts_at)
    wanted = {(wish.period, wish.mode): wish for wish in wishes}
    kept: list[PresentSlot] = []
    withdrawn: list[PresentSlot] = []
    deleted: set[datetime] = set()
    for slot in present:
        if slot.is_deleted:
            deleted.add(slot.period.starts_at)
        elif _is_unwanted(slot, wanted, of) and slot.may_go:
            withdrawn.append(slot)
        else:
            kept.append(slot)
    opened = _fitting([slot.period for slot in kept], wishes, deleted)
    return SlotPlan(
        opened=opened,
        withdrawn=withdrawn,
        kept_bookings=[
            slot
            for slot in kept
            if slot.rule_id in of
            and slot.appointment_id is not None
            and (slot.period, slot.mode) not in wanted
        ],
        left=[
            slot
            for slot in kept
            if _is_unwanted(slot, wanted, of)
            and not slot.is_outside
            and (until is None or slot.period.starts_at < until)
            and (slot.appointment_id is not None or slot.is_held)
        ],
        regained=[
            (slot, wanted[slot.period, slot.mode])
            for slot in kept
            if slot.is_outside and (slot.period, slot.mode) in wanted
        ],
    )


def _is_unwanted(
    slot: PresentSlot, wanted: Container[tuple[Period, Mode]], of: frozenset[RuleId]
) -> bool:
    return (slot.rule_id in of or slot.is_outside) and (slot.period, slot.mode) not in wanted


def _fitting(
    kept: Iterable[Period], wishes: Iterable[WishedSlot], deleted: set[datetime]
) -> list[WishedSlot]:
    """Return the wishes, which come in time order, that overlap nothing kept nor one another."""
    busy = sorted(kept, key=lambda period: period.starts_at)
    starts = [period.starts_at for period in busy]
    fitting: list[WishedSlot] = []
    for wish in wishes:
        place = bisect_right(starts, wish.period.starts_at)
        neighbours = [*busy[max(place - 1, 0) : place + 1], *(one.period for one in fitting[-1:])]
        is_free = not any(wish.period.overlaps(one) for one in neighbours)
        if is_free and wish.period.starts_at not in deleted:
            fitting.append(wish)
    return fitting
