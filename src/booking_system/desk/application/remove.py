"""Use cases: doctors, clinics, patients and services go, while bookings go on; and come back."""

from dataclasses import dataclass
from uuid import UUID

from booking_system.desk.application.affected import bookings_affected
from booking_system.desk.application.removal_ports import RemovalTransaction
from booking_system.desk.domain.refusals import RestoreConflict
from booking_system.desk.domain.removal import Kind, OnConflict
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, check_seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Closes the slots to come first, so that no booking slips in while we look for bookings."""

    transaction: RemovalTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        kind: Kind,
        identity: UUID,
        on_conflict: OnConflict | None,
        version: int | None,
        actor: Actor,
    ) -> None:
        """Raises `NotFound`, `NotPermitted`, `Stale`, and `BookingsAffected` with their list.

        With `OnConflict.CANCEL` by the patient themselves, `CancelTooLate` as for any cancelling.
        """
        now = self.clock.now()
        async with self.transaction() as work:
            found = await work.lock(kind, identity)
            if found is None or found.is_removed or found.clinic_is_removed:
                raise NotFound
            found.check(actor)
            check_seen(version, found.version)
            await work.close_slots(found, now=now)
            if on_conflict is not OnConflict.KEEP:
                affected = await work.affected(found, now=now)
                if affected and on_conflict is None:
                    raise bookings_affected(affected)
                for appointment in affected:
                    appointment.cancel(found.party_of(actor), reason=None, now=now)
                await work.release(affected)
            await work.mark(found, removed_at=now, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Brings it back, and reopens the slots that its going closed, and no other."""

    transaction: RemovalTransaction
    clock: Clock

    async def __call__(self, *, kind: Kind, identity: UUID, actor: Actor) -> None:
        """What was never removed stays as it is.

        Raises `NotFound`, `NotPermitted`, `RestoreConflict`.
        """
        now = self.clock.now()
        async with self.transaction() as work:
            found = await work.lock(kind, identity)
            if found is None:
                raise NotFound
            found.check(actor)
            if found.merged_into is not None:
                detail = "It was merged into another record, which has all that was its own."
                raise RestoreConflict(detail, occupied_by=found.merged_into)
            if found.clinic_is_removed:
                raise RestoreConflict("The doctor's clinic is deleted: restore it first.")
            if found.is_removed:
                await work.check_place_is_free(found)
                await work.mark(found, removed_at=None, now=now)
                await work.reopen_slots(found)
