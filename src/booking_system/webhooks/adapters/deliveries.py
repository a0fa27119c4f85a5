"""The log of deliveries in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.platform.postgres.transaction import Database
from booking_system.webhooks.domain.delivery import (
    Delivery,
    DeliveryId,
    DeliveryState,
    EndpointPinged,
)
from booking_system.webhooks.domain.endpoint import Endpoint, EndpointId, EndpointState
from booking_system.webhooks.domain.refusals import EndpointNotEnabled
from booking_system.webhooks.records.tables import webhook_deliveries, webhook_endpoints

d, e = webhook_deliveries.c, webhook_endpoints.c
FIELDS = tuple(d[name] for name in Delivery.__dataclass_fields__)
MISSED = (DeliveryState.FAILED, DeliveryState.PAUSED)
AT_REST = (*MISSED, DeliveryState.DELIVERED)


class PostgresDeliveries:
    """Reads and replays."""

    def __init__(self, database: Database) -> None:
        """Each call is one transaction, or a part of a whole."""
        self._database = database

    async def page(
        self,
        endpoint_id: EndpointId,
        *,
        state: DeliveryState | None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Delivery]:
        """Read a page by keyset on the id."""
        wanted = select(*FIELDS).where(d.endpoint_id == endpoint_id)
        if state is not None:
            wanted = wanted.where(d.state == state)
        if before is not None:
            wanted = wanted.where(d.id < before)
        async with self._database.transaction() as connection:
            rows = await connection.execute(wanted.order_by(d.id.desc()).limit(limit + 1))
            return [_delivery_of(row) for row in rows]

    async def read(self, endpoint_id: EndpointId, delivery_id: DeliveryId) -> Delivery | None:
        """Lock nothing."""
        wanted = select(*FIELDS).where(d.endpoint_id == endpoint_id, d.id == delivery_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else _delivery_of(row)

    async def ping(self, endpoint: Endpoint, *, delivery_id: DeliveryId, now: datetime) -> None:
        """Store it; its own id is that of what it tells."""
        values = {
            "id": delivery_id,
            "endpoint_id": endpoint.id,
            "event_id": delivery_id,
            "name": EndpointPinged.name,
            "payload": {"webhook_endpoint_id": str(endpoint.id)},
            "occurred_at": now,
            "stored_at": now,
            "due_at": now,
            "state": DeliveryState.PENDING,
        }
        async with self._database.transaction() as connection:
            await _refuse_unless_enabled(connection, endpoint.id)
            await connection.execute(insert(webhook_deliveries).values(values))

    async def replay(
        self, endpoint_id: EndpointId, delivery_id: DeliveryId, *, now: datetime
    ) -> bool:
        """Begin to count its attempts anew."""
        mine = (d.id == delivery_id) & (d.endpoint_id == endpoint_id) & d.state.in_(AT_REST)
        async with self._database.transaction() as connection:
            await _refuse_unless_enabled(connection, endpoint_id)
            done = await connection.execute(_again(mine, now))
            return done.one_or_none() is not None

    async def replay_from(
        self, endpoint_id: EndpointId, since_seq: int, *, most: int, now: datetime
    ) -> Sequence[int]:
        """The smallest numbers first; through the unique key."""
        missed = (
            select(d.id)
            .where(d.endpoint_id == endpoint_id, d.event_seq >= since_seq, d.state.in_(MISSED))
            .order_by(d.event_seq)
            .limit(most)
        )
        found = d.id.in_(missed) & d.state.in_(MISSED)
        async with self._database.transaction() as connection:
            await _refuse_unless_enabled(connection, endpoint_id)
            done = await connection.execute(_again(found, now))
            return [row.event_seq for row in done]


def _again(which: Any, now: datetime) -> Any:
    return (
        update(webhook_deliveries)
        .where(which)
        .values(state=DeliveryState.PENDING, due_at=now, attempts=0, ended_at=None)
        .returning(d.event_seq)
    )


async def _refuse_unless_enabled(connection: AsyncConnection, endpoint_id: EndpointId) -> None:
    """Nothing is left pending at an endpoint that is disabled meanwhile."""
    state = await connection.scalar(
        select(e.state)
        .where(e.id == endpoint_id, e.deleted_at.is_(None))
        .with_for_update(key_share=True)
    )
    if state != EndpointState.ENABLED:
        raise EndpointNotEnabled


def _delivery_of(row: Row[Any]) -> Delivery:
    about = dict(row._mapping)  # noqa: SLF001  (the documented way to a mapping)
    return Delivery(**{**about, "state": DeliveryState(about["state"])})
