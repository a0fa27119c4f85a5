"""Use cases: who keeps the hours of a doctor reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.application.availability_ports import (
    AvailabilityTransaction,
    AvailabilityWork,
    DoctorCalendar,
)
from booking_system.scheduling.domain.availability import AvailabilityRule
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import DoctorId, RuleId


class SeenRule(NamedTuple):
    """A rule, and until when (UTC) the calendar of its doctor follows the hours; None: wholly."""

    rule: AvailabilityRule
    filled_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAvailability:
    """Looks at one rule."""

    transaction: AvailabilityTransaction

    async def __call__(self, *, rule_id: RuleId, actor: Actor) -> SeenRule:
        """Return it, and until when its slots are made. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            rule = await self._seen(work, rule_id, actor)
            return SeenRule(rule, await work.planned_until(rule.doctor_id))

    async def as_made(self, *, rule_id: RuleId, actor: Actor) -> tuple[SeenRule, int]:
        """Return it, and how many slots it opened at first. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            rule = await self._seen(work, rule_id, actor)
            filled_until = await work.planned_until(rule.doctor_id)
            return SeenRule(rule, filled_until), await work.generated(rule)

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
    ) -> Sequence[SeenRule]:
        """Return a page, one more than `limit` where there is another.

        Raises `NotFound`, `NotPermitted`.
        """
        async with self.transaction() as work:
            permitted(await work.doctor(doctor_id), actor)
            filled_until = await work.planned_until(doctor_id)
            found = await work.page(doctor_id, after=after, limit=limit)
            return [SeenRule(rule, filled_until) for rule in found]


def permitted(calendar: DoctorCalendar | None, actor: Actor) -> DoctorCalendar:
    """Return the calendar. Raises `NotFound`, `NotPermitted`."""
    if calendar is None:
        raise NotFound
    if not actor.schedules(calendar.clinic_id, calendar.doctor_id):
        raise NotPermitted
    return calendar


async def calendar_of(
    work: AvailabilityWork, doctor_id: DoctorId, *, lock: bool
) -> DoctorCalendar | None:
    """Return the doctor's calendar; a look locks nothing."""
    return await (work.lock_doctor(doctor_id) if lock else work.doctor(doctor_id))
