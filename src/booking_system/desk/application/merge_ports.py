"""All that merging two records of a patient needs from the outside world."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from booking_system.desk.domain.merging import Merge
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import PatientId


class MergeWork(Protocol):
    """What one transaction that merges two records can reach."""

    async def lock(self, patient_id: PatientId, duplicate_id: PatientId) -> Merge | None:
        """Return both records, removed or not, and keep other changes of them waiting.

        Bookings for both go on. None where there is no such record.
        """
        ...

    async def stop(self, merge: Merge) -> None:
        """Make bookings and holds for the duplicate wait, and wait for those that have begun."""
        ...

    async def overlaps(self, merge: Merge) -> bool:
        """Say whether both have open appointments at one time."""
        ...

    async def merge(self, merge: Merge, *, now: datetime) -> None:
        """Let all that refers to the duplicate refer to the record that stays; store the event.

        Raises `PatientOverlap` where the staying one was booked for meanwhile.
        """
        ...


MergeTransaction = Callable[[], AbstractAsyncContextManager[MergeWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""


class WatchesOverlaps(Protocol):
    """Limits and keeps what an attempt tells about a patient's appointments elsewhere."""

    def merging(self, patient_id: PatientId, actor: Actor) -> AbstractAsyncContextManager[None]:
        """Wrap an attempt. Raises `RateLimited` where staff were told too often."""
        ...
