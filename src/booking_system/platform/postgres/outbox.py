"""The outbox: events are stored by the very transaction that caused them."""

from dataclasses import fields

import orjson
from sqlalchemy import Column, DateTime, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata
from booking_system.shared_kernel.aggregate import DomainEvent

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
)


def payload_text(event: DomainEvent) -> str:
    """Return the event's own fields as JSON text."""
    named = {
        field.name: getattr(event, field.name)
        for field in fields(event)
        if field.name != "occurred_at"
    }
    return orjson.dumps(named, default=str, option=orjson.OPT_UTC_Z).decode()
