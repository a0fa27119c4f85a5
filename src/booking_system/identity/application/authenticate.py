"""Use case: find out who calls. On every request, so what was checked is remembered."""

from dataclasses import dataclass

from booking_system.identity.application.access_ports import AccessReader
from booking_system.identity.application.credential_ports import AccessTokens
from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import TokenExpired, Unauthenticated

SCHEME = "bearer "
PREFIX = len(SCHEME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Turns the `Authorization` header into an actor (RFC 6750)."""

    known: KnownActors
    access_tokens: AccessTokens
    access: AccessReader
    clock: Clock

    async def __call__(self, authorization: str | None) -> Actor | None:
        """Return the actor, None without a header.

        Raises `TokenExpired`, else `Unauthenticated` for a token that does not hold.
        """
        if authorization is None:
            return None
        token = authorization[PREFIX:]
        if authorization[:PREFIX].lower() != SCHEME:
            raise Unauthenticated
        known = self.known.find(token)
        if known is None:
            return await self._checked(token)
        actor, expires_at = known
        if self.clock.now() >= expires_at:
            raise TokenExpired
        return actor

    async def _checked(self, token: str) -> Actor:
        claims = self.access_tokens.verify(token)
        if self.clock.now() >= claims.expires_at:
            raise TokenExpired
        grants = await self.access.grants_in_force(claims.user_id, claims.session_id)
        if grants is None:
            raise Unauthenticated
        actor = Actor.of(claims.user_id, claims.session_id, grants)
        self.known.remember(token, actor, claims.expires_at)
        return actor
