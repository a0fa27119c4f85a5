"""What identity needs to prove who somebody is: passwords, tokens, and patience with guesses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.throttling import Allowance
from booking_system.identity.domain.tokens import AccessClaims
from booking_system.shared_kernel.identifiers import SessionId, UserId


class Passwords(Protocol):
    """Hashes and checks passwords; slow on purpose, so never inside a transaction.

    Raises a refusal of the kind `Unavailable` where too many wait already.
    """

    async def hash(self, password: str) -> str:
        """Return a salted hash of a password that its account has already."""
        ...

    async def hash_chosen(self, password: str, owner: PasswordOwner) -> str:
        """Return a salted hash of a password that somebody has chosen, in any way.

        Raises `PasswordTooWeak` where it would be guessed soon, above all by who knows the owner.
        """
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Say whether it is the password; without a hash: no, at the same cost."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Say whether the hash was made more cheaply than today's are."""
        ...


class Throttle(Protocol):
    """Counts attempts, so that guessing is refused before it costs anything."""

    async def admit(self, *keys: str) -> Allowance | None:
        """Count one attempt for each key, in order, and return the tightest allowance.

        None: nothing is limited. Raises `RateLimited` at the first key whose quota is used up.
        """
        ...

    async def is_crowded(self, key: str) -> bool:
        """Count one attempt, and say whether the quota was used up before it. Refuses nobody."""
        ...

    async def check(self, *keys: str) -> None:
        """Raise `RateLimited` where a quota is used up; count nothing."""
        ...

    async def forgive(self, *keys: str) -> None:
        """Forget the attempts for these keys: they turned out to be honest."""
        ...


class Turns(Protocol):
    """Slows attempts down that cannot be told from an attack.

    The wait is bounded, as is the number of waiting callers; it holds nothing that others need.
    """

    async def take(self, key: str, *, tries: int) -> None:
        """Return when it is the caller's turn, who has tried so often lately, this time included.

        The fewest tries go first. Raises `RateLimited` for callers who would wait too long.
        """
        ...


class AccessTokens(Protocol):
    """Makes and reads access tokens."""

    def sign(self, user_id: UserId, session_id: SessionId, now: datetime) -> str:
        """Return a token that holds for `ACCESS_LIFETIME`."""
        ...

    def verify(self, token: str) -> AccessClaims:
        """Read a token of ours, expired or not. Raises `Unauthenticated` for any other text."""
        ...


class RefreshTokens(Protocol):
    """Makes refresh tokens: opaque text of 256 unguessable bits."""

    def first(self) -> str:
        """Return a random one."""
        ...

    def successors_of(self, token: str) -> Sequence[str]:
        """Return what may follow: always the same, and only we can tell which.

        The first is what follows today. The others were given with keys that it takes turns with.
        """
        ...

    def fingerprint(self, token: str) -> bytes:
        """Return what is stored instead of the text."""
        ...
