"""Keys claimed ahead of work that no transaction may wait for, such as asking another machine.

The claim is committed, the work is done outside of any transaction, and finishing stores the
answer. Where the process ends in between, the claim is over after a while; the next request with
the key begins the work anew, with the same outside key. A claim is fenced by its number: a process
that comes back late changes nothing any more. The database's clock judges, as it is one for all.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    Double,
    Interval,
    and_,
    cast,
    delete,
    extract,
    func,
    literal,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from booking_system.platform.postgres.idempotency import (
    IS_THE_KEY,
    StoredAnswer,
    forget_old,
    named,
    refuse_others,
    replayed,
)
from booking_system.platform.postgres.idempotency import idempotency_keys as k
from booking_system.platform.postgres.phrases import INSTANT, a_number, given
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.idempotency import (
    IdempotencyKey,
    IdempotencyKeyInUse,
    OutsideKey,
)

LASTS = timedelta(seconds=15)
"""Three times as long as a request is worked on before it is given up."""

CLOCK = func.clock_timestamp(type_=INSTANT)
UNTIL = CLOCK + literal(LASTS, Interval())

CLAIM = Statement(
    insert(k)
    .values(
        {
            name: given(k.c[name])
            for name in ("owner", "operation", "key", "fingerprint", "created_at", "outside_key")
        }
        | {"claimed_until": UNTIL, "claims": 1}
    )
    .on_conflict_do_nothing()
    .returning(true())
)

HELD = Statement(
    select(
        k.c.fingerprint,
        k.c.claimed_until.is_(None).label("is_finished"),
        cast(extract("epoch", k.c.claimed_until - CLOCK), Double).label("seconds"),
    )
    .where(IS_THE_KEY)
    .with_for_update()
)

TAKE_OVER = Statement(
    update(k)
    .where(IS_THE_KEY)
    .values(claims=k.c.claims + 1, claimed_until=UNTIL)
    .returning(k.c.claims, k.c.outside_key)
)

IS_MINE = and_(IS_THE_KEY, k.c.claims == a_number("number"), k.c.claimed_until.is_not(None))

FINISH = Statement(
    update(k)
    .where(IS_MINE)
    .values(
        answer=given(k.c.answer),
        resource_ids=given(k.c.resource_ids),
        claimed_until=null(),
    )
    .returning(true())
)

LET_GO = Statement(update(k).where(IS_MINE).values(claimed_until=CLOCK))

TAKE_BACK = Statement(delete(k).where(IS_MINE, k.c.claims == 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work for a key, until it is over; `number` counts the claims so far."""

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
            await forget_old(connection, one, now=now)
            found = await _found(connection, one, key)
            if found is not None:
                return found
        first = {"fingerprint": key.fingerprint, "created_at": now, "outside_key": outside_key}
        if await CLAIM.fetchval(connection, **named(key), **first):
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
    said = {"answer": stored.answer, "resource_ids": list(stored.resource_ids)}
    finished = await FINISH.fetchval(connection, **_mine(claim), **said)
    return finished is not None


async def let_go(connection: asyncpg.Connection, claim: Claim) -> None:
    """End the claim at once: what came of the work is unknown, and the next one asks again."""
    await LET_GO.execute(connection, **_mine(claim))


async def take_back(connection: asyncpg.Connection, claim: Claim) -> None:
    """Forget the key: the work was refused. Not where an earlier try may have had an effect."""
    await TAKE_BACK.execute(connection, **_mine(claim))
    await LET_GO.execute(connection, **_mine(claim))


async def _found(
    connection: asyncpg.Connection, one: IdempotencyKey, key: IdempotencyKey
) -> Claim | StoredAnswer | None:
    row: Any = await HELD.fetchrow(connection, **named(one))
    if row is None:
        return None
    refuse_others(key, row["fingerprint"])
    if row["is_finished"]:
        return await replayed(connection, one)
    if row["seconds"] > 0:
        raise IdempotencyKeyInUse(retry_after=math.ceil(row["seconds"]))
    taken: Any = await TAKE_OVER.fetchrow(connection, **named(one))
    return _claim(one, taken["claims"], taken["outside_key"])


def _claim(key: IdempotencyKey, number: int, outside_key: UUID) -> Claim:
    return Claim(
        owner=key.owner,
        operation=key.operation,
        key=key.key,
        number=number,
        outside_key=OutsideKey(outside_key.hex),
    )


def _mine(claim: Claim) -> dict[str, Any]:
    """Return the values of `IS_MINE`."""
    key = {"owner": claim.owner, "operation": claim.operation, "key": claim.key}
    return {**key, "number": claim.number}
