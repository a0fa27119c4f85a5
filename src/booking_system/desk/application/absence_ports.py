"""All that time off and closures need from the outside world."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from booking_system.booking.domain.appointment import Appointment
from booking_system.scheduling.domain.absence import (
    Absence,
    AbsenceCalendar,
    AbsencePage,
    Closure,
    TimeOff,
)
from booking_system.scheduling.domain.search import AgreedNeed, Cover, FoundSlot, Visits
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    ClosureId,
    DoctorId,
    SlotId,
    TimeOffId,
)


class AbsenceWork(Protocol):
    """What one transaction over time off or closures can reach."""

    async def doctor(self, doctor_id: DoctorId, *, lock: bool) -> AbsenceCalendar | None:
        """Return the doctor's calendar; None where the doctor or the clinic is gone.

        Locked, nobody adds slots to it or closes them until the transaction ends.
        """
        ...

    async def clinic(self, clinic_id: ClinicId, *, lock: bool) -> AbsenceCalendar | None:
        """Return the clinic's calendar likewise; None where it is gone."""
        ...

    async def time_off(self, time_off_id: TimeOffId) -> TimeOff | None:
        """Return one that stands."""
        ...

    async def closure(self, clinic_id: ClinicId, closure_id: ClosureId) -> Closure | None:
        """Return one of the clinic that stands."""
        ...

    async def closures_on(self, clinic_id: ClinicId, days: Sequence[date]) -> Sequence[Closure]:
        """Return those that stand on these days."""
        ...

    async def some_closures(self, closure_ids: Sequence[UUID]) -> Sequence[Closure]:
        """Return those of these that stand, by day."""
        ...

    async def time_off_page(self, doctor_id: DoctorId, page: AbsencePage) -> Sequence[TimeOff]:
        """Return what the page asks for, and one more where there is another, by start."""
        ...

    async def closure_page(self, clinic_id: ClinicId, page: AbsencePage) -> Sequence[Closure]:
        """Return what the page asks for, and one more where there is another, by start."""
        ...

    async def add(self, absences: Sequence[Absence]) -> None:
        """Store them; they are all of one kind."""
        ...

    async def end(self, absence: Absence, *, now: datetime) -> None:
        """Take it out of sight, and open what it closed unless something else keeps it closed.

        Where the hours do not want it, its time follows the hours.
        """
        ...

    async def save(self, absence: Absence) -> None:
        """Store what has changed about a standing absence."""
        ...

    async def open_left(self, absence: Absence, *, now: datetime) -> None:
        """Open what it closed and covers no longer, unless something else keeps it closed.

        Where the hours do not want it, its time follows the hours.

        `close_slots` was called before: it locks these slots as well.
        """
        ...

    async def opening_slots(self, absence: Absence, *, now: datetime) -> int:
        """Count the slots that are not over and that `open_left` would open for everybody."""
        ...

    async def open_slots(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime
    ) -> int:
        """Count the slots that `close_slots` would close and that nobody has booked."""
        ...

    async def close_slots(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime
    ) -> int:
        """Lock the slots that are not over, ascending, and close them, booked ones too.

        Locks what these absences have closed before as well.

        Their holds end. Returns how many of those that it closed nobody has booked.
        """
        ...

    async def count_affected(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime
    ) -> int:
        """Count the active appointments that are not over."""
        ...

    async def affected(
        self, place: AbsenceCalendar, absences: Sequence[Absence], *, now: datetime, lock: bool
    ) -> Sequence[Appointment]:
        """Return the active appointments that are not over, by start."""
        ...

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """Store cancelled appointments, free their slots, store their events."""
        ...


AbsenceTransaction = Callable[[], AbstractAsyncContextManager[AbsenceWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""


class Alternatives(Protocol):
    """Finds what could be booked instead of an appointment that an absence is in the way of."""

    async def __call__(  # noqa: PLR0913
        self,
        slot_id: SlotId,
        *,
        now: datetime,
        most: int,
        visits: Visits | None = None,
        moves: AgreedNeed | None = None,
        unless: Cover | None = None,
    ) -> Sequence[FoundSlot]:
        """Return the nearest slots in which the appointment could begin, as it was agreed.

        As if it were not there; none for whose time one of the `visits` is another appointment,
        and none that `unless` covers.
        """
        ...
