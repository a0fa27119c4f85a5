"""Begins sessions in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.application.credential_ports import AccessTokens, RefreshTokens
from booking_system.identity.domain.session import Lifetimes
from booking_system.identity.domain.tokens import Tokens
from booking_system.identity.records.tables import refresh_tokens, sessions
from booking_system.shared_kernel.identifiers import Identities, SessionId, UserId

LONGEST_USER_AGENT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSessions:
    """Stores a session and makes its first tokens."""

    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    identities: Identities
    lifetimes: Lifetimes

    async def start(
        self,
        connection: AsyncConnection,
        user_id: UserId,
        user_agent: str | None,
        now: datetime,
        *,
        network: bytes | None,
    ) -> Tokens:
        """Write with the transaction that `connection` is in."""
        session_id = SessionId(self.identities.new())
        refresh_token = self.refresh_tokens.first()
        await connection.execute(
            insert(sessions).values(
                id=session_id,
                user_id=user_id,
                created_at=now,
                last_used_at=now,
                user_agent=user_agent and user_agent[:LONGEST_USER_AGENT],
                network=network,
            )
        )
        await connection.execute(
            insert(refresh_tokens).values(
                token_hash=self.refresh_tokens.fingerprint(refresh_token),
                session_id=session_id,
                issued_at=now,
                expires_at=self.lifetimes.end_of(now, now),
            )
        )
        return Tokens(
            access_token=self.access_tokens.sign(user_id, session_id, now),
            refresh_token=refresh_token,
        )
