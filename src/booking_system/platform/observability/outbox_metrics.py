"""How many events wait in the outbox, and for how long: a relay that stands still is seen there."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Double, cast, extract, func, select, true

from booking_system.platform.postgres.outbox import outbox
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.phrases import how_many
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database

PAUSE_SECONDS = 10.0
MOST = 100_000
"""So many are counted at most: a long queue makes no long look."""

_SOME = select(true().label("one")).select_from(outbox).limit(how_many("most")).subquery()
_OLDEST = select(outbox.c.occurred_at).order_by(outbox.c.n).limit(1).scalar_subquery()
LOOK = Statement(
    select(
        func.count().label("events"),
        func.coalesce(cast(extract("epoch", func.now() - _OLDEST), Double), 0.0).label("seconds"),
    ).select_from(_SOME)
)


class OutboxMetrics:
    """Two numbers, which are the same for all processes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """`registry` is where the numbers can be read."""
        self._events = Gauge(
            "booking_outbox_events",
            f"Events that no relay has taken yet; {MOST} means that many or more.",
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self._seconds = Gauge(
            "booking_outbox_oldest_seconds",
            "Age of the event that has waited longest; without a worker it grows.",
            multiprocess_mode="livemostrecent",
            registry=registry,
        )

    def tell(self, *, events: int, seconds: float) -> None:
        """Set both."""
        self._events.set(events)
        self._seconds.set(max(0.0, seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxWatch:
    """Looks at the outbox every ten seconds, beside the requests."""

    database: Database
    tell: Callable[..., None]

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="outbox watch",
            round=self.once,
            failed="outbox_not_looked_at",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Look once."""
        async with self.database.reading() as connection:
            row = await LOOK.fetchrow(connection, most=MOST)
        assert row is not None, "an aggregate has a row"
        self.tell(events=row["events"], seconds=row["seconds"])
        return True
