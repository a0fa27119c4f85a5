"""A session: one sign-in on one device, with all the tokens that descend from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking_system.shared_kernel.identifiers import SessionId, UserId


class EndedBecause(StrEnum):
    """Why a session is over."""

    SIGNED_OUT = "signed_out"
    ENDED_BY_USER = "ended_by_user"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    TOKEN_REUSED = "token_reused"  # noqa: S105
    ENDED_BY_ADMIN = "ended_by_admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that has not ended."""

    id: SessionId
    user_id: UserId
    created_at: datetime
    last_used_at: datetime
    user_agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """When a session is over by itself: so long after it began (None: never), and after its use.

    What is over gets no new tokens; those that it has hold for their last minutes.
    """

    absolute: timedelta | None
    idle: timedelta

    @classmethod
    def of_days(cls, absolute: int, idle: int) -> "Lifetimes":
        """Take days; 0 for the absolute end: there is none."""
        return cls(
            absolute=timedelta(days=absolute) if absolute else None, idle=timedelta(days=idle)
        )

    def end_of(self, began_at: datetime, used_at: datetime) -> datetime:
        """Return when a session is over that is not used any more."""
        unused = used_at + self.idle
        return unused if self.absolute is None else min(unused, began_at + self.absolute)

    def is_over(self, session: Session, now: datetime) -> bool:
        """Judge by the lifetimes of today, not by those of its beginning."""
        return now >= self.end_of(session.created_at, session.last_used_at)

    def used_since(self, now: datetime) -> datetime:
        """Return the moment after which a session that goes on was used last."""
        return now - self.idle

    def begun_since(self, now: datetime) -> datetime | None:
        """Return the moment after which a session that goes on has begun; None: any time."""
        return None if self.absolute is None else now - self.absolute
