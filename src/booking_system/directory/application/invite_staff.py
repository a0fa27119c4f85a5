"""Use cases: a clinic's administrators invite, look at their invitations, and take them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from booking_system.directory.application.invitation_ports import OneTimeTokens
from booking_system.directory.application.keep_clinics import managed_clinic
from booking_system.directory.application.keep_staff import NewStaff, clinic_to_staff
from booking_system.directory.application.ports import (
    DirectoryTransaction,
    Throttle,
)
from booking_system.directory.domain.events import InvitationMade
from booking_system.directory.domain.invitation import GOOD_FOR, Invitation
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.throttling import staff_key
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import ClinicId, Identities, InvitationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation with its token, which is told once and stored nowhere."""

    invitation: Invitation
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteStaff:
    """Offers somebody a role; it is theirs when they accept.

    Nothing is looked up about the address, so nothing can be told about an account that has it. An
    open invitation of the same address for the same role is taken back: one link holds at a time.
    """

    transaction: DirectoryTransaction
    tokens: OneTimeTokens
    throttle: Throttle
    clock: Clock
    identities: Identities

    async def __call__(self, *, clinic_id: ClinicId, staff: NewStaff, actor: Actor) -> Invited:
        """Raises `NotFound`, `NotPermitted`, `Invalid`, `RateLimited`."""
        await self.throttle.admit(staff_key(actor.user_id))
        now, token = self.clock.now(), self.tokens.new()
        invitation = Invitation(
            id=InvitationId(self.identities.new()),
            clinic_id=clinic_id,
            email=staff.email,
            full_name=staff.full_name,
            role=staff.role,
            doctor_id=staff.doctor_id,
            invited_by=actor.user_id,
            created_at=now,
            expires_at=now + GOOD_FOR,
        )
        async with self.transaction() as work:
            await clinic_to_staff(work, clinic_id, staff, actor)
            await work.invitations.replace_open(invitation)
            await work.invitations.add(invitation, fingerprint=self.tokens.fingerprint(token))
            await work.events.record(
                InvitationMade(
                    occurred_at=now, invitation_id=invitation.id, clinic_id=invitation.clinic_id
                )
            )
        return Invited(invitation=invitation, token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInvitations:
    """All invitations of a clinic that are kept."""

    transaction: DirectoryTransaction

    async def __call__(
        self, *, clinic_id: ClinicId, after: UUID | None, limit: int, actor: Actor
    ) -> Sequence[Invitation]:
        """Return a page, one more than `limit` where there are more.

        Raises `NotFound`, `NotPermitted`.
        """
        async with self.transaction() as work:
            await managed_clinic(work, clinic_id, actor)
            return await work.invitations.page(clinic_id, after=after, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowInvitation:
    """One invitation, for administrators who may give and take back roles there."""

    transaction: DirectoryTransaction

    async def __call__(
        self, *, clinic_id: ClinicId, invitation_id: InvitationId, actor: Actor
    ) -> Invitation:
        """Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            await managed_clinic(work, clinic_id, actor)
            invitation = await work.invitations.read(invitation_id)
        if invitation is None or invitation.clinic_id != clinic_id:
            raise NotFound
        return invitation


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeInvitation:
    """Takes an invitation back; from then on its link does nothing."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(
        self, *, clinic_id: ClinicId, invitation_id: InvitationId, actor: Actor
    ) -> None:
        """Raises `NotFound`, `NotPermitted`, and `InvitationOver` where it has been accepted."""
        async with self.transaction() as work:
            await managed_clinic(work, clinic_id, actor)
            invitation = await work.invitations.lock(invitation_id)
            if invitation is None or invitation.clinic_id != clinic_id:
                raise NotFound
            await work.invitations.save(invitation.revoked(self.clock.now()))
