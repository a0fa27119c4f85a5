"""Use cases: somebody who was invited gets a link, looks at the invitation and accepts it."""

from dataclasses import dataclass

from booking_system.directory.application.invitation_ports import OneTimeTokens
from booking_system.directory.application.ports import (
    DirectoryLook,
    DirectoryTransaction,
    DirectoryWork,
    Passwords,
    Throttle,
)
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.events import StaffAdded
from booking_system.directory.domain.invitation import Invitation
from booking_system.directory.domain.refusals import InvitationOver
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.events import AccountRegistered
from booking_system.identity.domain.links import NewLink
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.identity.domain.throttling import invitation_key
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Unauthenticated
from booking_system.shared_kernel.identifiers import Identities, InvitationId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInvitation:
    """What is offered, and by which clinic."""

    invitation: Invitation
    clinic: Clinic


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeInvitationLink:
    """Makes a link for a mail to the invited; it accepts as well as the one handed over does."""

    transaction: DirectoryTransaction
    tokens: OneTimeTokens
    clock: Clock

    async def __call__(self, invitation_id: InvitationId) -> NewLink | None:
        """Return a new one; None where the invitation does not hold any more."""
        token = self.tokens.new()
        async with self.transaction() as work:
            invitation = await work.invitations.read(invitation_id)
            if invitation is None:
                return None
            try:
                invitation.check_open(self.clock.now())
                await _that_holds(work, invitation)
            except InvitationOver:
                return None
            fingerprint = self.tokens.fingerprint(token)
            await work.invitations.add_link(invitation_id, fingerprint=fingerprint)
        return NewLink(token=token, expires_at=invitation.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtInvitation:
    """Shows what an invitation offers to the holder of its token."""

    looking: DirectoryLook
    tokens: OneTimeTokens
    throttle: Throttle
    clock: Clock

    async def __call__(self, *, token: str, network: bytes) -> ShownInvitation:
        """Raises `RateLimited`, `NotFound`, `InvitationOver`."""
        await self.throttle.admit(invitation_key(network))
        async with self.looking() as work:
            invitation = await work.invitations.by_fingerprint(self.tokens.fingerprint(token))
            if invitation is None:
                raise NotFound
            invitation.check_open(self.clock.now())
            return await _that_holds(work, invitation)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptInvitation:
    """Gives its role to the holder of its token.

    It goes to the account that they are signed in to, or to a new one, which has the address of the
    invitation, and the password that its owner chooses.
    """

    looking: DirectoryLook
    transaction: DirectoryTransaction
    look: LookAtInvitation
    tokens: OneTimeTokens
    passwords: Passwords
    clock: Clock
    identities: Identities

    async def __call__(
        self, *, token: str, password: str | None, actor: Actor | None, network: bytes
    ) -> ShownInvitation:
        """Return it as it was accepted.

        Raises `RateLimited`, `NotFound`, `InvitationOver`; `Unauthenticated` where nobody is signed
        in and no password is chosen, `PasswordTooWeak`, `EmailTaken` where there is an account with
        that address; `NotPermitted` for administrators of the platform.
        """
        if actor is None and password is None:
            raise Unauthenticated
        if actor is not None and password is not None:
            raise NotPermitted("You are signed in: leave out the password of a new account.")
        # Administrators of the platform do not let themselves in to see patients.
        if actor is not None and actor.is_platform_admin:
            raise NotPermitted
        shown = await self.look(token=token, network=network)
        user_id, password_hash = UserId(self.identities.new()), None
        if actor is not None:
            user_id = actor.user_id
        elif password is not None:
            password_hash = await self._chosen(shown.invitation, password)
        async with self.transaction() as work:
            return await self._accept(work, token, user_id, password_hash)

    async def _chosen(self, invitation: Invitation, password: str) -> str:
        async with self.looking() as work:
            if await work.accounts.by_email(invitation.email) is not None:
                raise EmailTaken
        owner = PasswordOwner(email=invitation.email, full_name=invitation.full_name)
        return await self.passwords.hash_chosen(password, owner)

    async def _accept(
        self, work: DirectoryWork, token: str, user_id: UserId, password_hash: str | None
    ) -> ShownInvitation:
        now = self.clock.now()
        fingerprint = self.tokens.fingerprint(token)
        invitation = await work.invitations.by_fingerprint(fingerprint, lock=True)
        if invitation is None:
            raise NotFound
        accepted = invitation.accepted(user_id, now)
        shown = await _that_holds(work, accepted)
        if password_hash is not None:
            await work.accounts.add(
                user_id=user_id,
                email=accepted.email,
                password_hash=password_hash,
                full_name=accepted.full_name,
                locale=None,
                time_zone=None,
                now=now,
            )
            await work.events.record(AccountRegistered(occurred_at=now, user_id=user_id))
        if await work.invitations.was_mailed(fingerprint):
            await self._prove(work, accepted, user_id)
        await work.accounts.grant(user_id, accepted.grant, now)
        await work.events.record(
            StaffAdded(
                occurred_at=now,
                clinic_id=accepted.clinic_id,
                user_id=user_id,
                role=accepted.role,
                doctor_id=accepted.doctor_id,
            )
        )
        await work.invitations.save(accepted)
        return shown

    async def _prove(self, work: DirectoryWork, accepted: Invitation, user_id: UserId) -> None:
        """Count the address as its owner's: the token was in no other place than its mailbox.

        An account of another address is none the wiser for it, and the link that the inviter hands
        over proves nothing.
        """
        owner = await work.accounts.by_email(accepted.email)
        if owner is not None and owner.id == user_id:
            await work.accounts.verify_email(user_id, self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAccepted:
    """Shows once more what was accepted."""

    transaction: DirectoryTransaction

    async def __call__(self, *, invitation_id: InvitationId) -> ShownInvitation:
        """Raises `NotFound`, `InvitationOver`."""
        async with self.transaction() as work:
            invitation = await work.invitations.read(invitation_id)
            if invitation is None:
                raise NotFound
            return await _that_holds(work, invitation)


async def _that_holds(work: DirectoryWork, invitation: Invitation) -> ShownInvitation:
    """Return it with its clinic.

    Raises `InvitationOver` where clinic or doctor are no more, or where the inviter may not
    give roles there any more: what they began does not outlive their authority.
    """
    clinic = await work.clinics.read(invitation.clinic_id)
    if clinic is None:
        raise InvitationOver
    doctor_id = invitation.doctor_id
    if doctor_id is not None and await work.services.strangers(clinic.id, [doctor_id]):
        raise InvitationOver
    if not await work.accounts.manages(invitation.invited_by, clinic.id):
        raise InvitationOver
    return ShownInvitation(invitation=invitation, clinic=clinic)
