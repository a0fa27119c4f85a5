"""Use case: a clinic's administrator makes an account for somebody who works there."""

from dataclasses import dataclass

from booking_system.directory.application.keep_staff import NewStaff, clinic_to_staff
from booking_system.directory.application.ports import (
    DirectoryLook,
    DirectoryTransaction,
    Passwords,
    Throttle,
)
from booking_system.directory.domain.events import StaffAdded
from booking_system.identity.domain.actor import Actor, RoleGrant
from booking_system.identity.domain.events import AccountRegistered
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.identity.domain.staff import StaffMember
from booking_system.identity.domain.throttling import staff_key
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import ClinicId, Identities, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class AddStaff:
    """Makes a new account with a role and a password that its owner has to change.

    The administrator knows the password, so the role does not hold until then.
    """

    looking: DirectoryLook
    transaction: DirectoryTransaction
    passwords: Passwords
    throttle: Throttle
    clock: Clock
    identities: Identities

    async def __call__(
        self, *, clinic_id: ClinicId, staff: NewStaff, password: str, actor: Actor
    ) -> StaffMember:
        """Return the member of staff.

        Raises `NotFound`, `NotPermitted`, `Invalid`, `RateLimited`, `PasswordTooWeak`, `EmailTaken`
        where there is an account: that is invited, and accepts.
        """
        await self.throttle.admit(staff_key(actor.user_id))
        async with self.looking() as look:
            await clinic_to_staff(look, clinic_id, staff, actor)
            if await look.accounts.by_email(staff.email) is not None:
                raise EmailTaken
        owner = PasswordOwner(email=staff.email, full_name=staff.full_name)
        password_hash = await self.passwords.hash_chosen(password, owner)
        user_id, now = UserId(self.identities.new()), self.clock.now()
        async with self.transaction() as work:
            await clinic_to_staff(work, clinic_id, staff, actor)
            await work.accounts.add(
                user_id=user_id,
                email=staff.email,
                password_hash=password_hash,
                password_is_temporary=True,
                full_name=staff.full_name,
                locale=None,
                time_zone=None,
                now=now,
            )
            role = RoleGrant(role=staff.role, clinic_id=clinic_id, doctor_id=staff.doctor_id)
            await work.accounts.grant(user_id, role, now)
            await work.events.record(
                AccountRegistered(occurred_at=now, user_id=user_id),
                StaffAdded(
                    occurred_at=now,
                    clinic_id=clinic_id,
                    user_id=user_id,
                    role=staff.role,
                    doctor_id=staff.doctor_id,
                ),
            )
        return StaffMember(
            user_id=user_id,
            email=staff.email,
            full_name=staff.full_name,
            role=staff.role,
            doctor_id=staff.doctor_id,
        )
