"""Calendar links in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, case, func, insert, select, update

from booking_system.integrations.domain.calendar_feed import (
    CalendarFeed,
    CalendarFeedId,
    Details,
    FeedScope,
)
from booking_system.integrations.records.tables import calendar_feeds
from booking_system.platform.postgres.phrases import ago, an_id, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import UserId

f = calendar_feeds.c
FIELDS = tuple(f[name] for name in CalendarFeed.__dataclass_fields__)
SECOND = timedelta(seconds=1)
KEPT = timedelta(days=30)
"""So long a revoked link is kept, for questions about it."""

OLD_FEEDS = Chore.deleting(
    calendar_feeds,
    over=f.revoked_at < ago(KEPT),
    oldest_first=f.revoked_at,
    others_change_it=False,
)

BY_FINGERPRINT: Statement[Any] = Statement(
    select(*FIELDS).where(
        f.token_hash == bindparam("fingerprint", type_=LargeBinary()), f.revoked_at.is_(None)
    )
)

_DIGEST = bindparam("digest", type_=LargeBinary())
_NOW = instant("now")

NOTED: Statement[Any] = Statement(
    select(f.changed_at).where(f.id == an_id("feed_id"), f.digest == _DIGEST)
)

NOTE: Statement[Any] = Statement(
    update(calendar_feeds)
    .values(
        digest=_DIGEST,
        # Instants are told in whole seconds: two contents never have the same.
        changed_at=case(
            (f.digest == _DIGEST, f.changed_at),
            else_=func.greatest(_NOW, func.coalesce(f.changed_at + SECOND, _NOW)),
        ),
    )
    .where(f.id == an_id("feed_id"))
    .returning(f.changed_at)
)


class PostgresCalendarFeeds:
    """Keeps them."""

    def __init__(self, database: Database) -> None:
        """Each call is one transaction, or a part of a whole."""
        self._database = database

    async def add(self, feed: CalendarFeed, *, fingerprint: bytes, most: int) -> bool:
        """Count and insert behind a lock that the owner's next one waits for."""
        async with self._database.transaction() as connection:
            name = f"calendar_feeds {feed.user_id}"
            await connection.execute(
                select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0)))
            )
            owned = select(func.count()).where(f.user_id == feed.user_id, f.revoked_at.is_(None))
            if (await connection.scalar(owned) or 0) >= most:
                return False
            row = {**asdict(feed), "token_hash": fingerprint}
            await connection.execute(insert(calendar_feeds).values(row))
        return True

    async def read(self, feed_id: CalendarFeedId) -> CalendarFeed | None:
        """Lock nothing."""
        wanted = select(*FIELDS).where(f.id == feed_id, f.revoked_at.is_(None))
        async with self._database.transaction() as connection:
            row = (await connection.execute(wanted)).mappings().one_or_none()
        return None if row is None else _feed_of(row)

    async def page(
        self, user_id: UserId, *, after: UUID | None, limit: int
    ) -> Sequence[CalendarFeed]:
        """Read a page by keyset on the id."""
        wanted = select(*FIELDS).where(f.user_id == user_id, f.revoked_at.is_(None))
        if after is not None:
            wanted = wanted.where(f.id > after)
        async with self._database.transaction() as connection:
            rows = await connection.execute(wanted.order_by(f.id).limit(limit + 1))
            return [_feed_of(row) for row in rows.mappings()]

    async def revoke(self, feed_id: CalendarFeedId, *, now: datetime) -> None:
        """Mark it; marked again, it stays as it is."""
        ends = update(calendar_feeds).where(f.id == feed_id, f.revoked_at.is_(None))
        async with self._database.transaction() as connection:
            await connection.execute(ends.values(revoked_at=now))

    async def by_fingerprint(self, fingerprint: bytes) -> CalendarFeed | None:
        """Read by the unique index."""
        async with self._database.reading() as connection:
            row = await BY_FINGERPRINT.fetchrow(connection, fingerprint=fingerprint)
        return None if row is None else _feed_of(row)

    async def note(self, feed_id: CalendarFeedId, digest: bytes, *, now: datetime) -> datetime:
        """Write only where it is new, which is seldom."""
        about = {"feed_id": feed_id, "digest": digest}
        async with self._database.reading() as connection:
            since: datetime | None = await NOTED.fetchval(connection, **about)
        if since is None:
            async with self._database.driver_transaction() as writing:
                since = await NOTE.fetchval(writing, now=now, **about)
        return since or now


def _feed_of(row: Any) -> CalendarFeed:
    return CalendarFeed(
        id=row["id"],
        user_id=row["user_id"],
        scope=FeedScope(row["scope"]),
        doctor_id=row["doctor_id"],
        details=Details(row["details"]),
        created_at=row["created_at"],
    )
