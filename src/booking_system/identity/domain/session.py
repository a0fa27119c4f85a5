"""A session: one sign-in on one device, with all the tokens that descend from it."""

from dataclasses import dataclass
from datetime import datetime
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
