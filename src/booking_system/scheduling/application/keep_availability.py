"""Use cases: the weekly hours of a doctor come, change and go, and time slots with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.application.availability_ports import (
    AvailabilityTransaction,
    AvailabilityWork,
    DoctorCalendar,
)
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours, horizon_of
from booking_system.scheduling.domain.refusals import AvailabilityOverlap
from booking_system.scheduling.domain.slot_plan import SlotPlan, WishedSlot, plan
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import DoctorId, Identities, RuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAvailability:
    """Adds hours, and makes their slots as far as the clinic takes bookings."""

    transaction: AvailabilityTransaction
    clock: Clock
    identities: Identities

    async def __call__(
        self, *, doctor_id: DoctorId, hours: Hours, dry_run: bool, actor: Actor
    ) -> tuple[AvailabilityRule, SlotPlan]:
        """Return the rule and what it made, or would make.

        Raises `NotFound` for an unknown doctor, `NotPermitted`, `Invalid`, `NonexistentLocalTime`,
        `AvailabilityOverlap`.
        """
        async with self.transaction() as work:
            now = self.clock.now()
            calendar = _permitted(await work.lock_doctor(doctor_id), actor)
            hours.check(calendar.time_zone)
            rule = AvailabilityRule(
                id=RuleId(self.identities.new()),
                clinic_id=calendar.clinic_id,
                doctor_id=doctor_id,
                hours=hours,
                created_at=now,
                updated_at=now,
            )
            await _check_overlap(work, rule)
            planned = await _planned(work, calendar, rule, hours, self.clock)
            if not dry_run:
                await work.add_rule(rule)
                await work.carry_out(planned, calendar, now=now)
        return rule, planned


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAvailability:
    """Changes hours: slots that are open follow, what is booked or held stays."""

    transaction: AvailabilityTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        rule_id: RuleId,
        changes: Mapping[str, Any],
        version: int | None,
        dry_run: bool,
        actor: Actor,
    ) -> tuple[AvailabilityRule, SlotPlan]:
        """Return the rule as it is now, or would be, and what that does to slots.

        Raises `NotFound`, `NotPermitted`, `Stale`, `Invalid`, `NonexistentLocalTime`,
        `AvailabilityOverlap`.
        """
        async with self.transaction() as work:
            now = self.clock.now()
            rule, calendar = await _locked(work, rule_id, version, actor)
            hours = replace(rule.hours, **changes)
            hours.check(calendar.time_zone)
            changed = replace(rule, hours=hours, version=rule.version + 1, updated_at=now)
            await _check_overlap(work, changed)
            planned = await _planned(work, calendar, changed, hours, self.clock)
            if not dry_run:
                await work.save_rule(changed)
                await work.carry_out(planned, calendar, now=now)
        return changed, planned


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAvailability:
    """Takes hours back, with their open slots."""

    transaction: AvailabilityTransaction
    clock: Clock

    async def __call__(
        self, *, rule_id: RuleId, version: int | None, dry_run: bool, actor: Actor
    ) -> SlotPlan:
        """Return what that does to slots. Raises `NotFound`, `NotPermitted`, `Stale`."""
        async with self.transaction() as work:
            now = self.clock.now()
            rule, calendar = await _locked(work, rule_id, version, actor)
            planned = await _planned(work, calendar, rule, None, self.clock)
            if not dry_run:
                gone = replace(rule, version=rule.version + 1, updated_at=now)
                await work.save_rule(gone, deleted_at=now)
                await work.carry_out(planned, calendar, now=now)
        return planned


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAvailability:
    """Looks at one rule."""

    transaction: AvailabilityTransaction

    async def __call__(self, *, rule_id: RuleId, actor: Actor) -> AvailabilityRule:
        """Return it. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            return await self._seen(work, rule_id, actor)

    async def as_made(self, *, rule_id: RuleId, actor: Actor) -> tuple[AvailabilityRule, int]:
        """Return it, and how many slots it opened at first. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            rule = await self._seen(work, rule_id, actor)
            return rule, await work.generated(rule)

    async def _seen(
        self, work: AvailabilityWork, rule_id: RuleId, actor: Actor
    ) -> AvailabilityRule:
        rule = await work.rule(rule_id)
        if rule is None:
            raise NotFound
        if not actor.schedules(rule.clinic_id, rule.doctor_id):
            raise NotPermitted
        return rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAvailability:
    """Lists the rules of a doctor."""

    transaction: AvailabilityTransaction

    async def __call__(
        self, *, doctor_id: DoctorId, after: UUID | None, limit: int, actor: Actor
    ) -> Sequence[AvailabilityRule]:
        """Return a page, one more than `limit` where there is another.

        Raises `NotFound`, `NotPermitted`.
        """
        async with self.transaction() as work:
            _permitted(await work.doctor(doctor_id), actor)
            return await work.page(doctor_id, after=after, limit=limit)


def _permitted(calendar: DoctorCalendar | None, actor: Actor) -> DoctorCalendar:
    if calendar is None:
        raise NotFound
    if not actor.schedules(calendar.clinic_id, calendar.doctor_id):
        raise NotPermitted
    return calendar


async def _locked(
    work: AvailabilityWork, rule_id: RuleId, version: int | None, actor: Actor
) -> tuple[AvailabilityRule, DoctorCalendar]:
    """Lock the doctor first, and read the rule only then."""
    if (found := await work.rule(rule_id)) is None:
        raise NotFound
    calendar = _permitted(await work.lock_doctor(found.doctor_id), actor)
    if (rule := await work.rule(rule_id)) is None:
        raise NotFound
    if version is not None and version != rule.version:
        raise Stale
    return rule, calendar


async def _check_overlap(work: AvailabilityWork, rule: AvailabilityRule) -> None:
    for other in await work.rules(rule.doctor_id):
        if other.id != rule.id and other.hours.overlaps(rule.hours):
            raise AvailabilityOverlap(availability_id=other.id)


async def _planned(
    work: AvailabilityWork,
    calendar: DoctorCalendar,
    rule: AvailabilityRule,
    hours: Hours | None,
    clock: Clock,
) -> SlotPlan:
    """Judge by the time after the locks: what has begun meanwhile stays as it is."""
    await work.lock_slots(rule.doctor_id, [rule.id], now=clock.now())
    now = clock.now()
    present = await work.present(rule.doctor_id, now=now)
    horizon = horizon_of(now, calendar.horizon_days)
    wished = [] if hours is None else hours.slots_within(horizon, calendar.time_zone)
    return plan(
        present,
        [WishedSlot(rule_id=rule.id, period=period, mode=rule.hours.mode) for period in wished],
        of=frozenset({rule.id}),
        until=None if hours is None else horizon.ends_at,
    )
