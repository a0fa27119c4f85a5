"""How the work with payments stands can be read in `/metrics`."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from booking_system.payments.adapters.queue_look import LOOK
from booking_system.platform.observability.queue_metrics import QueueMetrics, QueueWatch
from tests.payments.emulators.loopback import Deaf
from tests.payments.test_payments_http import Counter
from tests.payments.test_whole_way import begun, stripe


async def test_what_is_due_what_fails_and_what_waits_for_people_is_counted(
    database_url: str, tmp_path: Path
) -> None:
    async with stripe(database_url, tmp_path) as (api, emulator):
        counter = await Counter.open(api)
        database, registry = api.container.database(), CollectorRegistry()
        watch = QueueWatch(database=database, looks=[LOOK], metrics=QueueMetrics(registry))

        async def told(what: str, queue: str = "payments") -> float | None:
            await watch.once()
            return registry.get_sample_value(f"booking_queue_{what}", {"queue": queue})

        await begun(counter, "stripe")
        # The provider is asked and its time is over later; nothing is due as long as all is well.
        assert (await told("waiting"), await told("late_seconds")) == (0, 0)
        assert await told("waiting", "payments tried again") == 0

        async with database.driver_transaction() as connection:
            await connection.execute("UPDATE payment_work SET due_at = now() - interval '9 s'")
        assert (await told("waiting") or 0) >= 1
        assert 9 <= (await told("late_seconds") or 0) < 600

        emulator.misbehave(Deaf(), times=50)
        await counter.work()
        assert (await told("waiting", "payments tried again") or 0) >= 1

        assert await told("dead") == 0
        async with database.driver_transaction() as connection:
            await connection.execute(
                """
                INSERT INTO payment_quarantine
                    (id, kind, clinic_id, appointment_id, payment_id, about, amount, currency,
                     found_at)
                SELECT gen_random_uuid(), 'amount', clinic_id, appointment_id, id, 'x', 1, 'EUR',
                       now()
                FROM payments
                """
            )
        assert await told("dead") == 1
        async with database.driver_transaction() as connection:
            await connection.execute("UPDATE payment_quarantine SET resolved_at = now()")
        assert await told("dead") == 0
