"""Use case: a client trades its refresh token for new tokens."""

from dataclasses import dataclass

from booking_system.identity.application.ports import (
    AccessTokens,
    IdentityTransaction,
    IdentityWork,
    RefreshTokens,
)
from booking_system.identity.domain.refusals import InvalidCredentials
from booking_system.identity.domain.session import EndedBecause, Session
from booking_system.identity.domain.tokens import Tokens, Verdict
from booking_system.shared_kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshSession:
    """Rotates a refresh token; one that comes back too late ends its whole family."""

    transaction: IdentityTransaction
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    clock: Clock

    async def __call__(self, *, refresh_token: str) -> Tokens:
        """Raises `InvalidCredentials` for a token that is unknown, expired, ended or reused."""
        async with self.transaction() as work:
            session = await self._session_of(work, refresh_token)
            # The session's lock makes twins queue, so this is read after any rival's rotation.
            verdict = await self._judged(work, session, refresh_token)
        if verdict not in {Verdict.FRESH, Verdict.REPEATED}:
            raise InvalidCredentials
        now = self.clock.now()
        return Tokens(
            access_token=self.access_tokens.sign(session.user_id, session.id, now),
            refresh_token=self.refresh_tokens.successor_of(refresh_token),
        )

    async def _session_of(self, work: IdentityWork, refresh_token: str) -> Session:
        owner = await work.sessions.owner_of(self.refresh_tokens.fingerprint(refresh_token))
        session = None if owner is None else await work.sessions.lock(owner)
        if session is None:
            raise InvalidCredentials
        return session

    async def _judged(self, work: IdentityWork, session: Session, refresh_token: str) -> Verdict:
        now = self.clock.now()
        used = self.refresh_tokens.fingerprint(refresh_token)
        successor = self.refresh_tokens.fingerprint(self.refresh_tokens.successor_of(refresh_token))
        token = await work.sessions.token(used)
        if token is None:
            return Verdict.EXPIRED
        verdict = token.presented(now)
        if verdict is Verdict.FRESH:
            await work.sessions.rotate(session.id, used, successor, now)
        elif verdict is Verdict.REPEATED and await work.sessions.token(successor) is None:
            # The signing key has changed since: the successor that was given out is another one.
            return Verdict.EXPIRED
        elif verdict is Verdict.STOLEN:
            await work.sessions.end(session.id, session.user_id, EndedBecause.TOKEN_REUSED, now)
        return verdict
