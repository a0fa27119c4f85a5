"""The outbox: events are stored by the very statement that writes what they tell of.

From there the relay of `feed.py` takes them.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import orjson
from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Identity,
    Insert,
    Table,
    Text,
    Uuid,
    cast,
    column,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.phrases import INSTANT, a_text, an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.aggregate import DomainEvent

outbox = Table(
    "outbox",
    metadata,
    # The order in which readers take them, within one look. It has gaps, and where transactions
    # overlap a smaller number may be committed later.
    Column("n", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    # A queue: rows come and go, and what is dead at its head is read with each look.
    postgresql_with={
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 2000,
        "autovacuum_vacuum_cost_delay": 0,
    },
)


_TOLD_BY: dict[type[DomainEvent], list[str]] = {}
STORED = ["id", "name", "payload", "occurred_at"]


def recording() -> CTE:
    """Return the part of a statement that stores its value `events`, made by `events_text`.

    Add it with `add_cte`, and refer to it nowhere: PostgreSQL then runs it behind the statement
    itself, so numbers are drawn when every lock and every constraint has been waited for.
    """
    return _storing().cte("recorded")


def recording_one(where: FromClause, occurred_at: ColumnElement[Any]) -> CTE:
    """Return the same part for one event, in the values `event_id`, `event_name`, `event_payload`.

    Nothing is stored unless `where` has a row. To read many from one value takes 25 to 45 µs of the
    database's time (2026-11-28), too much for the one event of nearly every booking.
    """
    payload = cast(a_text("event_payload"), JSONB)
    query = select(an_id("event_id"), a_text("event_name"), payload, occurred_at)
    one = insert(outbox).from_select(STORED, query.select_from(where))
    return one.cte("recorded")


def _storing() -> Insert:
    told = (
        func.jsonb_to_recordset(cast(a_text("events"), JSONB))
        .table_valued(
            column("id", Uuid),
            column("name", Text),
            column("payload", JSONB),
            column("occurred_at", INSTANT),
        )
        .render_derived(name="told", with_types=True)
    )
    return insert(outbox).from_select(STORED, select(*(told.c[name] for name in STORED)))


STORING = _storing()
RECORD = Statement(STORING)
"""Stores its value `events`, and does nothing else."""


class PostgresEvents:
    """Stores events in the transaction that a connection of SQLAlchemy's is in."""

    def __init__(self, connection: AsyncConnection) -> None:
        """The owner of the transaction commits it."""
        self._connection = connection

    async def record(self, *events: DomainEvent) -> None:
        """Execute one statement for all of them."""
        await self._connection.execute(STORING, {"events": events_text(events)})


def events_text(events: Iterable[DomainEvent]) -> str:
    """Return the events, with new ids, as the value `events` of a statement that is `recording`."""
    told = [
        {
            "id": uuid7(),
            "name": event.name,
            "payload": _payload(event),
            "occurred_at": event.occurred_at,
        }
        for event in events
    ]
    return orjson.dumps(told, default=str, option=orjson.OPT_UTC_Z).decode()


def payload_text(event: DomainEvent) -> str:
    """Return the event's own fields as JSON text."""
    return orjson.dumps(_payload(event), default=str, option=orjson.OPT_UTC_Z).decode()


def _payload(event: DomainEvent) -> dict[str, Any]:
    """Return the fields of its own; the moment is a column."""
    kind = type(event)
    told = _TOLD_BY.get(kind)
    if told is None:
        told = _TOLD_BY[kind] = [one.name for one in fields(kind) if one.name != "occurred_at"]
    return {name: getattr(event, name) for name in told}
