"""Links of accounts in PostgreSQL, inside a transaction that somebody else opened."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.domain.links import AccountLink, LinkPurpose
from booking_system.identity.records.tables import account_links
from booking_system.shared_kernel.identifiers import UserId

_l = account_links.c


class PostgresLinks:
    """The links, on a connection that is in a transaction already."""

    def __init__(self, connection: AsyncConnection) -> None:
        """The owner of the transaction commits it."""
        self._connection = connection

    async def add(
        self, fingerprint: bytes, *, purpose: LinkPurpose, user_id: UserId, expires_at: datetime
    ) -> None:
        """Insert."""
        await self._connection.execute(
            insert(account_links).values(
                token_hash=fingerprint, purpose=purpose, user_id=user_id, expires_at=expires_at
            )
        )

    async def find(self, fingerprint: bytes, purpose: LinkPurpose) -> AccountLink | None:
        """Lock nothing: changes of one account's links queue at the account."""
        wanted = select(_l.user_id, _l.expires_at, _l.used_at).where(
            _l.token_hash == fingerprint, _l.purpose == purpose
        )
        row = (await self._connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        return AccountLink(
            purpose=purpose,
            user_id=UserId(row.user_id),
            expires_at=row.expires_at,
            used_at=row.used_at,
        )

    async def use_up(self, user_id: UserId, purpose: LinkPurpose, now: datetime) -> None:
        """Mark those that are open."""
        is_open = _l.user_id == user_id, _l.purpose == purpose, _l.used_at.is_(None)
        await self._connection.execute(update(account_links).where(*is_open).values(used_at=now))
