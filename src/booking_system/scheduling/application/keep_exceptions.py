"""Use cases: a doctor has other hours on one date, and has not, after all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

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
from booking_system.scheduling.domain.availability import Hours, horizon_of
from booking_system.scheduling.domain.local_time import span_of
from booking_system.scheduling.domain.overview import local_day
from booking_system.scheduling.domain.timetable import AvailabilityException, Timetable
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import DoctorId, Identities, RuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateException:
    """Adds hours of one date, or puts them in the place of the rules'; slots follow."""

    transaction: AvailabilityTransaction
    look: AvailabilityTransaction
    clock: Clock
    identities: Identities

    async def __call__(  # noqa: PLR0913
        self,
        *,
        doctor_id: DoctorId,
        day: date,
        hours: Sequence[Hours],
        replaces: bool,
        dry_run: bool,
        actor: Actor,
    ) -> tuple[AvailabilityException, Followed]:
        """Return the exception and what it did, or would do, to slots.

        Raises `NotFound` for an unknown doctor, `NotPermitted`, `Invalid`, `NonexistentLocalTime`,
        `AvailabilityOverlap`, `PlanTooLarge`.
        """
        async with (self.look if dry_run else self.transaction)() as work:
            now = self.clock.now()
            calendar = permitted(await calendar_of(work, doctor_id, lock=not dry_run), actor)
            made = AvailabilityException(
                id=RuleId(self.identities.new()),
                clinic_id=calendar.clinic_id,
                doctor_id=doctor_id,
                day=day,
                replaces=replaces,
                hours=hours,
                created_at=now,
            )
            made.check(calendar.time_zone, today=local_day(now, calendar.time_zone))
            before = await work.timetable(calendar, now=now)
            before.check_exception(made)
            change = _changed(calendar, before, before.with_exception(made), made)
            change.after.check_size(horizon_of(now, calendar.horizon_days), before=before)
            if dry_run:
                return made, await preview(work, calendar, change, now=now)
            followed = await follow(work, calendar, change, self.clock)
            # The same time as that of its slots, so that these can be counted later.
            stored = replace(made, created_at=followed.at)
            await work.add_exception(stored)
            return stored, followed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteException:
    """Takes an exception back; slots follow the rules again."""

    transaction: AvailabilityTransaction
    look: AvailabilityTransaction
    clock: Clock

    async def __call__(self, *, exception_id: RuleId, dry_run: bool, actor: Actor) -> Followed:
        """Return what that does to slots. Raises `NotFound`, `NotPermitted`, `PlanTooLarge`."""
        async with (self.look if dry_run else self.transaction)() as work:
            now = self.clock.now()
            made, calendar = await _found(work, exception_id, actor, lock=not dry_run)
            before = await work.timetable(calendar, now=now)
            change = _changed(calendar, before, before.without(made.id), made)
            change.after.check_size(horizon_of(now, calendar.horizon_days), before=before)
            if dry_run:
                return await preview(work, calendar, change, now=now)
            await work.end_exception(made, now=now)
            return await follow(work, calendar, change, self.clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowException:
    """Looks at one exception."""

    transaction: AvailabilityTransaction

    async def __call__(self, *, exception_id: RuleId, actor: Actor) -> AvailabilityException:
        """Return it. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            made, _ = await _found(work, exception_id, actor, lock=False)
            return made

    async def as_made(
        self, *, exception_id: RuleId, actor: Actor
    ) -> tuple[AvailabilityException, int]:
        """Return it, and how many slots it opened at first. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            made, _ = await _found(work, exception_id, actor, lock=False)
            return made, await work.generated(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExceptions:
    """Lists the exceptions of a doctor, by date."""

    transaction: AvailabilityTransaction

    async def __call__(  # noqa: PLR0913
        self,
        *,
        doctor_id: DoctorId,
        first: date | None,
        until: date | None,
        after: tuple[date, UUID] | None,
        limit: int,
        actor: Actor,
    ) -> Sequence[AvailabilityException]:
        """Return a page, one more than `limit` where there is another; `until` is not within.

        Raises `NotFound`, `NotPermitted`.
        """
        async with self.transaction() as work:
            permitted(await work.doctor(doctor_id), actor)
            return await work.exceptions_page(
                doctor_id, first=first, until=until, after=after, limit=limit
            )


async def _found(
    work: AvailabilityWork, exception_id: RuleId, actor: Actor, *, lock: bool
) -> tuple[AvailabilityException, DoctorCalendar]:
    """Lock the doctor first, and read the exception only then."""
    if (found := await work.exception(exception_id)) is None:
        raise NotFound
    calendar = permitted(await calendar_of(work, found.doctor_id, lock=lock), actor)
    if (locked := await work.exception(exception_id)) is None:
        raise NotFound
    return locked, calendar


def _changed(
    calendar: DoctorCalendar, before: Timetable, after: Timetable, made: AvailabilityException
) -> ChangeOfHours:
    return ChangeOfHours(
        before=before,
        after=after,
        rule_ids=frozenset({made.id}),
        during=span_of(made.day, calendar.time_zone),
    )
