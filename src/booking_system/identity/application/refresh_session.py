"""Use case: a client trades its refresh token for new tokens."""

from dataclasses import dataclass

from booking_system.identity.application.credential_ports import AccessTokens, RefreshTokens
from booking_system.identity.application.ports import IdentityTransaction, IdentityWork
from booking_system.identity.domain.refusals import InvalidCredentials
from booking_system.identity.domain.session import EndedBecause, Lifetimes, Session
from booking_system.identity.domain.tokens import Tokens, Verdict
from booking_system.shared_kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshSession:
    """Rotates a refresh token; one that comes back too late ends its whole family."""

    transaction: IdentityTransaction
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    lifetimes: Lifetimes
    clock: Clock

    async def __call__(self, *, refresh_token: str, network: bytes | None = None) -> Tokens:
        """Raises `InvalidCredentials` for a token that is unknown, expired, ended or reused."""
        async with self.transaction() as work:
            session = await self._session_of(work, refresh_token)
            # The session's lock makes twins queue, so this is read after any rival's rotation.
            successor = await self._successor(work, session, refresh_token, network)
        if successor is None:
            raise InvalidCredentials
        now = self.clock.now()
        return Tokens(
            access_token=self.access_tokens.sign(session.user_id, session.id, now),
            refresh_token=successor,
        )

    async def _session_of(self, work: IdentityWork, refresh_token: str) -> Session:
        owner = await work.sessions.owner_of(self.refresh_tokens.fingerprint(refresh_token))
        session = None if owner is None else await work.sessions.lock(owner)
        if session is None or self.lifetimes.is_over(session, self.clock.now()):
            raise InvalidCredentials
        return session

    async def _successor(
        self, work: IdentityWork, session: Session, refresh_token: str, network: bytes | None
    ) -> str | None:
        now = self.clock.now()
        used = self.refresh_tokens.fingerprint(refresh_token)
        token = await work.sessions.token(used)
        verdict = Verdict.EXPIRED if token is None else token.presented(now)
        if verdict is Verdict.FRESH:
            successor = self.refresh_tokens.successors_of(refresh_token)[0]
            stored = self.refresh_tokens.fingerprint(successor)
            expires_at = self.lifetimes.end_of(session.created_at, now)
            await work.sessions.rotate(
                session.id, used, stored, now, expires_at=expires_at, network=network
            )
            return successor
        if verdict is Verdict.REPEATED:
            return await self._given_before(work, refresh_token)
        if verdict is Verdict.STOLEN:
            await work.sessions.end(session.id, session.user_id, EndedBecause.TOKEN_REUSED, now)
        return None

    async def _given_before(self, work: IdentityWork, refresh_token: str) -> str | None:
        """Return the successor that was given out; None where a key that is gone made it."""
        for successor in self.refresh_tokens.successors_of(refresh_token):
            if await work.sessions.token(self.refresh_tokens.fingerprint(successor)) is not None:
                return successor
        return None
