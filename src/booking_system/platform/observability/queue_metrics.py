"""How much waits in each queue behind the requests, for how long, and what was given up."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import asyncpg
from prometheus_client import CollectorRegistry, Gauge

from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database

PAUSE_SECONDS = 10.0


class QueueMetrics:
    """Three numbers of each queue, which are the same for all processes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """`registry` is where the numbers can be read."""
        names = ["queue"]
        self._waiting = Gauge(
            "booking_queue_waiting",
            "Events or messages whose time has come, by queue; long queues are not counted out.",
            names,
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self._seconds = Gauge(
            "booking_queue_late_seconds",
            "How late the one is that has waited longest.",
            names,
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self._dead = Gauge(
            "booking_queue_dead",
            "Those that were given up, until somebody has them tried again.",
            names,
            multiprocess_mode="livemostrecent",
            registry=registry,
        )

    def tell(self, row: asyncpg.Record) -> None:
        """Set the numbers of a queue."""
        self._waiting.labels(row["queue"]).set(row["waiting"])
        self._seconds.labels(row["queue"]).set(max(0.0, row["seconds"]))
        self._dead.labels(row["queue"]).set(row["dead"])


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueWatch:
    """Looks at all queues every ten seconds, beside the requests.

    A look returns a row for each queue: `queue`, `waiting`, `seconds`, `dead`.
    """

    database: Database
    looks: Sequence[Statement[Any]]
    metrics: QueueMetrics

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="queue watch",
            round=self.once,
            failed="queues_not_looked_at",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Look once."""
        async with self.database.reading() as connection:
            for look in self.looks:
                for row in await look.fetch(connection):
                    self.metrics.tell(row)
        return True
