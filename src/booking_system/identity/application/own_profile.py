"""Use cases: somebody reads and changes their own profile."""

from dataclasses import dataclass

from booking_system.identity.application.ports import IdentityTransaction
from booking_system.identity.domain.account import Profile, ProfileChange
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Unauthenticated, check_seen


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProfile:
    """The caller's account and roles."""

    transaction: IdentityTransaction

    async def __call__(self, *, actor: Actor) -> Profile:
        """Raises `Unauthenticated` where the account is gone."""
        async with self.transaction() as work:
            account = await work.accounts.read(actor.user_id)
            grants = await work.accounts.grants_of(actor.user_id)
        if account is None:
            raise Unauthenticated
        return Profile(account=account, grants=tuple(grants))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProfile:
    """Changes the caller's name, language or time zone."""

    transaction: IdentityTransaction
    clock: Clock

    async def __call__(
        self, *, change: ProfileChange, version: int | None, actor: Actor
    ) -> Profile:
        """Raises `Stale` where `version` is not the present one."""
        async with self.transaction() as work:
            account = await work.accounts.lock(actor.user_id)
            if account is None:
                raise Unauthenticated
            check_seen(version, account.version)
            if change != ProfileChange():
                account = await work.accounts.change(actor.user_id, change, self.clock.now())
            grants = await work.accounts.grants_of(actor.user_id)
        return Profile(account=account, grants=tuple(grants))
