"""All that brings webhooks on their way, of one worker, on one database."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpcore
import orjson

from booking_system.platform.clock import SystemClock
from booking_system.platform.keyring import Keyring
from booking_system.platform.outward.connecting import (
    CheckedAddresses,
    CheckedNetwork,
    Resolve,
    by_the_system,
)
from booking_system.platform.postgres.consumers import Consumer
from booking_system.platform.postgres.feed import Relay
from booking_system.platform.postgres.outbox import RECORD
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.webhooks.adapters.deliveries import PostgresDeliveries
from booking_system.webhooks.adapters.endpoints import PostgresEndpoints
from booking_system.webhooks.adapters.fanout import FanOut
from booking_system.webhooks.adapters.posting import HttpPost
from booking_system.webhooks.adapters.queue import PostgresQueue
from booking_system.webhooks.adapters.sealing import SealedSecrets
from booking_system.webhooks.adapters.sending_job import WebhookSendingJob
from booking_system.webhooks.adapters.writing import WebhookWriter
from booking_system.webhooks.application.send_webhooks import SendWebhook
from booking_system.webhooks.domain.endpoint import Endpoint, EndpointId, EndpointState
from tests.api import NOTHING

NO_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What the machine trusts takes a while to be read."""
KEYS: Keyring = NOTHING.keyring()
DELIVERIES = """SELECT d.* FROM webhook_deliveries d ORDER BY event_seq NULLS LAST, endpoint_id"""
ENDPOINT = "SELECT * FROM webhook_endpoints WHERE id = $1"
CLINIC = """INSERT INTO clinics (id, name, slug, time_zone, locale, currency, embed_origins,
 min_notice_minutes, cancel_notice_minutes, horizon_days, hold_minutes,
 max_open_bookings_per_patient, anonymous_holds, reminder_offsets_minutes, created_at, updated_at)
 VALUES ($1, 'Example Clinic', $2, 'Europe/Berlin', 'en', 'EUR', '{}', 0, 0, 180, 10, 10,
 true, '{}', now(), now())"""


@dataclass
class ShiftedClock(SystemClock):
    """The machine's clock, and so much more."""

    shift: timedelta = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.shift


@dataclass
class Dialled(httpcore.AsyncNetworkBackend):
    """Remembers what was connected to, and leads it to a port of this machine."""

    port: int
    addresses: list[tuple[str, int]] = field(default_factory=list)

    async def connect_tcp(self, host: str, port: int, *args: Any, **kw: Any) -> Any:
        self.addresses.append((host, port))
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port)


def leading(*answers: Sequence[str]) -> Resolve:
    """One answer after the other, the last one from then on."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


class Courier:
    """Relay, fan-out and sender."""

    def __init__(
        self,
        database: Database,
        *,
        allow_private: bool = True,
        resolve: Resolve = by_the_system,
        dial: httpcore.AsyncNetworkBackend | None = None,
        seconds: float = 15.0,
        trust: ssl.SSLContext = NO_TRUST,
    ) -> None:
        self.database = database
        self.clock = ShiftedClock()
        self.secrets = SealedSecrets(KEYS)
        self.endpoints = PostgresEndpoints(database)
        self.deliveries = PostgresDeliveries(database)
        addresses = CheckedAddresses(allow_private=allow_private, resolve=resolve)
        network = CheckedNetwork(addresses=addresses)
        if dial is not None:
            network = replace(network, dial=dial)
        self.post = HttpPost(network=network, clock=self.clock, seconds=seconds, trust=trust)
        self.relay = Relay(database=database)
        self.consumer = Consumer(
            database=database, name="webhooks", effect=FanOut(clock=self.clock).take
        )
        self.queue = PostgresQueue(database=database)
        self.send = SendWebhook(
            queue=self.queue,
            write=WebhookWriter(secrets=self.secrets, allow_private=allow_private),
            post=self.post,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        self.job = WebhookSendingJob(queue=self.queue, send=self.send, clock=self.clock)

    async def clinic(self) -> ClinicId:
        clinic_id = ClinicId(uuid4())
        async with self.database.driver_transaction() as connection:
            await connection.execute(CLINIC, clinic_id, clinic_id.hex)
        return clinic_id

    async def endpoint(
        self, url: str, *, clinic_id: ClinicId | None = None, events: Sequence[str] = ("*",)
    ) -> tuple[EndpointId, str]:
        """One more, and its secret."""
        now, endpoint_id = datetime.now(UTC), EndpointId(uuid7())
        secret = self.secrets.new(endpoint_id)
        made = Endpoint(
            id=endpoint_id,
            clinic_id=clinic_id,
            url=url,
            description=None,
            events=[*events],
            with_patients=clinic_id is not None,
            state=EndpointState.ENABLED,
            reason=None,
            state_since=now,
            failing_since=None,
            version=1,
            created_at=now,
            updated_at=now,
        )
        assert await self.endpoints.add(made, secret=secret.sealed, most=1000)
        return endpoint_id, secret.text

    async def happened(
        self, *names: str, clinic_id: ClinicId | None = None, **data: Any
    ) -> list[UUID]:
        """Events that are committed, in the feed, and with deliveries."""
        told = [
            {
                "id": uuid7(),
                "name": name,
                "payload": {"clinic_id": clinic_id, **data},
                "occurred_at": datetime.now(UTC),
            }
            for name in names
        ]
        async with self.database.driver_transaction() as connection:
            await RECORD.execute(connection, events=orjson.dumps(told, default=str).decode())
        await self.plan()
        return [UUID(str(one["id"])) for one in told]

    async def plan(self) -> None:
        await self.relay.once()
        assert await self.consumer.once()

    async def later(self, **about: float) -> None:
        """So much later, send what is due."""
        self.clock.shift += timedelta(**about)
        await self.job.once()

    async def rows(self) -> list[dict[str, Any]]:
        async with self.database.reading() as connection:
            return [dict(row) for row in await connection.fetch(DELIVERIES)]

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows()]

    async def stored(self, endpoint_id: EndpointId) -> dict[str, Any]:
        async with self.database.reading() as connection:
            row = await connection.fetchrow(ENDPOINT, endpoint_id)
        assert row is not None
        return dict(row)
