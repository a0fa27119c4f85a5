"""All that scheduling needs from the outside world."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.events import SlotEvent
from booking_system.scheduling.domain.overview import (
    CalendarSearch,
    NextSearch,
    SoonestDoctor,
)
from booking_system.scheduling.domain.search import (
    AgreedNeed,
    Cover,
    FoundSlot,
    SlotFilter,
    SlotSearch,
    Visits,
)
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    ServiceId,
    SlotId,
)
from booking_system.shared_kernel.period import Period


class ClinicOfDoctor(NamedTuple):
    """A clinic, and the zone that its clock is in."""

    id: ClinicId
    time_zone: str


class Slots(Protocol):
    """The time slots, inside one transaction."""

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicOfDoctor | None:
        """Return the clinic of a doctor who is there, and keep both from being removed."""
        ...

    async def clash(self, doctor_id: DoctorId, periods: Sequence[Period]) -> int | None:
        """Return the place of the first period that overlaps a live slot of the doctor."""
        ...

    async def add(
        self, slots: Sequence[TimeSlot], *, time_zone: str, now: datetime
    ) -> Sequence[TimeSlot]:
        """Add all or none, of one doctor; return them as they were stored.

        Time off and closures have closed what they cover. Raises `SlotOverlap` where a rival was
        faster.
        """
        ...

    async def lock_calendar_of(self, slot_id: SlotId) -> None:
        """Keep everybody waiting who would add slots of its doctor; comes before any slot."""
        ...

    async def lock(self, slot_id: SlotId) -> TimeSlot | None:
        """Return the slot as it is now and keep rivals waiting until the transaction ends."""
        ...

    async def is_away(self, slot: TimeSlot) -> bool:
        """Say whether time off of its doctor, or a closure of its clinic, covers any of it."""
        ...

    async def save(self, slot: TimeSlot) -> None:
        """Store whether it is closed."""
        ...

    async def delete(self, slot: TimeSlot, *, now: datetime) -> None:
        """Take it out of sight. What a rule wants is remembered, so that it does not come back."""
        ...

    async def record(self, event: SlotEvent) -> None:
        """Store what is told of the change with the change itself."""
        ...

    async def refill(self, slot: TimeSlot, *, now: datetime) -> None:
        """Open what the hours in force want where the slot was. The calendar is locked."""
        ...


SchedulingTransaction = Callable[[], AbstractAsyncContextManager[Slots]]
"""Opens a transaction: leaving the block commits, an exception undoes everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSlot:
    """A slot with what surrounds it, for whoever looks at it by itself."""

    slot: TimeSlot
    found: FoundSlot


class SlotFinder(Protocol):
    """Reads slots without locking anything."""

    async def find(self, search: SlotSearch, *, now: datetime) -> Sequence[FoundSlot]:
        """Return the bookable slots in time order, one more than `limit` where there are more.

        Bookable: open, in the future, and inside the clinic's notice and horizon.
        """
        ...

    async def digest(self, search: SlotSearch, *, now: datetime) -> Hashable:
        """Return something that differs whenever `find` would return anything else."""
        ...

    async def show(self, slot_id: SlotId) -> ShownSlot | None:
        """Return one slot of any status; None where there is none."""
        ...

    async def several(self, slot_ids: Sequence[SlotId]) -> Sequence[TimeSlot]:
        """Return those that there are, of any status, in the order of the ids."""
        ...

    async def unknown(self, wanted: SlotFilter) -> Sequence[str]:
        """Name the filters whose id is of nothing that there is, or that is deleted."""
        ...

    async def nearest(  # noqa: PLR0913
        self,
        slot_id: SlotId,
        *,
        now: datetime,
        most: int,
        service_id: ServiceId | None = None,
        visits: Visits | None = None,
        moves: AgreedNeed | None = None,
        unless: Cover | None = None,
    ) -> Sequence[FoundSlot]:
        """Return bookable slots near this one in time: of its doctor, then of its clinic.

        As a `SlotFilter` wants them, of which an appointment that `moves` knows the service. None
        that `unless` covers.
        """
        ...


class SlotOverview(Protocol):
    """Reads overviews of what could be booked, without locking anything."""

    async def next(self, search: NextSearch, *, now: datetime) -> Sequence[SoonestDoctor]:
        """Return the doctors with the soonest bookable slots, soonest first."""
        ...

    async def zone_of(self, wanted: SlotFilter) -> str | None:
        """Return the time zone that the calendar is in; None where there is nobody to show."""
        ...

    async def count(
        self, search: CalendarSearch, days: Sequence[Period], *, now: datetime
    ) -> dict[int, tuple[int, datetime]]:
        """Return how many bookable slots begin on each day, by its place, and the first start.

        Days without any are left out.
        """
        ...


AgreedNeeds = Callable[[AppointmentId, Actor | None], Awaitable[AgreedNeed]]
"""Says what is to be moved. Raises `NotFound` for a caller who is no party to it, `Invalid`."""
