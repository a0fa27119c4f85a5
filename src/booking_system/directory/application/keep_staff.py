"""Use cases: people begin and end to work for a clinic."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.directory.application.keep_clinics import clinic_in, managed_clinic
from booking_system.directory.application.ports import (
    DirectoryTransaction,
    DirectoryWork,
    Passwords,
)
from booking_system.identity.domain.actor import Actor, Role, RoleGrant
from booking_system.identity.domain.password import check_password
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.identity.domain.staff import StaffMember
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, Identities, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStaff:
    """Who is to work for the clinic, as what. `doctor_id` goes with the role of a doctor."""

    email: str
    full_name: str
    role: Role
    doctor_id: DoctorId | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddStaff:
    """Gives somebody a role in a clinic, and an account where there is none yet."""

    transaction: DirectoryTransaction
    passwords: Passwords
    clock: Clock
    identities: Identities

    async def __call__(self, *, clinic_id: ClinicId, staff: NewStaff, actor: Actor) -> StaffMember:
        """Return the member of staff; an account that exists keeps its name and password.

        Raises `NotFound`, `NotPermitted`, `PasswordTooWeak`, `Invalid`.
        """
        if (staff.role is Role.DOCTOR) != (staff.doctor_id is not None):
            raise Invalid.field("/doctor_id", "goes with the role doctor, and only with it")
        if not actor.manages(clinic_id):
            await self._refuse(clinic_id)
        password_hash = None
        if staff.password is not None:
            check_password(staff.password, email=staff.email)
            password_hash = await self.passwords.hash(staff.password)
        try:
            return await self._added(clinic_id, staff, password_hash, actor)
        except EmailTaken:
            # Somebody has made this account meanwhile: now it is found.
            return await self._added(clinic_id, staff, password_hash, actor)

    async def _added(
        self, clinic_id: ClinicId, staff: NewStaff, password_hash: str | None, actor: Actor
    ) -> StaffMember:
        async with self.transaction() as work:
            await managed_clinic(work, clinic_id, actor)
            await self._check_doctor(work, clinic_id, staff.doctor_id)
            return await self._add(work, clinic_id, staff, password_hash, actor)

    async def _refuse(self, clinic_id: ClinicId) -> None:
        async with self.transaction() as work:
            await clinic_in(work, clinic_id)
        raise NotPermitted

    async def _check_doctor(
        self, work: DirectoryWork, clinic_id: ClinicId, doctor_id: DoctorId | None
    ) -> None:
        if doctor_id is not None and await work.services.strangers(clinic_id, [doctor_id]):
            raise Invalid.field("/doctor_id", "is no doctor of this clinic", "unknown")

    async def _add(
        self,
        work: DirectoryWork,
        clinic_id: ClinicId,
        staff: NewStaff,
        password_hash: str | None,
        actor: Actor,
    ) -> StaffMember:
        now = self.clock.now()
        account = await work.accounts.by_email(staff.email)
        # Whoever runs the platform does not let themselves in to see patients.
        if account is not None and account.id == actor.user_id and actor.is_platform_admin:
            raise NotPermitted
        user_id = UserId(self.identities.new()) if account is None else account.id
        if account is None:
            await work.accounts.add(
                user_id=user_id,
                email=staff.email,
                password_hash=password_hash,
                full_name=staff.full_name,
                locale=None,
                time_zone=None,
                now=now,
            )
        role = RoleGrant(role=staff.role, clinic_id=clinic_id, doctor_id=staff.doctor_id)
        await work.accounts.grant(user_id, role, now)
        return StaffMember(
            user_id=user_id,
            email=staff.email if account is None else account.email,
            full_name=staff.full_name if account is None else account.full_name,
            role=staff.role,
            doctor_id=staff.doctor_id,
        )


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
            if not await work.accounts.revoke(user_id, clinic_id, self.clock.now()):
                raise NotFound
