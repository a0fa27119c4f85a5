"""Idempotency rows: stored by the transaction that has the effect, or claimed ahead of it.

The first request with a key stores its row in one of three ways, named in `platform.http.once`: a
transaction takes the key, has its effect and stores the answer (`claim`, `answer`); one statement
of a use case writes key and effect (`earlier`); or the key is claimed for work outside of
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
    and_,
    any_,
    delete,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.phrases import ago, given, instant, texts
from booking_system.platform.postgres.statement import Statement
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

k = idempotency_keys
IS_THE_KEY = and_(
    k.c.owner == given(k.c.owner),
    k.c.operation == given(k.c.operation),
    k.c.key == given(k.c.key),
)
"""The condition of one row; its values are those of `named`."""


OLD_KEYS = Chore.deleting(k, over=k.c.created_at < ago(KEPT_FOR), oldest_first=k.c.created_at)
"""A row that is in use at this moment stays until the next round."""

STORED = Statement(
    select(true()).where(
        k.c.owner == any_(texts("owners")),
        k.c.operation == given(k.c.operation),
        k.c.key == given(k.c.key),
        k.c.created_at > instant("since"),
    )
)

CLAIM = Statement(
    insert(k)
    .values(
        {
            name: given(k.c[name])
            for name in ("owner", "operation", "key", "fingerprint", "created_at")
        }
    )
    .on_conflict_do_nothing()
    .returning(true())
)

FORGET = Statement(delete(k).where(IS_THE_KEY, k.c.created_at <= instant("until")))

REPLAY = Statement(
    update(k)
    .where(IS_THE_KEY)
    .values(replays=k.c.replays + 1)
    .returning(k.c.fingerprint, k.c.answer, k.c.resource_ids, k.c.claimed_until)
)

ANSWER = Statement(
    update(k)
    .where(IS_THE_KEY)
    .values(answer=given(k.c.answer), resource_ids=given(k.c.resource_ids))
)


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
    found = await STORED.fetchval(
        connection, owners=owners, operation=key.operation, key=key.key, since=now - KEPT_FOR
    )
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
    try:
        for other in key.formerly:
            if other.owner != key.owner and (stored := await _still_there(connection, other, now)):
                return stored
        await forget_old(connection, key, now=now)
        taking = {"fingerprint": key.fingerprint, "created_at": now}
        if await CLAIM.fetchval(connection, **named(key), **taking):
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
        await forget_old(connection, key, now=now)
    except asyncpg.LockNotAvailableError:
        raise IdempotencyKeyInUse(retry_after=1) from None
    await connection.execute("SAVEPOINT before_the_claim")
    stored = await claim(connection, key, now=now)
    if stored is None:
        await connection.execute("ROLLBACK TO SAVEPOINT before_the_claim")
    return stored


async def replayed(connection: asyncpg.Connection, key: IdempotencyKey) -> StoredAnswer | None:
    """Return the stored answer and count the replay; None where the key is nobody's.

    The count is no decoration: the commit of a replay waits for the standbys, so what it tells is
    as safe as what it writes. Raises `IdempotencyKeyReused`, and `IdempotencyKeyInUse` where the
    key is claimed and nothing is known yet.
    """
    row: Any = await REPLAY.fetchrow(connection, **named(key))
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
    await forget_old(connection, key, now=now)
    return await replayed(connection, key)


async def answer(connection: asyncpg.Connection, key: IdempotencyKey, stored: StoredAnswer) -> None:
    """Store what this request is answered."""
    said = {"answer": stored.answer, "resource_ids": list(stored.resource_ids)}
    await ANSWER.execute(connection, **named(key), **said)


async def forget_old(connection: asyncpg.Connection, key: IdempotencyKey, *, now: datetime) -> None:
    """Delete the row of the key where it is too old to count."""
    await FORGET.execute(connection, **named(key), until=now - KEPT_FOR)


def named(key: IdempotencyKey) -> dict[str, str]:
    """Return the values of `IS_THE_KEY`."""
    return {"owner": key.owner, "operation": key.operation, "key": key.key}
