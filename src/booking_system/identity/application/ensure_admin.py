"""Use case: the platform gets its first administrator."""

from contextlib import suppress
from dataclasses import dataclass

from booking_system.identity.application.credential_ports import Passwords
from booking_system.identity.application.ports import IdentityTransaction
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities, UserId

ADMIN = RoleGrant(role=Role.PLATFORM_ADMIN)
NAME = "Administrator"
LOOKS = 2
"""Another process may make the account between look and insert: then look once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureAdmin:
    """Makes the account of a platform administrator, with the operator's password.

    May run at every start, in several processes at once. An administrator's account that exists is
    left alone. Any other account with the address is somebody's who merely claimed it, so it gets
    no role.
    """

    transaction: IdentityTransaction
    passwords: Passwords
    clock: Clock
    identities: Identities

    async def __call__(self, *, email: str, password: str) -> bool:
        """Say whether the account was made.

        Raises `PasswordTooWeak`, and `EmailTaken` where the address is no administrator's.
        """
        for _ in range(LOOKS):
            async with self.transaction() as work:
                account = await work.accounts.by_email(email)
                if account is not None:
                    if ADMIN in await work.accounts.grants_of(account.id):
                        return False
                    raise EmailTaken
            with suppress(EmailTaken):
                await self._make(email, password)
                return True
        raise EmailTaken

    async def _make(self, email: str, password: str) -> None:
        owner = PasswordOwner(email=email, full_name=NAME)
        password_hash = await self.passwords.hash_chosen(password, owner)
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
            await work.accounts.grant(user_id, ADMIN, now)
