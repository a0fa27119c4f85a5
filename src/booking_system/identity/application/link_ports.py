"""What links that go out by mail need from the outside world."""

from datetime import datetime
from typing import Protocol

from booking_system.identity.domain.links import AccountLink, LinkPurpose
from booking_system.shared_kernel.identifiers import UserId


class Links(Protocol):
    """The links of accounts, inside one transaction."""

    async def add(
        self, fingerprint: bytes, *, purpose: LinkPurpose, user_id: UserId, expires_at: datetime
    ) -> None:
        """Store the fingerprint of a new one's token."""
        ...

    async def find(self, fingerprint: bytes, purpose: LinkPurpose) -> AccountLink | None:
        """Return the link whose token has this fingerprint, open or not; only for this purpose."""
        ...

    async def use_up(self, user_id: UserId, purpose: LinkPurpose, now: datetime) -> None:
        """End all links of a user for this purpose."""
        ...


class OneTimeTokens(Protocol):
    """Makes tokens of 256 unguessable bits that are handed over and stored nowhere."""

    def new(self) -> str:
        """Return a random one."""
        ...

    def fingerprint(self, token: str) -> bytes:
        """Return what is stored instead of the text."""
        ...
