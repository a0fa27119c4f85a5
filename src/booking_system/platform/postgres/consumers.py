"""Consumers of the feed: each reads it in order, and its effect and its place move together.

A consumer's place and what it did with the events before it are one transaction, so a process that
dies has done both or nothing. An event that fails is tried alone; after some tries it is kept in
`dead_events`, and the consumer goes on: one event never stops the feed.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Select,
    SmallInteger,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    literal,
    select,
    text,
    update,
)

from booking_system.platform.postgres.dead_events import (
    BURY,
    RAISE,
    REST,
    WANTED_AGAIN,
    dead_events,
)
from booking_system.platform.postgres.feed import event_feed
from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.phrases import a_text, ago, how_many
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore, in_batch
from booking_system.platform.postgres.transaction import Database

KEPT = timedelta(days=30)
PAUSE_SECONDS = 0.5
"""Between two looks, on average; from half as long to half as long again."""
FAILED_SECONDS = 2.0
MOST = 200
"""Events of one transaction."""
TRIES = 5

log = structlog.get_logger("booking_system.consumers")

feed_consumers = Table(
    "feed_consumers",
    metadata,
    Column("name", Text, primary_key=True),
    # The last event whose effect is there.
    Column("seq", BigInteger, nullable=False),
    # How often the next one has failed alone.
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the feed has it; `data` holds ids and times."""

    seq: int
    id: UUID
    name: str
    clinic_id: UUID | None
    occurred_at: datetime
    data: dict[str, Any]


def _old_events() -> Chore:
    newest = select(func.max(event_feed.c.seq)).scalar_subquery()
    read_by_all = select(func.min(feed_consumers.c.seq)).scalar_subquery()
    # Numbers go on from the newest, so that one stays, however old it is.
    may_go = (event_feed.c.seq < newest) & (event_feed.c.seq <= read_by_all)
    found = select(event_feed.c.seq).where(may_go).order_by(event_feed.c.seq)
    is_old = event_feed.c.relayed_at < ago(KEPT)
    statement = delete(event_feed).where(is_old, in_batch(event_feed, found))
    return Chore("event_feed", Statement(statement).text)


OLD_EVENTS = _old_events()
"""The first numbers are the oldest: no index of times is needed."""


def _looking() -> Select[Any]:
    """Of each consumer: how far behind it is, since when, and how many events are dead."""
    c, e, d = feed_consumers.c, event_feed.c, dead_events.c
    head = select(func.coalesce(func.max(e.seq), 0)).scalar_subquery()
    oldest = select(e.relayed_at).where(e.seq > c.seq).order_by(e.seq).limit(1).scalar_subquery()
    dead = select(func.count()).where(d.consumer == c.name).scalar_subquery()
    seconds = cast(func.extract("epoch", func.now() - oldest), Double)
    return select(
        (literal("feed of ") + c.name).label("queue"),
        func.greatest(head - c.seq, 0).label("waiting"),
        func.coalesce(seconds, 0.0).label("seconds"),
        dead.label("dead"),
    )


LOOK = Statement(_looking())

Effect = Callable[[asyncpg.Connection, Sequence[StoredEvent]], Awaitable[None]]
"""What a consumer does with some events, in their order, in the transaction that it is given."""


def _seq(name: str = "seq") -> Any:
    return bindparam(name, type_=BigInteger())


def _events(of: Any) -> Select[Any]:
    e = event_feed.c
    columns = (e.seq, e.id, e.name, e.clinic_id, e.payload, e.occurred_at)
    return select(*columns).where(of).order_by(e.seq).limit(how_many("most"))


_c = feed_consumers.c
_of_name = _c.name == a_text("consumer")
TAKE_PLACE = Statement(select(_c.seq, _c.tries).where(_of_name).with_for_update(skip_locked=True))
"""No row: another process is at it."""
NEXT = Statement(_events(event_feed.c.seq > _seq("after")))
MOVE_ON = Statement(update(feed_consumers).where(_of_name).values(seq=_seq(), tries=0))
FAIL = Statement(update(feed_consumers).where(_of_name).values(tries=_c.tries + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Reads the feed for one purpose; any number of processes may run it, one works at a time.

    `name` has its row in `feed_consumers`, which a migration makes.
    """

    database: Database
    name: str
    effect: Effect

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name=f"consumer {self.name}",
            round=self.once,
            failed="events_not_consumed",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Take all that is there; say whether nothing failed.

        First the dead that somebody wants to be tried again, each alone.
        """
        while (seq := await self._again()) is not None:
            log.info("event_tried_again", job=self.name, seq=seq)
        try:
            while await self._batch(MOST) == MOST:
                pass
        except Exception as error:  # noqa: BLE001  (which of them it was is seen one by one)
            log.warning("events_not_consumed", job=self.name, error=type(error).__name__)
            return await self._one_by_one()
        return True

    async def _again(self) -> int | None:
        """Return which one was tried."""
        seq: int | None = None
        try:
            async with self.database.driver_transaction() as connection:
                row = await WANTED_AGAIN.fetchrow(connection, consumer=self.name)
                if row is not None:
                    seq = row["seq"]
                    await self.effect(connection, [event_of(row)])
                    await RAISE.execute(connection, consumer=self.name, seq=seq)
        except Exception as error:
            if seq is None:
                raise
            async with self.database.driver_transaction() as connection:
                why = type(error).__name__
                await REST.execute(connection, consumer=self.name, seq=seq, error=why)
        return seq

    async def _batch(self, most: int) -> int:
        """Return how many events have their effect now."""
        async with self.database.driver_transaction() as connection:
            place = await TAKE_PLACE.fetchrow(connection, consumer=self.name)
            if place is None:
                return 0
            events = await self._behind(connection, place["seq"], most)
            if events:
                await self.effect(connection, events)
                await MOVE_ON.execute(connection, consumer=self.name, seq=events[-1].seq)
            return len(events)

    async def _behind(
        self, connection: asyncpg.Connection, seq: int, most: int
    ) -> Sequence[StoredEvent]:
        return [event_of(row) for row in await NEXT.fetch(connection, after=seq, most=most)]

    async def _one_by_one(self) -> bool:
        """Go on to the event that fails, and count its failure; say whether none did."""
        for _ in range(MOST):
            try:
                if not await self._batch(1):
                    return True
            except Exception as error:  # noqa: BLE001  (any failure: counted, and in the end buried)
                await self._failed(type(error).__name__)
                return False
        return True

    async def _failed(self, error: str) -> None:
        async with self.database.driver_transaction() as connection:
            place = await TAKE_PLACE.fetchrow(connection, consumer=self.name)
            if place is None:
                return
            if place["tries"] + 1 < TRIES:
                await FAIL.execute(connection, consumer=self.name)
                return
            for event in await self._behind(connection, place["seq"], 1):
                log.error("event_is_dead", job=self.name, seq=event.seq, error=error)
                await BURY.execute(connection, consumer=self.name, seq=event.seq, error=error)
                await MOVE_ON.execute(connection, consumer=self.name, seq=event.seq)


def event_of(row: asyncpg.Record) -> StoredEvent:
    """Return the event of a row of the feed, or of the dead ones."""
    return StoredEvent(
        seq=row["seq"],
        id=row["id"],
        name=row["name"],
        clinic_id=row["clinic_id"],
        occurred_at=row["occurred_at"],
        data=row["payload"],
    )
