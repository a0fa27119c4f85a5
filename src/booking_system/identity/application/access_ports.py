"""What identity needs to know who may do what, and when that has changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from booking_system.identity.domain.actor import RoleGrant
from booking_system.shared_kernel.identifiers import SessionId, UserId


class AccessReader(Protocol):
    """Reads what decides whether a token still holds."""

    async def grants_in_force(
        self, user_id: UserId, session_id: SessionId
    ) -> Sequence[RoleGrant] | None:
        """Return the user's roles, in one statement; None where session or user is no more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """Something changed what a user may do, or whether a session holds."""

    id: int
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentChanges:
    """Changes up to `until`, by the clock of their store."""

    until: datetime
    changes: Sequence[AccessChange]


class AccessChanges(Protocol):
    """The changes of access that all processes have committed."""

    async def since(self, moment: datetime | None) -> RecentChanges:
        """Return the changes from somewhat before `moment` on; none where it is None.

        The overlap finds changes that were committed later than they were made.
        """
        ...
