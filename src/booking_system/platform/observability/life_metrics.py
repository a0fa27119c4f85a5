"""Numbers for Prometheus about streams and sockets, which are open for longer than a request."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from booking_system.platform.observability.shared_counts import SUM_OF_THE_LIVING


class LifeMetrics:
    """Counts them by kind and by their route's template, and the reasons for which they end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """`registry` is where the numbers can be read."""
        self._open = Gauge(
            "booking_streams_open",
            "Streams and sockets that are open.",
            ["kind"],
            multiprocess_mode=SUM_OF_THE_LIVING,
            registry=registry,
        )
        self._opened = Counter(
            "booking_streams_opened",
            "Streams and sockets that were opened.",
            ["kind", "route"],
            registry=registry,
        )
        self._ended = Counter(
            "booking_streams_ended",
            "Streams and sockets that have ended, by the reason.",
            ["kind", "route", "reason"],
            registry=registry,
        )
        self._sent = Counter(
            "booking_stream_messages_sent",
            "Events and messages that streams and sockets were given to send.",
            ["kind", "route"],
            registry=registry,
        )

    def opened(self, kind: str, route: str) -> None:
        """Count a stream or a socket that has begun."""
        self._open.labels(kind).inc()
        self._opened.labels(kind, route).inc()

    def ended(self, kind: str, route: str, reason: str, *, sent: int) -> None:
        """Count a stream or a socket that has ended, after so many messages."""
        self._open.labels(kind).dec()
        self._ended.labels(kind, route, reason).inc()
        self._sent.labels(kind, route).inc(sent)
