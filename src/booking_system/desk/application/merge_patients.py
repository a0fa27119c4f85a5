"""Use case: staff merge two records of one patient."""

from dataclasses import dataclass

from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.desk.application.merge_ports import MergeTransaction, WatchesOverlaps
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, check_seen
from booking_system.shared_kernel.identifiers import PatientId

OVERLAP = "Both records have an open appointment at one time: cancel or move one of them first."


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePatients:
    """Appointments, holds and acquaintance follow; the duplicate is gone, and knows where to."""

    transaction: MergeTransaction
    clock: Clock
    overlaps: WatchesOverlaps

    async def __call__(
        self, *, patient_id: PatientId, duplicate_id: PatientId, version: int | None, actor: Actor
    ) -> None:
        """`version` is the one of the record that stays, where the caller has seen it.

        Raises `NotFound`, `NotPermitted`, `Stale`, `PossibleDuplicate`, `PatientOverlap`, and
        `RateLimited` for staff who were told the last too often.
        """
        if patient_id == duplicate_id:
            raise Invalid.field("/duplicate_id", "must be another record", "same")
        async with self.overlaps.merging(patient_id, actor):
            await self._merge(patient_id, duplicate_id, version, actor)

    async def _merge(
        self, patient_id: PatientId, duplicate_id: PatientId, version: int | None, actor: Actor
    ) -> None:
        now = self.clock.now()
        async with self.transaction() as work:
            merge = await work.lock(patient_id, duplicate_id)
            if merge is None:
                raise NotFound
            merge.check_actor(actor)
            check_seen(version, merge.staying.version)
            merge.check_account()
            await work.stop(merge)
            if await work.overlaps(merge):
                raise PatientOverlap(OVERLAP)
            await work.merge(merge, now=now)
