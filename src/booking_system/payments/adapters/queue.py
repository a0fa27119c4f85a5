"""What there is to do, in PostgreSQL. Claims last by the database's clock; due is by our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import (
    ColumnElement,
    Integer,
    Interval,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from booking_system.payments.application.ports import Claim, WorkId, WorkKind
from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.refunds import RefundId
from booking_system.payments.records.tables import payment_work
from booking_system.platform.postgres.phrases import (
    INSTANT,
    a_number,
    a_text,
    an_id,
    given,
    how_many,
    instant,
    materialized,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database

LEASE = timedelta(seconds=60)
"""Longer than any answer of a provider is waited for."""

w = payment_work
_now: ColumnElement[Any] = func.clock_timestamp(type_=INSTANT)
_is_free = or_(w.c.lease_until.is_(None), w.c.lease_until < _now)


def _claiming(*which: ColumnElement[bool]) -> Statement[Any]:
    due = (
        select(w.c.id)
        .where(w.c.due_at <= instant("now"), _is_free, *which)
        .order_by(w.c.due_at)
        .limit(how_many("most"))
        .with_for_update(skip_locked=True)
    )
    found = materialized("found", due)
    return Statement(
        update(w)
        .where(w.c.id == found.c.id)
        .values(
            token=w.c.token + 1,
            attempts=w.c.attempts + 1,
            lease_until=_now + bindparam("lease", type_=Interval()),
        )
        .returning(
            w.c.id,
            w.c.kind,
            w.c.payment_id,
            w.c.refund_id,
            w.c.token,
            w.c.asked,
            w.c.attempts,
            w.c.problem,
            w.c.problem_since,
        )
    )


CLAIM = _claiming()
CLAIM_ONE = _claiming(w.c.payment_id == an_id("payment_id"), w.c.kind == given(w.c.kind))


def _is_ours() -> ColumnElement[bool]:
    token = bindparam("token", type_=Integer())
    return and_(w.c.id == an_id("id"), w.c.token == token, w.c.lease_until.is_not(None))


FINISH = Statement(delete(w).where(_is_ours(), w.c.asked == a_number("asked")).returning(w.c.id))
BEGIN_ANEW = Statement(
    update(w)
    .where(_is_ours())
    .values(lease_until=None, attempts=0, problem=None, problem_since=None)
)
PUT_OFF = Statement(
    update(w)
    .where(_is_ours())
    .values(
        lease_until=None,
        due_at=case((w.c.asked == a_number("asked"), instant("due_at")), else_=w.c.due_at),
        problem=a_text("problem"),
        problem_since=case(
            (a_text("problem").is_(None), None),
            (w.c.problem == a_text("problem"), w.c.problem_since),
            else_=instant("now"),
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresWorkQueue:
    """Claims of what is due, each with a fence."""

    database: Database
    lease: timedelta = LEASE

    async def claim(self, *, most: int, now: datetime) -> Sequence[Claim]:
        """Pass over what another worker is claiming at this moment."""
        async with self.database.driver_transaction() as connection:
            rows = await CLAIM.fetch(connection, now=now, most=most, lease=self.lease)
        return [_claim_of(row) for row in rows]

    async def claim_one(
        self, kind: WorkKind, payment_id: PaymentId, *, now: datetime
    ) -> Claim | None:
        """Claim it by its names."""
        async with self.database.driver_transaction() as connection:
            row = await CLAIM_ONE.fetchrow(
                connection, now=now, most=1, lease=self.lease, kind=kind, payment_id=payment_id
            )
        return None if row is None else _claim_of(row)

    async def finish(self, claim: Claim) -> None:
        """Remove it, unless it was planned anew."""
        mine: dict[str, Any] = {"id": claim.id, "token": claim.token}
        async with self.database.driver_transaction() as connection:
            if await FINISH.fetchval(connection, **mine, asked=claim.asked) is None:
                await BEGIN_ANEW.execute(connection, **mine)

    async def put_off(
        self, claim: Claim, *, due_at: datetime, problem: str | None, now: datetime
    ) -> None:
        """Write when; what was planned anew meanwhile is due at once."""
        mine: dict[str, Any] = {"id": claim.id, "token": claim.token}
        async with self.database.driver_transaction() as connection:
            await PUT_OFF.execute(
                connection, **mine, asked=claim.asked, due_at=due_at, problem=problem, now=now
            )


def _claim_of(row: asyncpg.Record) -> Claim:
    refund_id = row["refund_id"]
    return Claim(
        id=WorkId(row["id"]),
        kind=WorkKind(row["kind"]),
        payment_id=PaymentId(row["payment_id"]),
        refund_id=None if refund_id is None else RefundId(refund_id),
        token=row["token"],
        asked=row["asked"],
        attempts=row["attempts"],
        problem=row["problem"],
        problem_since=row["problem_since"],
    )
