"""Use case: a clinic changes, and the calendars follow its clock and its horizon."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from booking_system.desk.application.absence_ports import AbsenceTransaction
from booking_system.desk.application.affected import MOST_LISTED
from booking_system.desk.application.clinic_ports import (
    ChangesClinics,
    ClinicCalendarTransaction,
    ClinicCalendarWork,
    PlansDoctors,
    Whole,
)
from booking_system.desk.domain.clock_change import (
    ClinicClock,
    MovedBooking,
    Stretch,
    following_their_dates,
    stretches_between,
)
from booking_system.desk.domain.refusals import BookingsAffected
from booking_system.directory.domain.clinic import Clinic
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.absence import AbsenceCalendar
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId

MOST_MOVED = 10_000
FEW_DOCTORS = 3
FEW_SLOTS = 2_000
"""So many are planned at once; more of them in the background."""
SECONDS_TO_PLAN = 2.0
DAY = timedelta(days=1)


class Calendars(StrEnum):
    """How far the calendars have followed."""

    COMPLETE = "complete"
    BEING_FILLED = "being_filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicChange:
    """The clinic, as it is or would be, and what that does to its calendars.

    `calendars` is None where they have nothing to follow. `moved_bookings` are ten thousand of
    `moved_count` at most.
    """

    clinic: Clinic
    calendars: Calendars | None = None
    moved_bookings: Sequence[MovedBooking] = ()
    moved_count: int = 0
    doctors: Sequence[DoctorId] = ()


class _OnlyTriedError(Exception):
    """Leaves the transaction without a trace; carries what was found out."""

    def __init__(self, found: ClinicChange) -> None:
        super().__init__()
        self.found = found


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeClinic:
    """Changes a clinic or its policy in one transaction with all that hangs on its clock."""

    whole: Whole
    change: ChangesClinics
    calendars: ClinicCalendarTransaction
    absences: AbsenceTransaction
    plan: PlansDoctors
    clock: Clock

    async def __call__(  # noqa: PLR0913
        self,
        *,
        clinic_id: ClinicId,
        changes: Mapping[str, Any],
        version: int | None,
        dry_run: bool,
        keep: bool,
        actor: Actor,
    ) -> ClinicChange:
        """Return the clinic, and which appointments begin at another time by its clock.

        Raises `NotFound`, `NotPermitted`, `Stale`, `SlugTaken`, `Invalid`, and, unless they are to
        be kept, `BookingsAffected` for those appointments.
        """
        if not dry_run and not _moves_calendars(changes):
            clinic = await self.change(
                clinic_id=clinic_id, changes=changes, version=version, actor=actor
            )
            return ClinicChange(clinic=clinic)
        try:
            async with self.whole():
                done = await self._change(
                    clinic_id, changes, version, actor, keep=keep, dry_run=dry_run
                )
        except _OnlyTriedError as tried:
            return tried.found
        if done.doctors and await self._planned(done.doctors):
            return replace(done, calendars=Calendars.COMPLETE)
        return done

    async def _change(  # noqa: PLR0913
        self,
        clinic_id: ClinicId,
        changes: Mapping[str, Any],
        version: int | None,
        actor: Actor,
        *,
        keep: bool,
        dry_run: bool,
    ) -> ClinicChange:
        async with self.calendars() as work:
            was = await work.lock(clinic_id)
        clinic = await self.change(
            clinic_id=clinic_id, changes=changes, version=version, actor=actor
        )
        if was is None:
            raise NotFound
        done = ClinicChange(clinic=clinic)
        if clinic.time_zone != was.time_zone:
            done = await self._follow(done, was, keep=keep, dry_run=dry_run)
        elif clinic.policy.horizon_days > was.horizon_days:
            done = replace(done, calendars=Calendars.BEING_FILLED)
        if dry_run:
            raise _OnlyTriedError(replace(done, clinic=_as_tagged(clinic)))
        if done.calendars is not None:
            async with self.calendars() as work:
                await work.ask_for_plans(clinic_id, now=self.clock.now())
        return done

    async def _follow(
        self, done: ClinicChange, was: ClinicClock, *, keep: bool, dry_run: bool
    ) -> ClinicChange:
        """Move the calendars to another clock; appointments stay at their instants."""
        clinic, now = done.clinic, self.clock.now()
        async with self.calendars() as work:
            stretches = await self._stretches(work, clinic, was, now)
            moved = await self._moved(work, clinic, was, stretches, now)
            if dry_run:
                return replace(moved, calendars=Calendars.BEING_FILLED)
            if moved.moved_count and not keep:
                raise _affected(moved)
            await work.lock_slots(clinic.id, now=now)
            moved = await self._moved(work, clinic, was, stretches, now)
            withdrawn = await work.set_clocks(clinic.id, stretches, now=now)
            doctors = await work.doctors(clinic.id, most=FEW_DOCTORS + 1)
        await self._move_closures(clinic, now)
        is_quick = len(doctors) <= FEW_DOCTORS and withdrawn <= FEW_SLOTS
        return replace(moved, calendars=Calendars.BEING_FILLED, doctors=doctors if is_quick else ())

    async def _stretches(
        self, work: ClinicCalendarWork, clinic: Clinic, was: ClinicClock, now: datetime
    ) -> Sequence[Stretch]:
        last = await work.last_start(clinic.id)
        until = max(now, last or now) + DAY
        return stretches_between(now, until, was=was.time_zone, now=clinic.time_zone)

    async def _moved(
        self,
        work: ClinicCalendarWork,
        clinic: Clinic,
        was: ClinicClock,
        stretches: Sequence[Stretch],
        now: datetime,
    ) -> ClinicChange:
        zones = (was.time_zone, clinic.time_zone)
        found, count = await work.moved_bookings(
            clinic.id, stretches, zones, now=now, most=MOST_MOVED
        )
        return ClinicChange(clinic=clinic, moved_bookings=found, moved_count=count)

    async def _move_closures(self, clinic: Clinic, now: datetime) -> None:
        async with self.calendars() as work:
            standing = await work.closures_since(clinic.id, since=now - 2 * DAY)
        moved = following_their_dates(standing, clinic.time_zone, now=now)
        if not moved:
            return
        place = AbsenceCalendar(clinic_id=clinic.id, time_zone=clinic.time_zone)
        async with self.absences() as absences:
            for closure in moved:
                await absences.save(closure)
            await absences.close_slots(place, moved, now=now)
            for closure in moved:
                await absences.open_left(closure, now=now)

    async def _planned(self, doctors: Sequence[DoctorId]) -> bool:
        """Say whether all could be planned now; what could not was asked for already."""
        try:
            async with asyncio.timeout(SECONDS_TO_PLAN):
                parts = [await self.plan(doctor_id=doctor_id) for doctor_id in doctors]
        except Exception:  # noqa: BLE001  (any failure: it is done in the background)
            return False
        return all(part.planned_until is None for part in parts)


def _moves_calendars(changes: Mapping[str, Any]) -> bool:
    return "time_zone" in changes or "horizon_days" in changes.get("policy", {})


def _as_tagged(clinic: Clinic) -> Clinic:
    """Return a clinic that was not stored with the version that still stands."""
    return replace(clinic, version=clinic.version - 1)


def _affected(moved: ClinicChange) -> BookingsAffected:
    listed = [
        {
            "id": one.id,
            "reference": one.reference,
            "doctor_id": one.doctor_id,
            "starts_at": one.starts_at,
        }
        for one in moved.moved_bookings[:MOST_LISTED]
    ]
    return BookingsAffected(bookings=listed, count=moved.moved_count)
