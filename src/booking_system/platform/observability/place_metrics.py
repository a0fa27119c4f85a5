"""Numbers for Prometheus about what answers beside the primary: a replica, and a Redis."""

from collections import Counter as Counts
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge

from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.redis.shared import SharedRedis

PAUSE_SECONDS = 1.0


class PlaceMetrics:
    """Counts reads by place, and shared pages by whether they were there."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """`registry` is where the numbers can be read."""
        self.reads = Counter(
            "booking_search_reads",
            "Reads of searches that a replica may answer, by what answered.",
            ["place"],
            registry=registry,
        )
        self.pages = Counter(
            "booking_shared_pages",
            "Pages that were looked for in Redis, by what came of it.",
            ["outcome"],
            registry=registry,
        )
        self.redis = Gauge(
            "booking_redis_used",
            "1 while Redis answers; of several processes the worst.",
            multiprocess_mode="livemin",
            registry=registry,
        )


@dataclass(slots=True, kw_only=True)
class PlaceWatch:
    """Tells the registry once a second: with each read, it would take as long as the read."""

    metrics: PlaceMetrics
    reads: Counts[str]
    pages: Counts[str]
    """By what came of it, counted since the start by what reads."""
    redis: SharedRedis | None
    _told_reads: Counts[str] = field(default_factory=Counts, init=False)
    _told_pages: Counts[str] = field(default_factory=Counts, init=False)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="places",
            round=self.once,
            failed="places_not_told",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Tell what is new."""
        _tell(self.metrics.reads, self.reads, self._told_reads)
        _tell(self.metrics.pages, self.pages, self._told_pages)
        if self.redis is not None:
            self.metrics.redis.set(self.redis.is_used)
        return True


def _tell(counter: Counter, counts: Counts[str], told: Counts[str]) -> None:
    for outcome, count in list(counts.items()):
        counter.labels(outcome).inc(count - told[outcome])
        told[outcome] = count
