"""Use case: somebody signs in with e-mail address and password."""

from dataclasses import dataclass

from booking_system.identity.application.credential_ports import Passwords, Throttle, Turns
from booking_system.identity.application.ports import IdentityTransaction
from booking_system.identity.domain.account import Account
from booking_system.identity.domain.refusals import InvalidCredentials
from booking_system.identity.domain.throttling import (
    LATELY,
    Allowance,
    account_key,
    address_key,
    crowd_key,
)
from booking_system.identity.domain.tokens import Tokens
from booking_system.shared_kernel.clock import Clock

LOOKS = 2
"""The hash may be renewed by a twin between check and lock: then look once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The tokens, and how many more attempts there are."""

    tokens: Tokens
    allowance: Allowance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Checks a password and begins a session.

    An unknown account, one without a password and a wrong password answer alike, at like cost.
    A network is refused for what was tried from there; what all others try makes only those wait
    who come from where the account has not been lately.
    """

    transaction: IdentityTransaction
    passwords: Passwords
    throttle: Throttle
    turns: Turns
    clock: Clock

    async def __call__(
        self, *, username: str, password: str, network: bytes, user_agent: str | None
    ) -> SignedIn:
        """Raises `RateLimited` before anything is hashed, else `InvalidCredentials`."""
        allowance = await self._admitted(username, network)
        for _ in range(LOOKS):
            account = await self._proved(username, password)
            tokens = await self._enter(account, password, network, user_agent)
            if tokens is not None:
                await self.throttle.forgive(account_key(username, network))
                return SignedIn(tokens=tokens, allowance=allowance)
        raise InvalidCredentials

    async def _admitted(self, username: str, network: bytes) -> Allowance | None:
        anywhere = await self.throttle.admit(address_key(network))
        here = await self.throttle.admit(account_key(username, network))
        if anywhere is None or here is None:
            return None
        is_crowded = await self.throttle.is_crowded(crowd_key(username))
        if is_crowded and not await self._knows(username, network):
            await self.turns.take(crowd_key(username), tries=here.quota - here.remaining)
        return min(anywhere, here, key=lambda one: one.remaining)

    async def _knows(self, username: str, network: bytes) -> bool:
        since = self.clock.now() - LATELY
        async with self.transaction() as work:
            return await work.accounts.is_known_in(network, email=username, since=since)

    async def _proved(self, username: str, password: str) -> Account:
        async with self.transaction() as work:
            account = await work.accounts.by_email(username)
        known = None if account is None else account.password_hash
        if not await self.passwords.verify(known, password) or account is None:
            raise InvalidCredentials
        return account

    async def _enter(
        self, account: Account, password: str, network: bytes, user_agent: str | None
    ) -> Tokens | None:
        """Begin a session if the hash that was checked is still the account's."""
        proved = account.password_hash
        renewed = None
        if proved is not None and self.passwords.outdated(proved):
            renewed = await self.passwords.hash(password)
        now = self.clock.now()
        async with self.transaction() as work:
            current = await work.accounts.lock(account.id)
            if current is None or current.password_hash != proved:
                return None
            if renewed is not None:
                await work.accounts.renew_hash(account.id, renewed, now)
            return await work.accounts.start_session(account.id, user_agent, now, network=network)
