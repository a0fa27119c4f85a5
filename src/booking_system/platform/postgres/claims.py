"""Keys claimed ahead of work that no transaction may wait for, such as asking another machine.

The claim is committed, the work is done outside of any transaction, and finishing stores the
answer. Where the process ends in between, the claim is over after a while; the next request with
the key begins the work anew, with the same outside key. A claim is fenced by its number: whoever
comes back late changes nothing any more. The database's clock judges, as it is one for all.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.platform.postgres.idempotency import (
    FORGET,
    StoredAnswer,
    refuse_others,
    replayed,
)
from booking_system.shared_kernel.idempotency import (
    KEPT_FOR,
    IdempotencyKey,
    IdempotencyKeyInUse,
    OutsideKey,
)

LASTS = timedelta(seconds=15)
"""Three times as long as a request is worked on before it is given up."""

CLAIM = """INSERT INTO idempotency_keys
  (owner, operation, key, fingerprint, created_at, outside_key, claimed_until, claims)
 VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7::interval, 1)
 ON CONFLICT DO NOTHING RETURNING true"""

HELD = """SELECT fingerprint, claimed_until IS NULL AS is_finished,
  extract(epoch FROM claimed_until - clock_timestamp())::float8 AS seconds
 FROM idempotency_keys WHERE owner = $1 AND operation = $2 AND key = $3 FOR UPDATE"""

TAKE_OVER = """UPDATE idempotency_keys
 SET claims = claims + 1, claimed_until = clock_timestamp() + $4::interval
 WHERE owner = $1 AND operation = $2 AND key = $3 RETURNING claims, outside_key"""

_MINE = """WHERE owner = $1 AND operation = $2 AND key = $3 AND claims = $4
 AND claimed_until IS NOT NULL"""

FINISH = f"""UPDATE idempotency_keys SET answer = $5, resource_ids = $6, claimed_until = NULL
 {_MINE} RETURNING true"""  # noqa: S608

LET_GO = f"UPDATE idempotency_keys SET claimed_until = clock_timestamp() {_MINE}"  # noqa: S608

TAKE_BACK = f"DELETE FROM idempotency_keys {_MINE} AND claims = 1"  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Somebody's right to work for a key, until it is over; `number` counts those who had it."""

    owner: str
    operation: str
    key: str
    number: int
    outside_key: OutsideKey


async def claim_first(
    connection: asyncpg.Connection, key: IdempotencyKey, *, now: datetime, outside_key: UUID
) -> Claim | StoredAnswer:
    """Claim the key, or take it over from somebody whose time is over; or return the answer.

    `outside_key` is for a key that nobody had before. Commit before the work begins. Raises
    `IdempotencyKeyInUse` with the seconds that are left, `IdempotencyKeyReused`.
    """
    try:
        for one in (*(other for other in key.formerly if other.owner != key.owner), key):
            await connection.execute(FORGET, *_named(one), now - KEPT_FOR)
            found = await _found(connection, one, key)
            if found is not None:
                return found
        made = await connection.fetchval(
            CLAIM, *_named(key), key.fingerprint, now, outside_key, LASTS
        )
        if made:
            return _claim(key, 1, outside_key)
        # A twin was quicker by a moment.
        found = await _found(connection, key, key)
    except asyncpg.LockNotAvailableError:
        raise IdempotencyKeyInUse(retry_after=1) from None
    if found is None:
        raise IdempotencyKeyInUse(retry_after=1)
    return found


async def finish(connection: asyncpg.Connection, claim: Claim, stored: StoredAnswer) -> bool:
    """Store the answer; False where somebody else has taken the claim over."""
    finished = await connection.fetchval(
        FINISH, *_mine(claim), stored.answer, list(stored.resource_ids)
    )
    return finished is not None


async def let_go(connection: asyncpg.Connection, claim: Claim) -> None:
    """End the claim at once: what came of the work is unknown, and the next one asks again."""
    await connection.execute(LET_GO, *_mine(claim))


async def take_back(connection: asyncpg.Connection, claim: Claim) -> None:
    """Forget the key: the work was refused. Not where an earlier try may have had an effect."""
    await connection.execute(TAKE_BACK, *_mine(claim))
    await connection.execute(LET_GO, *_mine(claim))


async def _found(
    connection: asyncpg.Connection, one: IdempotencyKey, key: IdempotencyKey
) -> Claim | StoredAnswer | None:
    row: Any = await connection.fetchrow(HELD, *_named(one))
    if row is None:
        return None
    refuse_others(key, row["fingerprint"])
    if row["is_finished"]:
        return await replayed(connection, one)
    if row["seconds"] > 0:
        raise IdempotencyKeyInUse(retry_after=math.ceil(row["seconds"]))
    taken: Any = await connection.fetchrow(TAKE_OVER, *_named(one), LASTS)
    return _claim(one, taken["claims"], taken["outside_key"])


def _claim(key: IdempotencyKey, number: int, outside_key: UUID) -> Claim:
    return Claim(
        owner=key.owner,
        operation=key.operation,
        key=key.key,
        number=number,
        outside_key=OutsideKey(outside_key.hex),
    )


def _named(key: IdempotencyKey) -> tuple[str, str, str]:
    return key.owner, key.operation, key.key


def _mine(claim: Claim) -> tuple[str, str, str, int]:
    return claim.owner, claim.operation, claim.key, claim.number
