"""Use case: find out who holds a session by now, without their token."""

from dataclasses import dataclass
from datetime import timedelta

from booking_system.identity.application.access_ports import AccessReader
from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Unauthenticated
from booking_system.shared_kernel.identifiers import SessionId, UserId

LIFE = timedelta(minutes=10)
"""As long as an access token; a change of access is heard of long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHolder:
    """Confirms the holders of connections that were opened on a session's authority.

    What was read is remembered beside the tokens, and forgotten with them.
    """

    known: KnownActors
    access: AccessReader
    clock: Clock

    async def __call__(self, *, user_id: UserId, session_id: SessionId) -> Actor:
        """Return the actor. Raises `Unauthenticated` where the session or the user is no more."""
        # No token has a blank in it.
        name = f"session {session_id} of {user_id}"
        found, now = self.known.find(name), self.clock.now()
        if found is not None and now < found[1]:
            return found[0]
        grants = await self.access.grants_in_force(user_id, session_id)
        if grants is None:
            raise Unauthenticated
        actor = Actor.of(user_id, session_id, grants)
        self.known.remember(name, actor, now + LIFE)
        return actor
