"""Use cases: who works for a clinic, and who does no more."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.directory.application.keep_clinics import clinic_in, managed_clinic
from booking_system.directory.application.ports import DirectoryTransaction, DirectoryWork
from booking_system.directory.domain.events import StaffRemoved
from booking_system.identity.domain.actor import Actor, Role
from booking_system.identity.domain.staff import StaffMember
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStaff:
    """Who is to work for the clinic, as what. `doctor_id` goes with the role of a doctor."""

    email: str
    full_name: str
    role: Role
    doctor_id: DoctorId | None = None


async def clinic_to_staff(
    work: DirectoryWork, clinic_id: ClinicId, staff: NewStaff, actor: Actor
) -> None:
    """Raise `NotFound`, `NotPermitted`, or `Invalid` where the role does not fit the clinic."""
    await managed_clinic(work, clinic_id, actor)
    if (staff.role is Role.DOCTOR) != (staff.doctor_id is not None):
        raise Invalid.field("/doctor_id", "goes with the role doctor, and only with it")
    if staff.doctor_id is not None and await work.services.strangers(clinic_id, [staff.doctor_id]):
        raise Invalid.field("/doctor_id", "is no doctor of this clinic", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStaff:
    """Who works for a clinic."""

    transaction: DirectoryTransaction

    async def __call__(self, *, clinic_id: ClinicId, actor: Actor) -> Sequence[StaffMember]:
        """Return one entry for each role. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            await clinic_in(work, clinic_id)
            if not actor.manages(clinic_id):
                raise NotPermitted
            return await work.accounts.staff_of(clinic_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveStaff:
    """Takes all roles in a clinic away from somebody; the account stays."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(self, *, clinic_id: ClinicId, user_id: UserId, actor: Actor) -> None:
        """Takes effect everywhere within a second. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            await managed_clinic(work, clinic_id, actor)
            now = self.clock.now()
            if not await work.accounts.revoke(user_id, clinic_id, now):
                raise NotFound
            await work.events.record(
                StaffRemoved(occurred_at=now, clinic_id=clinic_id, user_id=user_id)
            )
