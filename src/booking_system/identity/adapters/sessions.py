"""Sessions and their refresh tokens in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.adapters.access_feed import AccessFeed
from booking_system.identity.application.ports import SessionSearch
from booking_system.identity.domain.session import EndedBecause, Session
from booking_system.identity.domain.tokens import RefreshToken
from booking_system.identity.records.tables import refresh_tokens, sessions, users
from booking_system.shared_kernel.identifiers import SessionId, UserId

LIVING = sessions.c.ended_at.is_(None)


class PostgresSessions:
    """The sessions, on a connection that is in a transaction already."""

    def __init__(self, connection: AsyncConnection, *, feed: AccessFeed) -> None:
        """Whoever opened the transaction commits it."""
        self._connection = connection
        self._feed = feed

    async def living_of(self, user_id: UserId, search: SessionSearch) -> Sequence[Session]:
        """Sort by what never changes, so that no page skips or repeats."""
        wanted = [
            sessions.c.user_id == user_id,
            LIVING,
            sessions.c.last_used_at > search.used_since,
        ]
        if search.begun_since is not None:
            wanted.append(sessions.c.created_at > search.begun_since)
        if search.after is not None:
            moment, last = search.after
            created, identity = sessions.c.created_at, sessions.c.id
            wanted.append(or_(created < moment, and_(created == moment, identity < last)))
        statement = (
            select(sessions)
            .where(*wanted)
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
            .limit(search.limit + 1)
        )
        return [_session_of(row) for row in await self._connection.execute(statement)]

    async def owner_of(self, fingerprint: bytes) -> SessionId | None:
        """Lock nothing: the session is locked next, whatever has become of it."""
        statement = select(refresh_tokens.c.session_id)
        found = await self._connection.scalar(
            statement.where(refresh_tokens.c.token_hash == fingerprint)
        )
        return None if found is None else SessionId(found)

    async def lock(self, session_id: SessionId) -> Session | None:
        """Take the row `FOR NO KEY UPDATE`; none where its user is gone."""
        statement = (
            select(sessions)
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.id == session_id, LIVING, users.c.deleted_at.is_(None))
            .with_for_update(of=sessions, key_share=True)
        )
        return await self._one(statement)

    async def token(self, fingerprint: bytes) -> RefreshToken | None:
        """Read it in a statement of its own, so that a wait for the lock is behind us."""
        statement = select(refresh_tokens.c.expires_at, refresh_tokens.c.used_at)
        result = await self._connection.execute(
            statement.where(refresh_tokens.c.token_hash == fingerprint)
        )
        row = result.one_or_none()
        return None if row is None else RefreshToken(expires_at=row[0], used_at=row[1])

    async def rotate(  # noqa: PLR0913  (what a rotation is made of)
        self,
        session_id: SessionId,
        used: bytes,
        successor: bytes,
        now: datetime,
        *,
        expires_at: datetime,
        network: bytes | None = None,
    ) -> None:
        """Write three rows; the session's lock is held."""
        await self._connection.execute(
            update(refresh_tokens).where(refresh_tokens.c.token_hash == used).values(used_at=now)
        )
        await self._connection.execute(
            insert(refresh_tokens).values(
                token_hash=successor,
                session_id=session_id,
                issued_at=now,
                expires_at=expires_at,
            )
        )
        seen = (
            {"last_used_at": now} if network is None else {"last_used_at": now, "network": network}
        )
        await self._connection.execute(
            update(sessions).where(sessions.c.id == session_id).values(seen)
        )

    async def end(
        self, session_id: SessionId, user_id: UserId, because: EndedBecause, now: datetime
    ) -> bool:
        """Tell the others about the one that ended."""
        return await self._end(because, now, user_id, sessions.c.id == session_id)

    async def end_others(
        self, user_id: UserId, keep: SessionId | None, because: EndedBecause, now: datetime
    ) -> bool:
        """Tell the others about each one that ended."""
        others = true() if keep is None else sessions.c.id != keep
        return await self._end(because, now, user_id, others)

    async def _end(self, because: EndedBecause, now: datetime, user_id: UserId, which: Any) -> bool:
        statement = (
            update(sessions)
            .where(which, sessions.c.user_id == user_id, LIVING)
            .values(ended_at=now, ended_because=because)
            .returning(sessions.c.id)
        )
        ended = (await self._connection.scalars(statement)).all()
        for session_id in ended:
            await self._feed.tell(self._connection, user_id, SessionId(session_id))
        return bool(ended)

    async def _one(self, statement: Select[Any]) -> Session | None:
        row = (await self._connection.execute(statement)).one_or_none()
        return None if row is None else _session_of(row)


def _session_of(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        user_agent=row.user_agent,
    )
