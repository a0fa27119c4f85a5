"""Use case: the platform gets its first administrator."""

from contextlib import suppress
from dataclasses import dataclass

from booking_system.identity.application.ports import IdentityTransaction, Passwords
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.password import check_password
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities, UserId

ADMIN = RoleGrant(role=Role.PLATFORM_ADMIN)
NAME = "Administrator"
LOOKS = 2
"""Another process may make the account between look and insert: then look once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureAdmin:
    """Makes an account a platform administrator's, and makes the account where there is none.

    May run at every start, in several processes at once. The password of an account that exists
    is left alone.
    """

    transaction: IdentityTransaction
    passwords: Passwords
    clock: Clock
    identities: Identities

    async def __call__(self, *, email: str, password: str) -> bool:
        """Say whether anything changed. Raises `PasswordTooWeak` for a new account."""
        for _ in range(LOOKS):
            async with self.transaction() as work:
                account = await work.accounts.by_email(email)
                if account is not None:
                    return await work.accounts.grant(account.id, ADMIN, self.clock.now())
            with suppress(EmailTaken):
                return await self._made(email, password)
        raise EmailTaken

    async def _made(self, email: str, password: str) -> bool:
        check_password(password, email=email)
        password_hash = await self.passwords.hash(password)
        user_id, now = UserId(self.identities.new()), self.clock.now()
        async with self.transaction() as work:
            await work.accounts.add(
                user_id=user_id,
                email=email,
                password_hash=password_hash,
                full_name=NAME,
                locale=None,
                time_zone=None,
                now=now,
            )
            return await work.accounts.grant(user_id, ADMIN, now)
