"""The outbox: events are stored by the very transaction that caused them."""

from dataclasses import fields

import orjson
from sqlalchemy import BigInteger, Column, DateTime, Identity, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.tidying import Chore
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


OLD_EVENTS = Chore(
    "outbox",
    """DELETE FROM outbox WHERE occurred_at < now() - interval '30 days' AND n = ANY(ARRAY(
  SELECT n FROM outbox ORDER BY n LIMIT $1 FOR UPDATE SKIP LOCKED))""",
)
"""Those that were stored first are the oldest: a booking need not pay for another index."""


def payload_text(event: DomainEvent) -> str:
    """Return the event's own fields as JSON text."""
    named = {
        field.name: getattr(event, field.name)
        for field in fields(event)
        if field.name != "occurred_at"
    }
    return orjson.dumps(named, default=str, option=orjson.OPT_UTC_Z).decode()
