"""The one way in which the time slots of a doctor are made to follow the hours."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from booking_system.scheduling.application.availability_ports import (
    AvailabilityWork,
    DoctorCalendar,
)
from booking_system.scheduling.domain.availability import horizon_of
from booking_system.scheduling.domain.slot_plan import PresentSlot, SlotPlan, judge, plan
from booking_system.scheduling.domain.timetable import Timetable
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import RuleId, SlotId
from booking_system.shared_kernel.period import Period

MOST_AT_ONCE = 4_000
"""Slots that one transaction makes, or takes back one by one: half a year of half-hours, eight
hours a day, are 2,912."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOfHours:
    """What was wanted before and is wanted now, which rules changed, and when that matters (UTC).

    None of `during`: as far as the clinic takes bookings. None of `rule_ids`: nobody says which
    changed, so what all rules made is looked at.
    """

    before: Timetable
    after: Timetable
    rule_ids: frozenset[RuleId] | None
    during: Period | None = None


class Part(NamedTuple):
    """A plan of some days, and the slots that it judges."""

    planned: SlotPlan
    slots: Sequence[PresentSlot]


@dataclass(slots=True, kw_only=True)
class Followed:
    """What was done, or would be, `at` which time, and until when; None: nothing remains to do.

    `opened` counts new slots by what wants them; `withdrawn` those that were offered and are not
    any more. No slot is kept here but booked ones: there may be 40,000. Times are in UTC.
    """

    at: datetime
    opened: Counter[RuleId] = field(default_factory=Counter)
    withdrawn: int = 0
    kept_bookings: list[PresentSlot] = field(default_factory=list)
    filled_until: datetime | None = None

    def count(self, planned: SlotPlan) -> None:
        """Add what one plan does."""
        self.opened.update(wish.rule_id for wish in planned.opened)
        self.withdrawn += sum(not slot.is_outside for slot in planned.withdrawn)
        self.kept_bookings += planned.kept_bookings


async def follow(
    work: AvailabilityWork, calendar: DoctorCalendar, change: ChangeOfHours, clock: Clock
) -> Followed:
    """Make the slots as they are wanted now: the first of them at once, the others soon.

    Nothing is offered by old hours when this is stored. Judged by the time after the locks: what
    has begun meanwhile stays as it is.
    """
    before = clock.now()
    windows, rest_from, is_whole = first_windows(change, _during(calendar, change, before), before)
    rule_ids = change.rule_ids
    await work.lock_slots(calendar, since=before, until=rest_from, rule_ids=rule_ids)
    followed = Followed(at=(now := clock.now()))
    for window in ahead(windows, now):
        planned, _ = await planned_within(work, calendar, change, window, now)
        await work.carry_out(planned, calendar, now=now)
        followed.count(planned)
    rest_from = max(rest_from, now)
    async for rest, _ in judged_since(work, calendar, change, since=rest_from, now=now):
        await work.carry_out(rest, calendar, now=now)
        followed.count(rest)
    followed.withdrawn += await work.withdraw_free(
        calendar, since=rest_from, rule_ids=rule_ids, now=now
    )
    if not is_whole:
        await work.ask(calendar, planned_until=rest_from, due_at=now)
        followed.filled_until = rest_from
    return followed


async def preview(
    work: AvailabilityWork, calendar: DoctorCalendar, change: ChangeOfHours, *, now: datetime
) -> Followed:
    """Say what following would do in the end; look only, and lock nothing."""
    during = _during(calendar, change, now)
    followed = Followed(at=now)
    gone: frozenset[SlotId] = frozenset()
    for window in () if during is None else change.after.windows(during, before=change.before):
        planned, _ = await planned_within(work, calendar, change, window.period, now, gone)
        gone = frozenset(slot.id for slot in planned.withdrawn)
        followed.count(planned)
    since = now if during is None else during.ends_at
    async for rest, _ in judged_since(work, calendar, change, since=since, now=now):
        followed.count(rest)
    followed.withdrawn += await work.count_free(
        calendar, since=since, rule_ids=change.rule_ids, now=now
    )
    return followed


def _during(calendar: DoctorCalendar, change: ChangeOfHours, now: datetime) -> Period | None:
    """Return when the change matters, as far as slots are made; None where that is never."""
    horizon = horizon_of(now, calendar.horizon_days)
    if change.during is None:
        return horizon
    starts_at = max(horizon.starts_at, change.during.starts_at)
    ends_at = min(horizon.ends_at, change.during.ends_at)
    return Period(starts_at, ends_at) if starts_at < ends_at else None


def first_windows(
    change: ChangeOfHours, during: Period | None, now: datetime
) -> tuple[list[Period], datetime, bool]:
    """Return what is planned at once, where the rest begins, and whether there is none."""
    if during is None:
        return [], now, True
    first: list[Period] = []
    many = 0
    for window in change.after.windows(during, before=change.before):
        if first and many + window.slots > MOST_AT_ONCE:
            return first, window.period.starts_at, False
        many += window.slots
        first.append(window.period)
    return first, during.ends_at, True


def ahead(windows: Sequence[Period], now: datetime) -> list[Period]:
    """Return what of them is not over yet."""
    return [
        Period(max(now, window.starts_at), window.ends_at)
        for window in windows
        if now < window.ends_at
    ]


async def planned_within(  # noqa: PLR0913, PLR0917
    work: AvailabilityWork,
    calendar: DoctorCalendar,
    change: ChangeOfHours,
    window: Period,
    now: datetime,
    without: frozenset[SlotId] = frozenset(),
) -> Part:
    """Return the plan of some days, as if the slots `without` were not there."""
    wished = change.after.wishes(window)
    until = max([window.ends_at, *(wish.period.ends_at for wish in wished[-1:])])
    present = await work.present(calendar, Period(window.starts_at, until), now=now)
    slots = [slot for slot in present if slot.id not in without]
    inside = [slot for slot in slots if not slot.is_deleted and slot.period.starts_at in window]
    return Part(plan(slots, wished, within=window, changed=change.rule_ids or frozenset()), inside)


async def judged_since(
    work: AvailabilityWork,
    calendar: DoctorCalendar,
    change: ChangeOfHours,
    *,
    since: datetime,
    now: datetime,
) -> AsyncIterator[Part]:
    """Yield what becomes of the slots that somebody has, some at a time; the others are free."""
    after = None
    while page := await work.occupied(
        calendar, since=since, after=after, rule_ids=change.rule_ids, now=now
    ):
        judged = judge(
            page,
            lambda slot: change.after.wish_for(slot.period, slot.mode),
            changed=change.rule_ids or frozenset(),
            withdraws=False,
        )
        yield Part(judged, page)
        after = page[-1]
