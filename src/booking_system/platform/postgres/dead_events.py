"""Events that a consumer could not take: kept, listed, and tried again when somebody wants it."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from booking_system.platform.postgres.feed import event_feed
from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.phrases import a_text, how_many
from booking_system.platform.postgres.statement import Statement

dead_events = Table(
    "dead_events",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("clinic_id", Uuid),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    # The name of the error, never its text.
    Column("error", Text, nullable=False),
    Column("died_at", DateTime(timezone=True), nullable=False),
    # Somebody wants it to be tried again.
    Column("wanted_again", Boolean, nullable=False, server_default=text("false")),
)


_d = dead_events.c


def _seq(name: str = "seq") -> Any:
    return bindparam(name, type_=BigInteger())


BURY = Statement(
    insert(dead_events)
    .from_select(
        [
            "consumer",
            "seq",
            "id",
            "name",
            "clinic_id",
            "payload",
            "occurred_at",
            "error",
            "died_at",
        ],
        select(
            a_text("consumer"),
            *(
                event_feed.c[name]
                for name in ("seq", "id", "name", "clinic_id", "payload", "occurred_at")
            ),
            a_text("error"),
            func.now(),
        ).where(event_feed.c.seq == _seq()),
    )
    .on_conflict_do_nothing()
)

_of_grave = (_d.consumer == a_text("consumer")) & (_d.seq == _seq())
WANTED_AGAIN = Statement(
    select(_d.seq, _d.id, _d.name, _d.clinic_id, _d.payload, _d.occurred_at)
    .where(_d.consumer == a_text("consumer"), _d.wanted_again)
    .order_by(_d.seq)
    .limit(1)
    .with_for_update(skip_locked=True)
)
RAISE = Statement(delete(dead_events).where(_of_grave))
REST = Statement(
    update(dead_events).where(_of_grave).values(wanted_again=False, error=a_text("error"))
)
WANT_AGAIN = Statement(
    update(dead_events).where(_of_grave).values(wanted_again=True).returning(_d.seq)
)
DEAD = Statement(
    select(_d.consumer, _d.seq, _d.id, _d.name, _d.clinic_id, _d.occurred_at, _d.error, _d.died_at,
           _d.wanted_again)
    .where(_d.seq > _seq("after")).order_by(_d.seq, _d.consumer).limit(how_many("most"))
)  # fmt: skip
