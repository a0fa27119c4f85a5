"""Use case: the desk, or a doctor, looks at a day of the calendar."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from booking_system.desk.domain.day import CalendarPage, DayView
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.absence import AbsenceCalendar
from booking_system.scheduling.domain.local_time import day_of
from booking_system.scheduling.domain.overview import local_day
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId
from booking_system.shared_kernel.period import Period


class CalendarSnapshot(Protocol):
    """Calendars as they are at one moment, however many questions are asked."""

    async def clinic(self, clinic_id: ClinicId) -> AbsenceCalendar | None:
        """Return the clinic's calendar; None where the clinic is gone."""
        ...

    async def doctor(self, doctor_id: DoctorId) -> AbsenceCalendar | None:
        """Return the doctor's calendar; None where the doctor or the clinic is gone."""
        ...

    async def page(self, place: AbsenceCalendar, period: Period) -> CalendarPage:
        """Return what overlaps the period: in few statements, whatever the number of doctors."""
        ...


CalendarSnapshots = Callable[[], AbstractAsyncContextManager[CalendarSnapshot]]
"""Opens one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDay:
    """Shows one local day. Without a date: today, by the clinic's clock."""

    snapshot: CalendarSnapshots
    clock: Clock

    async def of_doctor(self, *, doctor_id: DoctorId, day: date | None, actor: Actor) -> DayView:
        """Return it. Raises `NotFound`, `NotPermitted`, `NonexistentLocalTime`."""
        async with self.snapshot() as calendars:
            return await self._show(calendars, await calendars.doctor(doctor_id), day, actor)

    async def of_clinic(self, *, clinic_id: ClinicId, day: date | None, actor: Actor) -> DayView:
        """Return it. Raises `NotFound`, `NotPermitted`, `NonexistentLocalTime`."""
        async with self.snapshot() as calendars:
            return await self._show(calendars, await calendars.clinic(clinic_id), day, actor)

    async def _show(
        self,
        calendars: CalendarSnapshot,
        place: AbsenceCalendar | None,
        day: date | None,
        actor: Actor,
    ) -> DayView:
        if place is None:
            raise NotFound
        if not place.is_seen_by(actor):
            raise NotPermitted
        now = self.clock.now()
        shown = day or local_day(now, place.time_zone)
        period = day_of(shown, place.time_zone)
        page = await calendars.page(place, period)
        return DayView(place=place, date=shown, period=period, now=now, page=page)
