"""Endpoints in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.records.tables import clinics
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.webhooks.application.endpoint_ports import Change
from booking_system.webhooks.domain.endpoint import (
    DisabledBecause,
    Endpoint,
    EndpointId,
    EndpointState,
)
from booking_system.webhooks.records.tables import webhook_deliveries, webhook_endpoints

e = webhook_endpoints.c
FIELDS = tuple(e[name] for name in Endpoint.__dataclass_fields__)
CHANGED = (
    "url",
    "description",
    "events",
    "with_patients",
    "state",
    "reason",
    "state_since",
    "failing_since",
    "version",
    "updated_at",
)


class PostgresEndpoints:
    """Keeps them; each call is one transaction, or a part of a whole."""

    def __init__(self, database: Database) -> None:
        """Endpoints that are deleted stay in the table, for what was sent there."""
        self._database = database

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Look in the directory."""
        is_there = (clinics.c.id == clinic_id) & clinics.c.deleted_at.is_(None)
        async with self._database.looking() as connection:
            found = await connection.scalar(select(clinics.c.id).where(is_there))
        return found is not None

    async def add(self, endpoint: Endpoint, *, secret: bytes, most: int) -> bool:
        """Count and insert behind a lock that the clinic's next one waits for."""
        async with self._database.transaction() as connection:
            lock = func.pg_advisory_xact_lock(
                func.hashtextextended(f"webhook_endpoints {endpoint.clinic_id}", 0)
            )
            await connection.execute(select(lock))
            of_owner = e.clinic_id.is_not_distinct_from(endpoint.clinic_id)
            count = await connection.scalar(
                select(func.count()).where(of_owner, e.deleted_at.is_(None))
            )
            if count is not None and count >= most:
                return False
            row = {**asdict(endpoint), "secret": secret}
            await connection.execute(insert(webhook_endpoints).values(row))
        return True

    async def read(self, endpoint_id: EndpointId) -> Endpoint | None:
        """Lock nothing."""
        async with self._database.transaction() as connection:
            return await _one(connection, _there(endpoint_id))

    async def page(
        self, *, clinics: Collection[ClinicId] | None, after: UUID | None, limit: int
    ) -> Sequence[Endpoint]:
        """Read a page by keyset on the id."""
        wanted = select(*FIELDS).where(e.deleted_at.is_(None)).order_by(e.id).limit(limit + 1)
        if clinics is not None:
            wanted = wanted.where(e.clinic_id.in_(clinics))
        if after is not None:
            wanted = wanted.where(e.id > after)
        async with self._database.transaction() as connection:
            return [_endpoint_of(row) for row in await connection.execute(wanted)]

    async def change(self, endpoint_id: EndpointId, change: Change) -> Endpoint | None:
        """Change it under its lock."""
        return await self._changed(endpoint_id, change, {})

    async def rotate(
        self, endpoint_id: EndpointId, change: Change, *, secret: bytes, former_until: datetime
    ) -> Endpoint | None:
        """Let the present secret become the former one."""
        secrets = {"secret": secret, "former_secret": e.secret, "former_until": former_until}
        return await self._changed(endpoint_id, change, secrets)

    async def delete(self, endpoint_id: EndpointId, change: Change) -> Endpoint | None:
        """Mark it."""
        return await self._changed(endpoint_id, change, {}, is_gone=True)

    async def _changed(
        self,
        endpoint_id: EndpointId,
        change: Change,
        also: Mapping[str, Any],
        *,
        is_gone: bool = False,
    ) -> Endpoint | None:
        async with self._database.transaction() as connection:
            lock = _there(endpoint_id).with_for_update(key_share=True)
            before = await _one(connection, lock)
            if before is None:
                return None
            after = change(before)
            values: dict[str, Any] = {name: getattr(after, name) for name in CHANGED}
            values |= also
            if is_gone:
                values["deleted_at"] = after.updated_at
            if after.state is not before.state:
                values |= {"failures": 0, "rests_until": None}
            mine = update(webhook_endpoints).where(e.id == endpoint_id)
            await connection.execute(mine.values(values))
            if is_gone or after.state is not EndpointState.ENABLED:
                await _pause(connection, endpoint_id)
        return after


async def _pause(connection: AsyncConnection, endpoint_id: EndpointId) -> None:
    d = webhook_deliveries.c
    waiting = (d.endpoint_id == endpoint_id) & (d.state == "pending")
    await connection.execute(update(webhook_deliveries).where(waiting).values(state="paused"))


def _there(endpoint_id: EndpointId) -> Select[Any]:
    return select(*FIELDS).where(e.id == endpoint_id, e.deleted_at.is_(None))


async def _one(connection: AsyncConnection, wanted: Select[Any]) -> Endpoint | None:
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else _endpoint_of(row)


def _endpoint_of(row: Row[Any]) -> Endpoint:
    about = dict(row._mapping)  # noqa: SLF001  (the documented way to a mapping)
    reason = about["reason"]
    return Endpoint(
        **{
            **about,
            "state": EndpointState(about["state"]),
            "reason": None if reason is None else DisabledBecause(reason),
        }
    )
