"""Use cases: somebody who has lost the password asks for a link, and chooses another one by it."""

from dataclasses import dataclass

from booking_system.identity.application.credential_ports import Passwords, Throttle
from booking_system.identity.application.follow_link import followed, owner_of
from booking_system.identity.application.link_ports import OneTimeTokens
from booking_system.identity.application.ports import IdentityLook, IdentityTransaction
from booking_system.identity.domain.events import PasswordChanged, PasswordResetRequested
from booking_system.identity.domain.links import LinkPurpose
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.session import EndedBecause
from booking_system.identity.domain.throttling import account_key, link_key, reset_keys
from booking_system.shared_kernel.clock import Clock

RESET = LinkPurpose.PASSWORD_RESET


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReset:
    """Tells that somebody wants a new password; whether the address is anybody's, nobody learns.

    An address that was not proved yet gets the mail as well: following its link proves it.
    """

    transaction: IdentityTransaction
    throttle: Throttle
    clock: Clock

    async def __call__(self, *, email: str, network: bytes) -> None:
        """Raises `RateLimited`: for an address of nobody's as for any other."""
        await self.throttle.admit(*reset_keys(email, network))
        now = self.clock.now()
        async with self.transaction() as work:
            account = await work.accounts.by_email(email)
            user_id = None if account is None else account.id
            await work.events.record(PasswordResetRequested(occurred_at=now, user_id=user_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPassword:
    """Replaces the password for the holder of a link, and ends all sessions of the account."""

    looking: IdentityLook
    transaction: IdentityTransaction
    tokens: OneTimeTokens
    passwords: Passwords
    throttle: Throttle
    clock: Clock

    async def __call__(self, *, token: str, password: str, network: bytes) -> None:
        """Raises `RateLimited`, `NotFound`, `LinkOver`, `PasswordTooWeak`: then the link holds."""
        await self.throttle.admit(link_key(network))
        fingerprint = self.tokens.fingerprint(token)
        async with self.looking() as work:
            owner = await owner_of(work, fingerprint, RESET, self.clock.now())
        chosen_by = PasswordOwner(email=owner.email, full_name=owner.full_name)
        password_hash = await self.passwords.hash_chosen(password, chosen_by)
        now = self.clock.now()
        async with self.transaction() as work:
            account = await followed(work, fingerprint, RESET, now)
            await work.accounts.set_password(account.id, password_hash, now)
            # The mail with the link went to the address.
            await work.accounts.verify_email(account.id, now)
            await work.sessions.end_others(account.id, None, EndedBecause.PASSWORD_CHANGED, now)
            await work.events.record(PasswordChanged(occurred_at=now, user_id=account.id))
        await self.throttle.forgive(account_key(owner.email, network))
