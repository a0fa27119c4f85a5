"""Use case: somebody looks at what time off or closures would do before they decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from booking_system.booking.domain.agreed import agreed_for
from booking_system.booking.domain.appointment import Appointment
from booking_system.desk.application.absence_ports import (
    AbsenceTransaction,
    AbsenceWork,
    Alternatives,
)
from booking_system.desk.application.affected import MOST_LISTED, affected_by, open_slots_of
from booking_system.desk.application.change_absence import entered, the_closure, the_time_off
from booking_system.desk.application.take_time_off import permitted
from booking_system.desk.domain.dealing import dealt
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.absence import (
    Absence,
    AbsenceCalendar,
    Closure,
    TimeOff,
    cover_of,
    time_off_of,
)
from booking_system.scheduling.domain.local_time import day_of
from booking_system.scheduling.domain.search import FoundSlot, Visits
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import ClinicId, ClosureId, DoctorId, TimeOffId

MOST_ALTERNATIVES = 5
MOST_LOOKED_AT = 100
"""Of one appointment, so that each of a hundred finds something where there is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsencePreview:
    """What would become of slots and appointments; `affected` has at most a hundred of `count`."""

    closed_slots: int
    opened_slots: int = 0
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
            return await self._preview(work, place, [absence], actor, now)

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
            return await self._preview(work, place, absences, actor, now)

    async def changed_time_off(
        self,
        *,
        time_off_id: TimeOffId,
        changes: Mapping[str, Any],
        version: int | None,
        actor: Actor,
    ) -> AbsencePreview:
        """Return it. Raises as `ChangeTimeOff` does."""
        async with self.transaction() as work:
            place, was = await the_time_off(work, time_off_id, version, actor, lock=False)
            return await self._changed(work, place, was, was.changed(changes), actor)

    async def changed_closure(
        self,
        *,
        clinic_id: ClinicId,
        closure_id: ClosureId,
        changes: Mapping[str, Any],
        version: int | None,
        actor: Actor,
    ) -> AbsencePreview:
        """Return it. Raises as `ChangeClosure` does."""
        async with self.transaction() as work:
            which = (clinic_id, closure_id)
            place, was, changed = await the_closure(
                work, which, changes, version, actor, lock=False
            )
            return await self._changed(work, place, was, changed, actor)

    async def _changed(
        self,
        work: AbsenceWork,
        place: AbsenceCalendar,
        was: Absence,
        changed: Absence,
        actor: Actor,
    ) -> AbsencePreview:
        now = self.clock.now()
        if was.period == changed.period:
            return AbsencePreview(closed_slots=0, count=0, affected=[])
        opened = await work.opening_slots(changed, now=now)
        preview = await self._preview(work, place, [changed], actor, now, was=was)
        return replace(preview, opened_slots=opened)

    async def _preview(  # noqa: PLR0913, PLR0917
        self,
        work: AbsenceWork,
        place: AbsenceCalendar,
        absences: Sequence[Absence],
        actor: Actor,
        now: datetime,
        was: Absence | None = None,
    ) -> AbsencePreview:
        closed = await open_slots_of(work, place, absences, now=now)
        affected = await affected_by(work, place, absences, now=now, lock=False)
        if was is not None:
            affected = entered(affected, was)
        listed = affected[:MOST_LISTED]
        cover = cover_of(place, absences)
        found = [
            await self.alternatives(
                one.time_slot_id,
                visits=Visits.told_to(actor, one.patient_id),
                moves=agreed_for(one),
                now=now,
                most=min(MOST_ALTERNATIVES * len(listed), MOST_LOOKED_AT),
                unless=cover,
            )
            for one in listed
        ]
        offered = dealt(listed, found, most=MOST_ALTERNATIVES)
        return AbsencePreview(
            closed_slots=closed,
            count=len(affected),
            affected=list(zip(listed, offered, strict=True)),
        )
