"""Use cases: a doctor takes time off, a clinic closes for days, and each is taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.party import Party, Side
from booking_system.desk.application.absence_ports import AbsenceTransaction, AbsenceWork
from booking_system.desk.application.affected import (
    affected_by,
    bookings_affected,
    open_slots_of,
)
from booking_system.desk.domain.removal import OnConflict
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.absence import (
    Absence,
    AbsenceCalendar,
    Closure,
    TimeOff,
    time_off_of,
)
from booking_system.scheduling.domain.local_time import day_of
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    ClosureId,
    DoctorId,
    Identities,
    TimeOffId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTimeOff:
    """Closes a doctor's slots for a period, and deals with the appointments in it."""

    transaction: AbsenceTransaction
    clock: Clock
    identities: Identities

    async def __call__(  # noqa: PLR0913
        self,
        *,
        doctor_id: DoctorId,
        starts_at: datetime,
        ends_at: datetime,
        reason: str | None,
        on_conflict: OnConflict | None,
        actor: Actor,
    ) -> TimeOff:
        """Return the new time off.

        Raises `NotFound`, `NotPermitted`, `Invalid`, `BookingsAffected`.
        """
        async with self.transaction() as work:
            place = permitted(await work.doctor(doctor_id, lock=True), actor)
            now = self.clock.now()
            made = TimeOff(
                id=TimeOffId(self.identities.new()),
                clinic_id=place.clinic_id,
                doctor_id=doctor_id,
                period=time_off_of(starts_at, ends_at),
                reason=reason,
                created_at=now,
            )
            await _close(work, place, [made], on_conflict, actor, now)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseClinic:
    """Closes the slots of all doctors of a clinic on some days."""

    transaction: AbsenceTransaction
    clock: Clock
    identities: Identities

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        days: Sequence[date],
        reason: str | None,
        on_conflict: OnConflict | None,
        actor: Actor,
    ) -> Sequence[Closure]:
        """Return the closures of these days. A day that is closed already keeps its closure.

        Raises `NotFound`, `NotPermitted`, `NonexistentLocalTime`, `BookingsAffected`.
        """
        async with self.transaction() as work:
            place = permitted(await work.clinic(clinic_id, lock=True), actor)
            now = self.clock.now()
            standing = {one.date: one for one in await work.closures_on(clinic_id, days)}
            made = [
                Closure(
                    id=ClosureId(self.identities.new()),
                    clinic_id=clinic_id,
                    date=day,
                    period=day_of(day, place.time_zone),
                    reason=reason,
                    created_at=now,
                )
                for day in days
                if day not in standing
            ]
            if made:
                await _close(work, place, made, on_conflict, actor, now)
        return [*standing.values(), *made]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTimeOff:
    """Ends time off, and reopens exactly the slots that it closed."""

    transaction: AbsenceTransaction
    clock: Clock

    async def __call__(self, *, time_off_id: TimeOffId, version: int | None, actor: Actor) -> None:
        """Raises `NotFound`, `NotPermitted`, `Stale`."""
        async with self.transaction() as work:
            if (found := await work.time_off(time_off_id)) is None:
                raise NotFound
            permitted(await work.doctor(found.doctor_id, lock=True), actor)
            if (locked := await work.time_off(time_off_id)) is None:
                raise NotFound
            check_seen(version, locked.version)
            await work.end(locked, now=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenClinic:
    """Ends one closure, and reopens exactly the slots that it closed."""

    transaction: AbsenceTransaction
    clock: Clock

    async def __call__(
        self, *, clinic_id: ClinicId, closure_id: ClosureId, version: int | None, actor: Actor
    ) -> None:
        """Raises `NotFound`, `NotPermitted`, `Stale`."""
        async with self.transaction() as work:
            permitted(await work.clinic(clinic_id, lock=True), actor)
            if (found := await work.closure(clinic_id, closure_id)) is None:
                raise NotFound
            check_seen(version, found.version)
            await work.end(found, now=self.clock.now())


def permitted(place: AbsenceCalendar | None, actor: Actor) -> AbsenceCalendar:
    """Return the calendar. Raises `NotFound`, `NotPermitted`."""
    if place is None:
        raise NotFound
    if not place.is_kept_by(actor):
        raise NotPermitted
    return place


async def _close(  # noqa: PLR0913, PLR0917
    work: AbsenceWork,
    place: AbsenceCalendar,
    absences: Sequence[Absence],
    on_conflict: OnConflict | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Close the slots before the appointments are looked for, so that none is booked meanwhile."""
    await open_slots_of(work, place, absences, now=now)
    await work.add(absences)
    await work.close_slots(place, absences, now=now)
    if on_conflict is not OnConflict.KEEP:
        affected = await affected_by(work, place, absences, now=now, lock=True)
        await settle(work, affected, absences[0].reason, on_conflict, actor, now)


async def settle(  # noqa: PLR0913, PLR0917
    work: AbsenceWork,
    affected: Sequence[Appointment],
    reason: str | None,
    on_conflict: OnConflict | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Cancel the appointments, with the reason of the absence, or raise `BookingsAffected`."""
    if affected and on_conflict is None:
        raise bookings_affected(affected)
    party = Party(side=Side.CLINIC, user_id=actor.user_id)
    for appointment in affected:
        appointment.cancel(party, reason=reason, now=now)
    await work.release(affected)
