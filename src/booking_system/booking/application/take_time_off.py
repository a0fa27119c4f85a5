"""Use cases: a doctor takes time off, a clinic closes for days; and neither, after all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from booking_system.booking.application.absence_ports import AbsenceTransaction, AbsenceWork
from booking_system.booking.application.affected import MOST_LISTED, bookings_affected
from booking_system.booking.application.ports import Alternatives
from booking_system.booking.domain.absence import (
    Absence,
    Closure,
    Place,
    TimeOff,
    cover_of,
    day_of,
    time_off_of,
)
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.party import Party, Side
from booking_system.booking.domain.removal import OnConflict
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.search import Cover, FoundSlot
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    ClosureId,
    DoctorId,
    Identities,
    SlotId,
    TimeOffId,
)

MOST_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsencePreview:
    """What would become of slots and appointments; `affected` has at most a hundred of `count`."""

    closed_slots: int
    count: int
    affected: Sequence[tuple[Appointment, Sequence[FoundSlot]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewAbsence:
    """Looks, without a lock, at what time off or closures would do."""

    transaction: AbsenceTransaction
    alternatives: Alternatives
    clock: Clock

    async def time_off(
        self, *, doctor_id: DoctorId, starts_at: datetime, ends_at: datetime, actor: Actor
    ) -> AbsencePreview:
        """Return it. Raises as `TakeTimeOff` does."""
        now = self.clock.now()
        async with self.transaction() as work:
            place = permitted(await work.doctor(doctor_id, lock=False), actor)
            absence = TimeOff(
                id=TimeOffId(doctor_id),
                clinic_id=place.clinic_id,
                doctor_id=doctor_id,
                period=time_off_of(starts_at, ends_at),
                reason=None,
                created_at=now,
            )
            return await self._preview(work, place, [absence], now)

    async def closures(
        self, *, clinic_id: ClinicId, days: Sequence[date], actor: Actor
    ) -> AbsencePreview:
        """Return it. Raises as `CloseClinic` does."""
        now = self.clock.now()
        async with self.transaction() as work:
            place = permitted(await work.clinic(clinic_id, lock=False), actor)
            closed = {one.date for one in await work.closures_on(clinic_id, days)}
            absences = [
                Closure(
                    id=ClosureId(clinic_id),
                    clinic_id=clinic_id,
                    date=day,
                    period=day_of(day, place.time_zone),
                    reason=None,
                    created_at=now,
                )
                for day in days
                if day not in closed
            ]
            return await self._preview(work, place, absences, now)

    async def _preview(
        self, work: AbsenceWork, place: Place, absences: Sequence[Absence], now: datetime
    ) -> AbsencePreview:
        closed = await work.open_slots(place, absences, now=now)
        affected = await work.affected(place, absences, now=now, lock=False)
        cover = cover_of(place, absences)
        listed: list[tuple[Appointment, Sequence[FoundSlot]]] = []
        offered: set[SlotId] = set()
        for one in affected[:MOST_LISTED]:
            found = await self._instead(one, cover, offered, now)
            offered |= {slot.id for slot in found}
            listed.append((one, found))
        return AbsencePreview(closed_slots=closed, count=len(affected), affected=listed)

    async def _instead(
        self, one: Appointment, cover: Cover, offered: Collection[SlotId], now: datetime
    ) -> Sequence[FoundSlot]:
        """Return where it could go: what nobody else is offered, or else what there is."""
        about: dict[str, Any] = {"moves": one.id, "patient_id": one.patient_id, "unless": cover}
        found = list(
            await self.alternatives(
                one.time_slot_id,
                now=now,
                most=MOST_ALTERNATIVES,
                besides=sorted(offered),
                **about,
            )
        )
        if offered and len(found) < MOST_ALTERNATIVES:
            shared = await self.alternatives(
                one.time_slot_id, now=now, most=MOST_ALTERNATIVES, **about
            )
            found += [slot for slot in shared if slot not in found]
        return found[:MOST_ALTERNATIVES]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTimeOff:
    """Closes a doctor's slots for a while."""

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
        """Return it. Raises `NotFound`, `NotPermitted`, `Invalid`, `BookingsAffected`."""
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
        """Return the closures of these days; one that stands already stays as it is.

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
    """Takes time off back: opens exactly what it closed."""

    transaction: AbsenceTransaction
    clock: Clock

    async def __call__(self, *, time_off_id: TimeOffId, actor: Actor) -> None:
        """Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            if (found := await work.time_off(time_off_id)) is None:
                raise NotFound
            permitted(await work.doctor(found.doctor_id, lock=True), actor)
            if (locked := await work.time_off(time_off_id)) is None:
                raise NotFound
            await work.end(locked, now=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenClinic:
    """Takes one closure back: opens exactly what it closed."""

    transaction: AbsenceTransaction
    clock: Clock

    async def __call__(self, *, clinic_id: ClinicId, closure_id: ClosureId, actor: Actor) -> None:
        """Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            permitted(await work.clinic(clinic_id, lock=True), actor)
            if (found := await work.closure(clinic_id, closure_id)) is None:
                raise NotFound
            await work.end(found, now=self.clock.now())


def permitted(place: Place | None, actor: Actor) -> Place:
    """Return the calendar. Raises `NotFound`, `NotPermitted`."""
    if place is None:
        raise NotFound
    if not place.is_kept_by(actor):
        raise NotPermitted
    return place


async def _close(  # noqa: PLR0913, PLR0917
    work: AbsenceWork,
    place: Place,
    absences: Sequence[Absence],
    on_conflict: OnConflict | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Close the slots first, so that no booking slips in while we look for bookings."""
    await work.add(absences)
    await work.close_slots(place, absences, now=now)
    if on_conflict is OnConflict.KEEP:
        return
    affected = await work.affected(place, absences, now=now, lock=True)
    if affected and on_conflict is None:
        raise bookings_affected(affected)
    party = Party(side=Side.CLINIC, user_id=actor.user_id)
    for appointment in affected:
        appointment.cancel(party, reason=None, now=now)
    await work.release(affected)
