"""What waits in the outbox is told to Prometheus."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from booking_system.platform.observability import outbox_metrics
from booking_system.platform.observability.outbox_metrics import OutboxMetrics, OutboxWatch
from booking_system.platform.postgres.feed import Relay
from booking_system.platform.postgres.transaction import Database
from tests.api import Api
from tests.patience import PATIENCE

RECORD = """INSERT INTO outbox (id, name, payload, occurred_at)
 VALUES (gen_random_uuid(), 'told', '{}', now() - interval '90 seconds'),
  (gen_random_uuid(), 'told', '{}', now())"""


async def test_what_waits_is_counted_and_its_age_told(database: Database) -> None:
    registry = CollectorRegistry()
    watch = OutboxWatch(database=database, tell=OutboxMetrics(registry).tell)

    async def told() -> tuple[float | None, float | None]:
        await watch.once()
        return (
            registry.get_sample_value("booking_outbox_events"),
            registry.get_sample_value("booking_outbox_oldest_seconds"),
        )

    assert await told() == (0.0, 0.0)
    async with database.driver_transaction() as connection:
        await connection.execute(RECORD)
    events, seconds = await told()
    assert events == 2.0
    assert seconds is not None
    assert 90.0 <= seconds < 90.0 + PATIENCE
    await Relay(database=database).once()
    assert await told() == (0.0, 0.0)


async def test_the_api_looks_while_it_runs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_metrics, "PAUSE_SECONDS", 0.02)
    async with api.container.database().driver_transaction() as connection:
        await connection.execute(RECORD)
    async with api.app.router.lifespan_context(api.app), asyncio.timeout(PATIENCE):
        while "booking_outbox_events 2.0" not in (await api.get("/metrics")).text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
