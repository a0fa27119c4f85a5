"""Numbers for Prometheus: requests, problems, database connections.

Whether several processes count together is decided by the environment when `prometheus_client` is
imported, so only the API processes import this module; see `shared_counts`.
"""

import asyncio
import os
from bisect import bisect_left
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from booking_system.platform.observability.exchange import UNMATCHED, Exchange
from booking_system.platform.observability.life_metrics import LifeMetrics
from booking_system.platform.observability.outbox_metrics import OutboxMetrics
from booking_system.platform.observability.place_metrics import PlaceMetrics
from booking_system.platform.observability.queue_metrics import QueueMetrics
from booking_system.platform.observability.shared_counts import SUM_OF_THE_LIVING, VARIABLE
from booking_system.platform.postgres.leases import Leases

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds; a request has five."""
FLUSH_SECONDS = 1.0
"""So much later a sibling's counts are seen at most, and those of a killed process are lost."""


class Tally:
    """What was added up since the last flush, of requests alike."""

    __slots__ = ("by_bucket", "count", "seconds")

    def __init__(self) -> None:
        """There is nothing yet."""
        self.count = 0
        self.seconds = 0.0
        self.by_bucket = [0] * (len(BUCKETS) + 1)

    def add(self, seconds: float) -> None:
        """Count a request that took so long."""
        self.count += 1
        self.seconds += seconds
        self.by_bucket[bisect_left(BUCKETS, seconds)] += 1


class RequestMetrics:
    """Counts requests; the labels are routes' templates and codes, never what a client wrote.

    They are added up in memory, and told to the registry, whose files all processes share, once a
    second: that takes as long as a tenth of a search.
    """

    def __init__(self, registry: CollectorRegistry, leases: Leases | None = None) -> None:
        """`registry` is where the numbers can be read; the connections are those of `leases`."""
        self._requests = Counter(
            "booking_http_requests",
            "Requests answered; status 0: the answer never began.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._problems = Counter(
            "booking_http_problems",
            "Answers that were a problem, by its code.",
            ["method", "route", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "booking_http_request_duration_seconds",
            "Time from a request's head to its answer's end.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "booking_http_requests_in_flight",
            "Requests being served.",
            multiprocess_mode=SUM_OF_THE_LIVING,
            registry=registry,
        )
        self._in_use = Gauge(
            "booking_database_connections_in_use",
            "Connections taken from the pools.",
            multiprocess_mode=SUM_OF_THE_LIVING,
            registry=registry,
        )
        self._leases = leases
        self._inside = 0
        self._tallies: dict[tuple[str, str, int, str | None], Tally] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """A request is being served."""
        self._inside += 1
        if self._timer is None:
            self._soon()

    def end(self, seen: Exchange) -> None:
        """Count a request that began with `begin`."""
        self._inside -= 1
        key = (seen.method, seen.route, seen.status, seen.code)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally()
        tally.add(seen.seconds)
        if self._timer is None:
            self._soon()

    def flush(self) -> None:
        """Tell the registry what was added up, and what goes on at this moment."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for (method, route, status, code), tally in self._tallies.items():
            self._requests.labels(method, route, str(status)).inc(tally.count)
            if code is not None:
                self._problems.labels(method, route, code).inc(tally.count)
            _observe(self._seconds.labels(method, route), tally)
        self._tallies.clear()
        in_use = 0 if self._leases is None else self._leases.in_use
        self._in_flight.set(self._inside)
        self._in_use.set(in_use)
        if self._inside or in_use:
            self._soon()

    def _soon(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def turned_away(self, by_method: Mapping[str, int], code: str, status: int) -> None:
        """Count requests that were refused before their route was looked for."""
        for method, count in by_method.items():
            self._requests.labels(method, UNMATCHED, str(status)).inc(count)
            self._problems.labels(method, UNMATCHED, code).inc(count)


def _observe(histogram: Histogram, tally: Tally) -> None:
    """Add several at once, for which `prometheus_client` has no public way."""
    histogram._sum.inc(tally.seconds)  # noqa: SLF001
    for bucket, count in zip(histogram._buckets, tally.by_bucket, strict=True):  # noqa: SLF001
        if count:
            bucket.inc(count)


class Metrics:
    """All numbers of this process, and a way to read those of all its siblings."""

    def __init__(self, *, leases: Leases, version: str, revision: str | None) -> None:
        """`revision` is the schema that this version of the program works with."""
        self._registry = CollectorRegistry()
        self.requests = RequestMetrics(self._registry, leases)
        self.lives = LifeMetrics(self._registry)
        self.outbox = OutboxMetrics(self._registry)
        self.queues = QueueMetrics(self._registry)
        self.places = PlaceMetrics(self._registry)
        size = Gauge(
            "booking_database_pool_size",
            "Connections that the pools may open.",
            multiprocess_mode=SUM_OF_THE_LIVING,
            registry=self._registry,
        )
        size.set(leases.size)
        build = Gauge(
            "booking_build_info",
            "Always 1; the labels tell what is running.",
            ["version", "schema_revision"],
            multiprocess_mode="livemax",
            registry=self._registry,
        )
        build.labels(version, revision or "none").set(1)

    @property
    def registry(self) -> CollectorRegistry:
        """Where parts of the program beside the platform tell their numbers."""
        return self._registry

    def text(self) -> bytes:
        """Return the numbers, in the text format, summed over the processes that share them."""
        if VARIABLE not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)
