"""Tokens: how long they live, and what it means to present a refresh token."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from booking_system.shared_kernel.identifiers import SessionId, UserId

ACCESS_LIFETIME = timedelta(minutes=10)
REPEAT_WINDOW = timedelta(seconds=30)
"""For so long a used refresh token gets the same successor: its answer may have been lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a client gets when somebody signs in. `expires_in`: seconds, of the access token."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105  (RFC 6750)
    expires_in: int = int(ACCESS_LIFETIME.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token of ours says, once its signature has been checked."""

    user_id: UserId
    session_id: SessionId
    expires_at: datetime


class Verdict(Enum):
    """What presenting a refresh token amounts to."""

    FRESH = auto()
    REPEATED = auto()
    STOLEN = auto()
    EXPIRED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token as stored: never its text."""

    expires_at: datetime
    used_at: datetime | None

    def presented(self, now: datetime) -> Verdict:
        """Judge its use (RFC 9700, section 4.14.2: reuse means that somebody copied it)."""
        if self.used_at is None:
            return Verdict.FRESH if now < self.expires_at else Verdict.EXPIRED
        return Verdict.REPEATED if now - self.used_at <= REPEAT_WINDOW else Verdict.STOLEN
