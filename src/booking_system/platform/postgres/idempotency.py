"""Idempotency rows: stored by the transaction that has the effect, or claimed ahead of it.

The first request with a key stores its row in one of three ways, named in `platform.http.once`: a
transaction takes the key, has its effect and stores the answer (`claim`, `answer`); one statement
of a use case writes key and effect (`STORE`, `earlier`); or the key is claimed for work outside of
any transaction (`platform.postgres.claims`). What a caller was told is text that nobody here reads.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.tidying import Chore
from booking_system.shared_kernel.idempotency import (
    KEPT_FOR,
    IdempotencyKey,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", Text),
    Column("resource_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("replays", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("outside_key", Uuid),
    Column("claimed_until", DateTime(timezone=True)),
    Column("claims", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(
        "claimed_until IS NULL OR (outside_key IS NOT NULL AND claims > 0 AND answer IS NULL)",
        name="claimed",
    ),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
"""`claimed_until` is there as long as nothing is known of the effect; `claims` counts who tried."""

OLD_KEYS = Chore(
    "idempotency_keys",
    f"""DELETE FROM idempotency_keys WHERE (owner, operation, key) IN (
  SELECT owner, operation, key FROM idempotency_keys
  WHERE created_at < now() - interval '{KEPT_FOR.total_seconds():.0f} seconds'
  ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)""",  # noqa: S608  (a number of ours)
)
"""Whoever is using one at this moment keeps it until the next round."""

STORE = (
    "INSERT INTO idempotency_keys (owner, operation, key, fingerprint, resource_ids, created_at)"
)
"""What a use case that stores its key by itself writes; the rest is for the other ways."""

STORED = """SELECT true FROM idempotency_keys
 WHERE owner = ANY($1) AND operation = $2 AND key = $3 AND created_at > $4"""

CLAIM = """INSERT INTO idempotency_keys (owner, operation, key, fingerprint, created_at)
 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true"""

FORGET = """DELETE FROM idempotency_keys
 WHERE owner = $1 AND operation = $2 AND key = $3 AND created_at <= $4"""

REPLAY = """UPDATE idempotency_keys SET replays = replays + 1
 WHERE owner = $1 AND operation = $2 AND key = $3
 RETURNING fingerprint, answer, resource_ids, claimed_until"""

ANSWER = """UPDATE idempotency_keys SET answer = $4, resource_ids = $5
 WHERE owner = $1 AND operation = $2 AND key = $3"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What the first request with a key made, and what it was answered; the body is made anew.

    `answer` is opaque here; None where the use case that stored the key knows it from the ids.
    """

    resource_ids: tuple[UUID, ...]
    answer: str | None = None


async def is_stored(connection: asyncpg.Connection, key: IdempotencyKey, *, now: datetime) -> bool:
    """Say whether a request with this key has had its effect; wait for nobody."""
    owners = list({one.owner for one in (key, *key.formerly)})
    found = await connection.fetchval(STORED, owners, key.operation, key.key, now - KEPT_FOR)
    return found is not None


async def given_before(connection: asyncpg.Connection, key: IdempotencyKey) -> StoredAnswer | None:
    """Return the answer that is stored under any of the key's names, and count the replay.

    Raises `IdempotencyKeyReused`, `IdempotencyKeyInUse`.
    """
    for one in (key, *(other for other in key.formerly if other.owner != key.owner)):
        if (stored := await replayed(connection, one)) is not None:
            return stored
    return None


async def claim(
    connection: asyncpg.Connection, key: IdempotencyKey, *, now: datetime
) -> StoredAnswer | None:
    """Take the key for this transaction; return the stored answer where it is taken already.

    A twin in flight is waited for, as long as a lock may be waited for. Raises
    `IdempotencyKeyInUse` after that, `IdempotencyKeyReused` where the first said something else.
    """
    named = (key.owner, key.operation, key.key)
    try:
        for other in key.formerly:
            if other.owner != key.owner and (stored := await _still_there(connection, other, now)):
                return stored
        await connection.execute(FORGET, *named, now - KEPT_FOR)
        if await connection.fetchval(CLAIM, *named, key.fingerprint, now):
            return None
    except asyncpg.LockNotAvailableError:
        raise IdempotencyKeyInUse(retry_after=1) from None
    return await replayed(connection, key)


async def earlier(
    connection: asyncpg.Connection, key: IdempotencyKey, *, now: datetime
) -> StoredAnswer | None:
    """Return the stored answer as `claim` does, and raise as it does, but take nothing.

    A row that is too old to count is gone afterwards.
    """
    try:
        await connection.execute(FORGET, key.owner, key.operation, key.key, now - KEPT_FOR)
    except asyncpg.LockNotAvailableError:
        raise IdempotencyKeyInUse(retry_after=1) from None
    attempt = connection.transaction()
    await attempt.start()
    stored = await claim(connection, key, now=now)
    if stored is None:
        await attempt.rollback()
    return stored


async def replayed(connection: asyncpg.Connection, key: IdempotencyKey) -> StoredAnswer | None:
    """Return the stored answer and count the replay; None where the key is nobody's.

    The count is no decoration: the commit of a replay waits for the standbys, so what it tells is
    as safe as what it writes. Raises `IdempotencyKeyReused`, and `IdempotencyKeyInUse` where the
    key is claimed and nothing is known yet.
    """
    row: Any = await connection.fetchrow(REPLAY, key.owner, key.operation, key.key)
    if row is None:
        return None
    refuse_others(key, row["fingerprint"])
    if row["claimed_until"] is not None:
        raise IdempotencyKeyInUse(retry_after=1)
    return StoredAnswer(resource_ids=tuple(row["resource_ids"]), answer=row["answer"])


def refuse_others(key: IdempotencyKey, fingerprint: bytes) -> None:
    """Raise `IdempotencyKeyReused` where the stored fingerprint is of another body."""
    if fingerprint not in {one.fingerprint for one in (key, *key.formerly)}:
        raise IdempotencyKeyReused


async def _still_there(
    connection: asyncpg.Connection, key: IdempotencyKey, now: datetime
) -> StoredAnswer | None:
    await connection.execute(FORGET, key.owner, key.operation, key.key, now - KEPT_FOR)
    return await replayed(connection, key)


async def answer(connection: asyncpg.Connection, key: IdempotencyKey, stored: StoredAnswer) -> None:
    """Store what this request is answered."""
    await connection.execute(
        ANSWER, key.owner, key.operation, key.key, stored.answer, list(stored.resource_ids)
    )
