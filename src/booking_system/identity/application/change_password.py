"""Use case: somebody changes their own password."""

from dataclasses import dataclass

from booking_system.identity.application.credential_ports import Passwords, Throttle
from booking_system.identity.application.ports import IdentityLook, IdentityTransaction
from booking_system.identity.domain.account import Account
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.events import PasswordChanged
from booking_system.identity.domain.links import LinkPurpose
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import InvalidCredentials, PasswordTooWeak
from booking_system.identity.domain.session import EndedBecause
from booking_system.identity.domain.throttling import password_change_key
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Unauthenticated

FIELD = "new_password"
"""Where a refusal says that the mistake is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """Replaces the password and ends all other sessions, and links for a new password."""

    looking: IdentityLook
    transaction: IdentityTransaction
    passwords: Passwords
    throttle: Throttle
    clock: Clock

    async def __call__(self, *, current_password: str, new_password: str, actor: Actor) -> None:
        """Raises `RateLimited`, `InvalidCredentials` for the current one, or `PasswordTooWeak`."""
        account = await self._account_of(actor)
        # Counted for this device alone: guesses from elsewhere keep nobody from a new password.
        key = password_change_key(actor.user_id, actor.session_id)
        await self.throttle.admit(key)
        if account.password_is_temporary and new_password == current_password:
            again = "Choose a password other than the one you were given."
            raise PasswordTooWeak(again, FIELD)
        if not await self.passwords.verify(account.password_hash, current_password):
            raise InvalidCredentials
        owner = PasswordOwner(email=account.email, full_name=account.full_name)
        try:
            password_hash = await self.passwords.hash_chosen(new_password, owner)
        except PasswordTooWeak as weak:
            raise PasswordTooWeak(weak.detail, FIELD) from None
        await self._replace(account, password_hash, actor)
        await self.throttle.forgive(key)

    async def _account_of(self, actor: Actor) -> Account:
        async with self.looking() as work:
            account = await work.accounts.read(actor.user_id)
        if account is None:
            raise Unauthenticated
        return account

    async def _replace(self, proved: Account, password_hash: str, actor: Actor) -> None:
        now = self.clock.now()
        async with self.transaction() as work:
            current = await work.accounts.lock(actor.user_id)
            if current is None or current.password_hash != proved.password_hash:
                raise InvalidCredentials
            await work.accounts.set_password(actor.user_id, password_hash, now)
            await work.sessions.end_others(
                actor.user_id, actor.session_id, EndedBecause.PASSWORD_CHANGED, now
            )
            await work.links.use_up(actor.user_id, LinkPurpose.PASSWORD_RESET, now)
            await work.events.record(PasswordChanged(occurred_at=now, user_id=actor.user_id))
