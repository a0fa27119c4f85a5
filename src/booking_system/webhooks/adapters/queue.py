"""The queue of deliveries in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from booking_system.platform.postgres.outbox import RECORD, events_text
from booking_system.platform.postgres.transaction import Database
from booking_system.webhooks.adapters import queue_statements as sql
from booking_system.webhooks.application.sending_ports import Failed, Rest, Room
from booking_system.webhooks.domain.delivery import Answer, Claim, DeliveryId, DeliveryState
from booking_system.webhooks.domain.endpoint import (
    PATIENT,
    DisabledBecause,
    EndpointId,
    EndpointState,
    Health,
    WebhookDisabled,
)

LEASE = timedelta(seconds=30)
"""Longer than any receiver is waited for: else the rescue itself would send twice."""

log = structlog.get_logger("booking_system.webhooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresQueue:
    """Claims last by the database's clock; what is due is so by the program's."""

    database: Database
    lease: timedelta = LEASE

    async def rescue(self) -> None:
        """One statement; it leaves alone what another worker has at hand."""
        async with self.database.driver_transaction() as connection:
            await sql.RESCUE.execute(connection)

    async def claim(self, room: Room, *, most: int, now: datetime) -> Sequence[Claim]:
        """Lock endpoints that have something due, then claim of it."""
        async with self.database.driver_transaction() as connection:
            rows = await sql.LOCK_ENDPOINTS.fetch(
                connection, is_failing=room is Room.FAILING, most=most, now=now
            )
            if not rows:
                return []
            endpoints = [row["id"] for row in rows]
            claimed = await sql.CLAIM.fetch(
                connection, endpoints=endpoints, most=most, now=now, lease=self.lease
            )
        return [_claim_of(row) for row in claimed]

    async def finish(self, claim: Claim, answer: Answer, *, now: datetime) -> None:
        """Note it, and do not lock an endpoint that is well: claims pass over locked ones."""
        told = {"last_status": answer.status, "error_code": None, "answer": answer.excerpt}
        mine = {"id": claim.id, "token": claim.token}
        async with self.database.driver_transaction() as connection:
            done = await sql.FINISH.fetchval(connection, **mine, **told, now=now)
            if done is not None:
                await sql.NOTE_WELL.execute(connection, endpoint_id=claim.endpoint_id)

    async def fail(
        self, claim: Claim, failed: Failed, *, rest: Rest, now: datetime
    ) -> DisabledBecause | None:
        """Note it; an endpoint where all has failed for three days is disabled."""
        async with self.database.driver_transaction() as connection:
            found = await self._health(connection, claim.endpoint_id)
            state, health = found or (EndpointState.PAUSED, Health())
            is_ours = await self._moved(connection, claim, failed, state=state, now=now)
            if not is_ours or state is not EndpointState.ENABLED:
                return None
            later = health.after_failure(now=now, rest=rest(health))
            await self._note(connection, claim.endpoint_id, later)
            if not later.is_failing_too_long(now):
                return None
            await self._disable(connection, claim.endpoint_id, DisabledBecause.FAILING, now)
            return DisabledBecause.FAILING

    async def disable(
        self, claim: Claim, answer: Answer, reason: DisabledBecause, *, now: datetime
    ) -> None:
        """Pause this delivery and all that wait."""
        failed = Failed(code=None, answer=answer, due_at=now)
        async with self.database.driver_transaction() as connection:
            await self._health(connection, claim.endpoint_id)
            if await self._moved(connection, claim, failed, state=EndpointState.DISABLED, now=now):
                await self._disable(connection, claim.endpoint_id, reason, now)

    async def put_off(
        self, claim: Claim, *, code: str, due_at: datetime | None, now: datetime
    ) -> None:
        """Leave the endpoint out of it."""
        failed = Failed(code=code, answer=None, due_at=due_at)
        async with self.database.driver_transaction() as connection:
            found = await self._health(connection, claim.endpoint_id)
            state = EndpointState.PAUSED if found is None else found[0]
            await self._moved(connection, claim, failed, state=state, now=now)

    async def _health(
        self, connection: asyncpg.Connection, endpoint_id: EndpointId
    ) -> tuple[EndpointState, Health] | None:
        """Lock the endpoint; None: it was deleted."""
        row = await sql.LOCK_ENDPOINT.fetchrow(connection, endpoint_id=endpoint_id)
        if row is None:
            return None
        names = ("failures", "failing_since", "rests_until")
        return EndpointState(row["state"]), Health(**{name: row[name] for name in names})

    async def _moved(
        self,
        connection: asyncpg.Connection,
        claim: Claim,
        failed: Failed,
        *,
        state: EndpointState,
        now: datetime,
    ) -> bool:
        """Give the claim back; False: it was lost."""
        answer, becomes = failed.answer, DeliveryState.PENDING
        if failed.due_at is None:
            becomes = DeliveryState.FAILED
        elif state is not EndpointState.ENABLED:
            becomes = DeliveryState.PAUSED
        done = await sql.PUT_OFF.fetchval(
            connection,
            id=claim.id,
            token=claim.token,
            state=becomes,
            due_at=failed.due_at,
            ended_at=now if becomes is DeliveryState.FAILED else None,
            last_status=None if answer is None else answer.status,
            error_code=failed.code,
            answer=None if answer is None else answer.excerpt,
        )
        return done is not None

    async def _note(
        self, connection: asyncpg.Connection, endpoint_id: EndpointId, health: Health
    ) -> None:
        await sql.NOTE_HEALTH.execute(
            connection,
            endpoint_id=endpoint_id,
            failures=health.failures,
            failing_since=health.failing_since,
            rests_until=health.rests_until,
        )

    async def _disable(
        self,
        connection: asyncpg.Connection,
        endpoint_id: EndpointId,
        reason: DisabledBecause,
        now: datetime,
    ) -> None:
        row = await sql.DISABLE.fetchrow(
            connection, endpoint_id=endpoint_id, reason=reason, now=now
        )
        if row is None:
            return
        await sql.PAUSE.execute(connection, endpoint_id=endpoint_id)
        event = WebhookDisabled(
            occurred_at=now,
            webhook_endpoint_id=endpoint_id,
            clinic_id=row["clinic_id"],
            reason=reason,
        )
        await RECORD.execute(connection, events=events_text([event]))
        log.warning("webhook_disabled", endpoint_id=str(endpoint_id), reason=reason)


def _claim_of(row: asyncpg.Record) -> Claim:
    data: dict[str, Any] = row["payload"]
    if not row["with_patients"]:
        # It may have been stored for the clinic, before the platform named another address.
        data = {name: value for name, value in data.items() if not name.endswith(PATIENT)}
    return Claim(
        id=DeliveryId(row["id"]),
        token=row["token"],
        attempts=row["attempts"],
        endpoint_id=EndpointId(row["endpoint_id"]),
        url=row["url"],
        secret=row["secret"],
        former_secret=row["former_secret"],
        event_seq=row["event_seq"],
        event_id=row["event_id"],
        name=row["name"],
        occurred_at=row["occurred_at"],
        data=data,
    )
