"""All that a change of a clinic's clock needs from the outside world."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from booking_system.desk.domain.clock_change import ClinicClock, MovedBooking, Stretch
from booking_system.directory.domain.clinic import Clinic
from booking_system.scheduling.domain.absence import Closure
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId


class ClinicCalendarWork(Protocol):
    """What one transaction over all calendars of a clinic can reach."""

    async def lock(self, clinic_id: ClinicId) -> ClinicClock | None:
        """Return its clock, and keep waiting all who plan its calendars; bookings go on."""
        ...

    async def last_start(self, clinic_id: ClinicId) -> datetime | None:
        """Return when its last slot or appointment begins (UTC)."""
        ...

    async def moved_bookings(
        self,
        clinic_id: ClinicId,
        stretches: Sequence[Stretch],
        zones: tuple[str, str],
        *,
        now: datetime,
        most: int,
    ) -> tuple[Sequence[MovedBooking], int]:
        """Return the appointments to come that begin in the stretches, by start, and their number.

        At most `most` of them; `zones` are the old one and the new one.
        """
        ...

    async def lock_slots(self, clinic_id: ClinicId, *, now: datetime) -> None:
        """Lock its slots to come, ascending."""
        ...

    async def set_clocks(
        self, clinic_id: ClinicId, stretches: Sequence[Stretch], *, now: datetime
    ) -> int:
        """Withdraw the free slots in these stretches that rules made; return how many.

        Those that somebody has or holds, or closed by hand, lie outside of the hours until a plan
        wants them again. All that stay are told what the clock shows at their start now.
        """
        ...

    async def closures_since(self, clinic_id: ClinicId, *, since: datetime) -> Sequence[Closure]:
        """Return the closures that stand and end after an instant (UTC)."""
        ...

    async def ask_for_plans(self, clinic_id: ClinicId, *, now: datetime) -> None:
        """Have the calendar of each doctor planned soon."""
        ...

    async def doctors(self, clinic_id: ClinicId, *, most: int) -> Sequence[DoctorId]:
        """Return the doctors who are there, at most so many."""
        ...


ClinicCalendarTransaction = Callable[[], AbstractAsyncContextManager[ClinicCalendarWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""

Whole = Callable[[], AbstractAsyncContextManager[Any]]
"""One transaction around several: leaving the block commits them, an exception undoes all."""

ChangesClinics = Callable[..., Awaitable[Clinic]]
"""Stores what changes about a clinic: the directory's part."""


class Planned(Protocol):
    """What became of one doctor's calendar."""

    @property
    def planned_until(self) -> datetime | None:
        """From when on (UTC) it is yet to be planned; None where all is done."""
        ...


PlansDoctors = Callable[..., Awaitable[Planned]]
"""Plans the calendar of one doctor, or a part of what is much, and commits."""
