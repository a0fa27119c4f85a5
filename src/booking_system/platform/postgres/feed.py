"""The feed: the events of the outbox, numbered without a gap in the order of their commits.

A relay takes all that is there, never "more than the last": a transaction that commits late is in
a later batch. Numbers are the head's and the next ones, inside of the transaction that stores them,
one relay at a time: so `seq > last ORDER BY seq` leaves nothing out, and nothing comes twice.
"""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Insert,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.outbox import outbox
from booking_system.platform.postgres.periodic import PeriodicJob, take_turn
from booking_system.platform.postgres.phrases import a_text, an_id, how_many
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import in_batch
from booking_system.platform.postgres.transaction import Database

PAUSE_SECONDS = 0.5
"""Between two looks, on average; from half as long to half as long again."""
FAILED_SECONDS = 2.0
MOST = 500
"""Events of one transaction."""
WHOLE_LOOK_SECONDS = 30.0
BEHIND = 10_000
"""So many numbers below the last batch are looked through each time, and all each half a minute:
where an old snapshot keeps dead rows, every look from the first number on goes through them all."""
LOCK = 0x6665_6564
CHANNEL = "feed"
"""Listeners hear the new head of the feed there: a hint to look, never the truth."""

event_feed = Table(
    "event_feed",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Uuid, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("clinic_id", Uuid),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("relayed_at", DateTime(timezone=True), nullable=False),
    Index("ix_event_feed_clinic", "clinic_id", "seq"),
)

feed_epoch = Table(
    "feed_epoch",
    metadata,
    # One row: numbers of one epoch are those of one history of the database.
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("epoch", Uuid, nullable=False),
    CheckConstraint("is_only", name="only"),
)


def _committed_at() -> ColumnElement[object]:
    """When the event was committed, where the server keeps that; else null."""
    keeps = func.current_setting("track_commit_timestamp") == "on"
    return case((keeps, func.pg_xact_commit_timestamp(literal_column("outbox.xmin"))))


def _taking() -> Insert:
    low = bindparam("low", type_=BigInteger())
    there = select(outbox.c.n).where(outbox.c.n >= low).order_by(outbox.c.n)
    o = outbox.c
    taken = (
        delete(outbox)
        .where(in_batch(outbox, there))
        .returning(o.n, o.id, o.name, o.payload, o.occurred_at, _committed_at().label("at"))
        .cte("taken")
    )
    last = select(event_feed.c.seq).order_by(event_feed.c.seq.desc()).limit(1)
    head = select(func.coalesce(last.scalar_subquery(), 0).label("seq")).cte("head")
    t = taken.c
    # A number is drawn before its statement may wait for another's commit: the commits decide.
    place = func.row_number().over(order_by=(t.at.nulls_first(), t.n))
    clinic_id = cast(t.payload["clinic_id"].astext, Uuid)
    rows: Select[tuple[object, ...]] = select(
        head.c.seq + place, t.id, t.name, clinic_id, t.payload, t.occurred_at, func.now()
    ).select_from(taken.join(head, literal_column("true")))
    names = ["seq", "id", "name", "clinic_id", "payload", "occurred_at", "relayed_at"]
    return insert(event_feed).from_select(names, rows)


def _take() -> Select[tuple[int, int | None, int | None]]:
    stored = _taking().returning(event_feed.c.seq).cte("stored")
    lowest = select(func.min(literal_column("n"))).select_from(text("taken")).scalar_subquery()
    return select(
        func.count().label("count"),
        func.max(stored.c.seq).label("head"),
        lowest.label("lowest"),
    ).select_from(stored)


TAKE = Statement(_take())
TELL = Statement(select(func.pg_notify(CHANNEL, a_text("head"))))


@dataclass(slots=True, kw_only=True)
class Relay:
    """Brings events from the outbox into the feed; any number of processes may have one."""

    database: Database
    monotonic: Callable[[], float] = time.monotonic
    _low: int = field(default=0, init=False)
    _whole_at: float = field(default=float("-inf"), init=False)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="relay",
            round=self.once,
            failed="events_not_relayed",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Take all that is there, batch by batch, unless another relay is at it."""
        while await self.batch() == MOST:
            pass
        return True

    async def batch(self) -> int:
        """Return how many events went over."""
        low, now = self._low, self.monotonic()
        if now - self._whole_at >= WHOLE_LOOK_SECONDS:
            low, self._whole_at = 0, now
        async with self.database.driver_transaction() as connection:
            # In a statement of its own: the next one sees what the relay before has committed.
            if not await take_turn(connection, LOCK):
                return 0
            row = await TAKE.fetchrow(connection, low=low, most=MOST)
            assert row is not None, "an aggregate has a row"
            if row["count"]:
                await TELL.execute(connection, head=str(row["head"]))
        self._low = low if row["lowest"] is None else max(0, row["lowest"] - BEHIND)
        count: int = row["count"]
        return count


def _reading(of: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    """One statement, so that a page and what is said of the whole feed are of one moment."""
    e = event_feed.c
    some = (
        select(e.seq, e.id, e.name, e.clinic_id, e.payload, e.occurred_at)
        .where(e.seq > bindparam("after", type_=BigInteger()), of)
        .order_by(e.seq)
        .limit(how_many("most"))
        .subquery("some")
    )
    state = select(
        select(feed_epoch.c.epoch).scalar_subquery().label("epoch"),
        func.coalesce(func.max(e.seq), 0).label("head"),
        func.coalesce(func.min(e.seq), 1).label("oldest"),
    ).subquery("state")
    return select(*state.c, *some.c).select_from(state.outerjoin(some, true())).order_by(some.c.seq)


READ = Statement(_reading(true()))
"""The events behind a number; without any there is one row, whose `seq` is null."""
READ_OF_CLINIC = Statement(_reading(event_feed.c.clinic_id == an_id("clinic_id")))


async def begin_new_epoch(connection: AsyncConnection) -> None:
    """Say that numbers from here on are of another history: the database is as it was once."""
    await connection.execute(update(feed_epoch).values(epoch=func.gen_random_uuid()))
