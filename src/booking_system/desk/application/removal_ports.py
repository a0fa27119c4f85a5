"""All that removing and restoring need from the outside world."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.booking.domain.appointment import Appointment
from booking_system.desk.domain.removal import Kind, Removable


class RemovalWork(Protocol):
    """What one transaction that removes or restores something can reach."""

    async def lock(self, kind: Kind, identity: UUID) -> Removable | None:
        """Return it, removed or not, and keep rivals waiting; bookings go on."""
        ...

    async def close_slots(self, found: Removable, *, now: datetime) -> None:
        """Lock its slots to come, ascending, and close them, booked ones too.

        Of a patient or a service: lock the slots of the appointments.
        """
        ...

    async def reopen_slots(self, found: Removable) -> None:
        """Open what `close_slots` closed, unless something else keeps it closed."""
        ...

    async def affected(self, found: Removable, *, now: datetime) -> Sequence[Appointment]:
        """Return and lock its active appointments to come; their slots are locked already."""
        ...

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """Store cancelled appointments, free their slots, store their events."""
        ...

    async def check_place_is_free(self, found: Removable) -> None:
        """Raise `RestoreConflict` naming what stands in its place by now."""
        ...

    async def mark(self, found: Removable, *, removed_at: datetime | None, now: datetime) -> None:
        """Take it out of sight, or bring it back."""
        ...


RemovalTransaction = Callable[[], AbstractAsyncContextManager[RemovalWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""
