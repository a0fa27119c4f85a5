"""The outbox: events are stored by the very statement that writes what they tell of."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    DateTime,
    Delete,
    FromClause,
    Identity,
    Table,
    Text,
    Uuid,
    cast,
    column,
    delete,
    func,
    insert,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.phrases import INSTANT, a_text, ago
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore, in_batch
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


def _old_events() -> Delete:
    oldest = select(outbox.c.n).order_by(outbox.c.n).with_for_update(skip_locked=True)
    is_old = outbox.c.occurred_at < ago(timedelta(days=30))
    return delete(outbox).where(is_old, in_batch(outbox, oldest))


OLD_EVENTS = Chore("outbox", Statement(_old_events()).text)
"""Those that were stored first are the oldest: a booking need not pay for another index."""


def recording(where: FromClause | None = None) -> CTE:
    """Return the part of a statement that stores its value `events`, made by `events_text`.

    Add it with `add_cte`, and refer to it nowhere: PostgreSQL then runs it behind the statement
    itself, so numbers are drawn when every lock and every constraint has been waited for. Nothing
    is stored unless `where` has a row, and each event once for each of its rows.
    """
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
    columns = [told.c.id, told.c.name, told.c.payload, told.c.occurred_at]
    query = select(*columns).select_from(told if where is None else where.join(told, true()))
    return insert(outbox).from_select([one.name for one in columns], query).cte("recorded")


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
    return {
        field.name: getattr(event, field.name)
        for field in fields(event)
        if field.name != "occurred_at"
    }
