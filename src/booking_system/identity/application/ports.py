"""All that identity needs from the outside world."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self
from uuid import UUID

from booking_system.identity.application.link_ports import Links
from booking_system.identity.domain.account import Account, ProfileChange
from booking_system.identity.domain.actor import RoleGrant
from booking_system.identity.domain.session import EndedBecause, Lifetimes, Session
from booking_system.identity.domain.staff import StaffMember
from booking_system.identity.domain.tokens import RefreshToken, Tokens
from booking_system.shared_kernel.aggregate import Events
from booking_system.shared_kernel.identifiers import ClinicId, SessionId, UserId


class Accounts(Protocol):
    """The accounts, inside one transaction; the contexts above use them inside their own.

    A change of roles or of a password reaches this process at once and all others within a second.
    """

    async def by_email(self, email: str) -> Account | None:
        """Return the live account with this address, however it is written."""
        ...

    async def read(self, user_id: UserId) -> Account | None:
        """Return a live account."""
        ...

    async def lock(self, user_id: UserId) -> Account | None:
        """Return a live account and keep rivals waiting until the transaction ends."""
        ...

    async def add(  # noqa: PLR0913  (what an account is made of)
        self,
        *,
        user_id: UserId,
        email: str,
        password_hash: str | None,
        full_name: str,
        locale: str | None,
        time_zone: str | None,
        now: datetime,
        password_is_temporary: bool = False,
    ) -> None:
        """Store a new account. Raises `EmailTaken` where a live one has the address."""
        ...

    async def change(self, user_id: UserId, change: ProfileChange, now: datetime) -> Account:
        """Store a change; the version goes up by one."""
        ...

    async def set_password(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        """Store the hash of a password that the owner has chosen."""
        ...

    async def verify_email(self, user_id: UserId, now: datetime) -> None:
        """Note that the address was proved; the version goes up by one. Again: nothing changes."""
        ...

    async def renew_hash(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        """Store another hash of the same password."""
        ...

    async def grants_of(self, user_id: UserId) -> Sequence[RoleGrant]:
        """Return the roles of a user that hold, oldest first."""
        ...

    async def grant(self, user_id: UserId, grant: RoleGrant, now: datetime) -> bool:
        """Give a user a role; the version goes up. False: they have it already."""
        ...

    async def revoke(self, user_id: UserId, clinic_id: ClinicId, now: datetime) -> bool:
        """Take all roles in a clinic from a user; the version goes up. False: they had none."""
        ...

    async def staff_of(self, clinic_id: ClinicId) -> Sequence[StaffMember]:
        """Return everybody with a role in the clinic, one entry for each role, oldest first."""
        ...

    async def start_session(
        self,
        user_id: UserId,
        user_agent: str | None,
        now: datetime,
        *,
        network: bytes | None = None,
    ) -> Tokens:
        """Begin a session, on a device in this network, and return its first tokens."""
        ...

    async def living_sessions(
        self,
        user_id: UserId,
        *,
        now: datetime,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Session]:
        """Return the sessions of a user that could still be used, the newest first."""
        ...

    async def end_sessions(
        self, user_id: UserId, session_id: SessionId | None, now: datetime
    ) -> bool:
        """End one session of a user, or all, on an administrator's behalf; False: none did."""
        ...

    async def is_known_in(self, network: bytes, *, email: str, since: datetime) -> bool:
        """Say whether the live account with this address had a session there since then."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSearch:
    """Sessions used after `used_since` and begun after `begun_since`, None: at any time.

    They are older than the one whose sort key is `after`.
    """

    used_since: datetime
    begun_since: datetime | None
    after: tuple[datetime, UUID] | None = None
    limit: int = 50

    @classmethod
    def among_living(
        cls,
        lifetimes: Lifetimes,
        now: datetime,
        *,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Self:
        """Look among those that could still be used."""
        return cls(
            used_since=lifetimes.used_since(now),
            begun_since=lifetimes.begun_since(now),
            after=after,
            limit=limit,
        )


class Sessions(Protocol):
    """The sessions and their refresh tokens, inside one transaction.

    Ending one reaches this process at once and all others within a second.
    """

    async def living_of(self, user_id: UserId, search: SessionSearch) -> Sequence[Session]:
        """Return the sessions of a user that have not ended, the newest first.

        One more than `limit` where there are.
        """
        ...

    async def owner_of(self, fingerprint: bytes) -> SessionId | None:
        """Return the session that a refresh token belongs to."""
        ...

    async def lock(self, session_id: SessionId) -> Session | None:
        """Return a session that has not ended, and keep rivals waiting."""
        ...

    async def token(self, fingerprint: bytes) -> RefreshToken | None:
        """Return a refresh token as it is now."""
        ...

    async def rotate(  # noqa: PLR0913  (what a rotation is made of)
        self,
        session_id: SessionId,
        used: bytes,
        successor: bytes,
        now: datetime,
        *,
        expires_at: datetime,
        network: bytes | None = None,
    ) -> None:
        """Mark one token as used and store the one that follows it; the device is there now."""
        ...

    async def end(
        self, session_id: SessionId, user_id: UserId, because: EndedBecause, now: datetime
    ) -> bool:
        """End one session of this user; False where there is no such living session."""
        ...

    async def end_others(
        self, user_id: UserId, keep: SessionId | None, because: EndedBecause, now: datetime
    ) -> bool:
        """End all sessions of a user but one; None: all. Say whether there was any."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityWork:
    """What one transaction of identity can reach."""

    accounts: Accounts
    sessions: Sessions
    links: Links
    events: Events


IdentityTransaction = Callable[[], AbstractAsyncContextManager[IdentityWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""

IdentityLook = Callable[[], AbstractAsyncContextManager[IdentityWork]]
"""Opens one that only reads and is over with its block, also where a larger one is to follow."""
