"""The outbox: events are stored by the very transaction that caused them."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, DateTime, Table, Text, Uuid, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.aggregate import DomainEvent

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
)


def payload_of(event: DomainEvent) -> dict[str, Any]:
    """Return the event's own fields as JSON values."""
    return {
        field.name: _plain(getattr(event, field.name))
        for field in fields(event)
        if field.name != "occurred_at"
    }


def payload_text(event: DomainEvent) -> str:
    """Return the event's own fields as JSON text."""
    return orjson.dumps(payload_of(event)).decode()


async def store(connection: AsyncConnection, events: Iterable[DomainEvent]) -> None:
    """Write the events with the transaction that `connection` is in."""
    rows = [
        {
            "id": uuid7(),
            "name": event.name,
            "payload": payload_of(event),
            "occurred_at": event.occurred_at,
        }
        for event in events
    ]
    if rows:
        await connection.execute(insert(outbox), rows)


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
