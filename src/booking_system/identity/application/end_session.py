"""Use cases: somebody looks at their sessions and ends one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking_system.identity.application.ports import IdentityTransaction, SessionSearch
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.session import EndedBecause, Lifetimes, Session
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions:
    """The caller's own sessions."""

    transaction: IdentityTransaction
    lifetimes: Lifetimes
    clock: Clock

    async def __call__(
        self, *, actor: Actor, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Session]:
        """Return those that could still be used, the newest first.

        They come after the sort key `after`, and one more than `limit` where there are.
        """
        now = self.clock.now()
        search = SessionSearch.among_living(self.lifetimes, now, after=after, limit=limit)
        async with self.transaction() as work:
            return await work.sessions.living_of(actor.user_id, search)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOut:
    """Ends the session that the caller's token belongs to."""

    transaction: IdentityTransaction
    clock: Clock

    async def __call__(self, *, actor: Actor) -> None:
        """Ending it twice is no error."""
        async with self.transaction() as work:
            await work.sessions.end(
                actor.session_id, actor.user_id, EndedBecause.SIGNED_OUT, self.clock.now()
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """Ends one of the caller's own sessions, on whatever device."""

    transaction: IdentityTransaction
    clock: Clock

    async def __call__(self, *, session_id: SessionId, actor: Actor) -> None:
        """Raises `NotFound` for a session that is over, or somebody else's."""
        async with self.transaction() as work:
            if not await work.sessions.end(
                session_id, actor.user_id, EndedBecause.ENDED_BY_USER, self.clock.now()
            ):
                raise NotFound
