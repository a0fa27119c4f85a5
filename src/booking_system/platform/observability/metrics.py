"""Numbers for Prometheus: requests, problems, database connections.

Whether several processes count together is decided by the environment when `prometheus_client` is
imported, so only the API processes import this module; see `shared_counts`.
"""

import os
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from booking_system.platform.observability.exchange import UNMATCHED, Exchange
from booking_system.platform.observability.life_metrics import LifeMetrics
from booking_system.platform.observability.shared_counts import SUM_OF_THE_LIVING, VARIABLE
from booking_system.platform.postgres.leases import Leases

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds; a request has five."""
Count = Callable[[], None]


class RequestMetrics:
    """Counts requests; the labels are routes' templates and codes, never what a client wrote."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """`registry` is where the numbers can be read."""
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
        in_flight = Gauge(
            "booking_http_requests_in_flight",
            "Requests being served.",
            multiprocess_mode=SUM_OF_THE_LIVING,
            registry=registry,
        )
        self.begin: Count = in_flight.inc
        self._finish: Count = in_flight.dec
        # To find the number of a label takes longer than to count.
        self._known: dict[tuple[str, str, int, str | None], _Counts] = {}

    def end(self, seen: Exchange) -> None:
        """Count a request that began with `begin`."""
        self._finish()
        key = (seen.method, seen.route, seen.status, seen.code)
        counts = self._known.get(key)
        if counts is None:
            counts = self._known[key] = self._counts(*key)
        count, observe, problem = counts
        count()
        observe(seen.seconds)
        if problem is not None:
            problem()

    def turned_away(self, by_method: Mapping[str, int], code: str, status: int) -> None:
        """Count requests that were refused before their route was looked for."""
        for method, count in by_method.items():
            self._requests.labels(method, UNMATCHED, str(status)).inc(count)
            self._problems.labels(method, UNMATCHED, code).inc(count)

    def _counts(self, method: str, route: str, status: int, code: str | None) -> "_Counts":
        return (
            self._requests.labels(method, route, str(status)).inc,
            self._seconds.labels(method, route).observe,
            None if code is None else self._problems.labels(method, route, code).inc,
        )


_Counts = tuple[Count, Callable[[float], None], Count | None]


class Metrics:
    """All numbers of this process, and a way to read those of all its siblings."""

    def __init__(self, *, leases: Leases, version: str, revision: str | None) -> None:
        """`revision` is the schema that this version of the program works with."""
        self._registry = CollectorRegistry()
        self.requests = RequestMetrics(self._registry)
        self.lives = LifeMetrics(self._registry)
        self._watch(leases)
        build = Gauge(
            "booking_build_info",
            "Always 1; the labels tell what is running.",
            ["version", "schema_revision"],
            multiprocess_mode="livemax",
            registry=self._registry,
        )
        build.labels(version, revision or "none").set(1)

    def text(self) -> bytes:
        """Return the numbers, in the text format, summed over the processes that share them."""
        if VARIABLE not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)

    def _watch(self, leases: Leases) -> None:
        in_use = Gauge(
            "booking_database_connections_in_use",
            "Connections taken from the pools.",
            multiprocess_mode=SUM_OF_THE_LIVING,
            registry=self._registry,
        )
        size = Gauge(
            "booking_database_pool_size",
            "Connections that the pools may open.",
            multiprocess_mode=SUM_OF_THE_LIVING,
            registry=self._registry,
        )
        size.set(leases.size)
        leases.watch = in_use.set
