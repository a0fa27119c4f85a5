"""Use cases: the weekly hours of a doctor come, change and go, and time slots with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.application.availability_ports import (
    AvailabilityTransaction,
    AvailabilityWork,
    DoctorCalendar,
)
from booking_system.scheduling.application.follow_hours import (
    ChangeOfHours,
    Followed,
    follow,
    preview,
)
from booking_system.scheduling.application.read_availability import calendar_of, permitted
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours, horizon_of
from booking_system.scheduling.domain.local_time import first_instant_at
from booking_system.scheduling.domain.overview import local_day
from booking_system.scheduling.domain.timetable import Timetable
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, check_seen
from booking_system.shared_kernel.identifiers import DoctorId, Identities, RuleId
from booking_system.shared_kernel.period import Period

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAvailability:
    """Adds hours, and makes their slots as far as the clinic takes bookings."""

    transaction: AvailabilityTransaction
    look: AvailabilityTransaction
    clock: Clock
    identities: Identities

    async def __call__(
        self, *, doctor_id: DoctorId, hours: Hours, dry_run: bool, actor: Actor
    ) -> tuple[AvailabilityRule, Followed]:
        """Return the rule and what it made, or would make.

        Raises `NotFound` for an unknown doctor, `NotPermitted`, `Invalid`, `NonexistentLocalTime`,
        `AvailabilityOverlap`, `PlanTooLarge`.
        """
        async with (self.look if dry_run else self.transaction)() as work:
            now = self.clock.now()
            calendar = permitted(await calendar_of(work, doctor_id, lock=not dry_run), actor)
            rule = AvailabilityRule(
                id=RuleId(self.identities.new()),
                clinic_id=calendar.clinic_id,
                doctor_id=doctor_id,
                hours=hours,
                created_at=now,
                updated_at=now,
            )
            before = await work.timetable(calendar, now=now)
            change = _changed(calendar, before, before.with_rule(rule), rule, [hours])
            _check(calendar, change, rule, self.clock)
            if dry_run:
                return rule, await preview(work, calendar, change, now=now)
            followed = await follow(work, calendar, change, self.clock)
            # The same time as that of its slots, so that these can be counted later.
            made = replace(rule, created_at=followed.at, updated_at=followed.at)
            await work.add_rule(made)
            return made, followed


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAvailability:
    """Changes hours: slots that are open follow, what is booked or held stays."""

    transaction: AvailabilityTransaction
    look: AvailabilityTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        rule_id: RuleId,
        changes: Mapping[str, Any],
        version: int | None,
        dry_run: bool,
        actor: Actor,
    ) -> tuple[AvailabilityRule, Followed]:
        """Return the rule as it is now, or would be, and what that does to slots.

        Raises `NotFound`, `NotPermitted`, `Stale`, `Invalid`, `NonexistentLocalTime`,
        `AvailabilityOverlap`, `PlanTooLarge`.
        """
        async with (self.look if dry_run else self.transaction)() as work:
            now = self.clock.now()
            rule, calendar = await _found(work, rule_id, version, actor, lock=not dry_run)
            hours = replace(rule.hours, **changes)
            changed = replace(rule, hours=hours, version=rule.version + 1, updated_at=now)
            before = await work.timetable(calendar, now=now)
            after = before.with_rule(changed)
            change = _changed(calendar, before, after, rule, [rule.hours, hours])
            _check(calendar, change, changed, self.clock)
            if dry_run:
                return changed, await preview(work, calendar, change, now=now)
            await work.save_rule(changed)
            return changed, await follow(work, calendar, change, self.clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAvailability:
    """Takes hours back, with their open slots."""

    transaction: AvailabilityTransaction
    look: AvailabilityTransaction
    clock: Clock

    async def __call__(
        self, *, rule_id: RuleId, version: int | None, dry_run: bool, actor: Actor
    ) -> Followed:
        """Return what that does to slots. Raises `NotFound`, `NotPermitted`, `Stale`."""
        async with (self.look if dry_run else self.transaction)() as work:
            now = self.clock.now()
            rule, calendar = await _found(work, rule_id, version, actor, lock=not dry_run)
            before = await work.timetable(calendar, now=now)
            change = _changed(calendar, before, before.without(rule.id), rule, [rule.hours])
            if dry_run:
                return await preview(work, calendar, change, now=now)
            gone = replace(rule, version=rule.version + 1, updated_at=now)
            await work.save_rule(gone, deleted_at=now)
            return await follow(work, calendar, change, self.clock)


async def _found(
    work: AvailabilityWork, rule_id: RuleId, version: int | None, actor: Actor, *, lock: bool
) -> tuple[AvailabilityRule, DoctorCalendar]:
    """Lock the doctor first, and read the rule only then."""
    if (found := await work.rule(rule_id)) is None:
        raise NotFound
    calendar = permitted(await calendar_of(work, found.doctor_id, lock=lock), actor)
    if (rule := await work.rule(rule_id)) is None:
        raise NotFound
    check_seen(version, rule.version)
    return rule, calendar


def _changed(
    calendar: DoctorCalendar,
    before: Timetable,
    after: Timetable,
    rule: AvailabilityRule,
    hours: list[Hours],
) -> ChangeOfHours:
    """Return the change, which matters as long as the rule held before, or holds now."""
    first = min(one.valid_from for one in hours)
    ends = [one.valid_until for one in hours]
    last = max((end for end in ends if end is not None), default=first)
    zone = calendar.time_zone
    starts_at = first_instant_at(first, 0, zone)
    ends_at = first_instant_at(date.max - DAY if None in ends else last + DAY, 0, zone)
    return ChangeOfHours(
        before=before,
        after=after,
        rule_ids=frozenset({rule.id}),
        during=Period(starts_at, ends_at) if starts_at < ends_at else None,
    )


def _check(
    calendar: DoctorCalendar, change: ChangeOfHours, rule: AvailabilityRule, clock: Clock
) -> None:
    now = clock.now()
    rule.hours.check(calendar.time_zone, today=local_day(now, calendar.time_zone))
    change.before.check_rule(rule)
    change.after.check_size(horizon_of(now, calendar.horizon_days), before=change.before)
