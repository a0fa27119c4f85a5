"""The outbox: events are stored by the very transaction that caused them."""

from dataclasses import fields

import orjson
from sqlalchemy import Column, DateTime, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.tidying import Chore
from booking_system.shared_kernel.aggregate import DomainEvent

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
)


OLD_EVENTS = Chore(
    "outbox",
    """WITH long_ago AS (SELECT now() - interval '30 days' AS moment)
 DELETE FROM outbox WHERE id IN (
  SELECT id FROM outbox WHERE id < (SELECT (lpad(
     to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    FROM long_ago)
   AND occurred_at < (SELECT moment FROM long_ago)
  ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)""",
)
"""Found by their ids, which begin with the time (RFC 9562, version 7): a booking need not pay for
another index."""


def payload_text(event: DomainEvent) -> str:
    """Return the event's own fields as JSON text."""
    named = {
        field.name: getattr(event, field.name)
        for field in fields(event)
        if field.name != "occurred_at"
    }
    return orjson.dumps(named, default=str, option=orjson.OPT_UTC_Z).decode()
