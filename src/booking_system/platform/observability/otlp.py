"""Traces go out by OTLP over HTTP. Imports the SDK: only whoever wants traces imports this."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

SEND_SECONDS = 2.0
"""For one batch, with its repetitions; at the end two of them may be waited for."""
SERVICE = "booking-system"
log = structlog.get_logger("booking_system.traces")


class Export:
    """Sends the spans of requests and of their database statements, in batches, from a thread."""

    def __init__(self, endpoint: str, *, version: str) -> None:
        """`endpoint` is the collector's address, without the path of a signal."""
        # The library tells of each batch that is lost: `_Watched` says it once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter = _Watched(
            OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=SEND_SECONDS)
        )
        resource = Resource.create({"service.name": SERVICE, "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self.tracer = self._provider.get_tracer(SERVICE, version)
        self._driver = AsyncPGInstrumentor()  # type: ignore[no-untyped-call]
        statements = _StatementsOfRequests(self._provider)
        self._driver.instrument(tracer_provider=statements, skip_dep_check=True)

    def close(self) -> None:
        """Send what is left, and stop. Takes twice `SEND_SECONDS` at most."""
        self._exporter.closing = True
        self._driver.uninstrument()
        self._provider.shutdown()


class _Watched(SpanExporter):
    """Says once that spans do not arrive, and once that they do again."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._failing = False
        self.closing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans, unless the program is about to end and nobody takes them."""
        if self.closing and self._failing:
            return SpanExportResult.FAILURE
        result = self._inner.export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            log.warning("traces_are_lost")
        elif self._failing and not failing:
            log.info("traces_arrive_again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        """Stop."""
        self._inner.shutdown()


class _StatementsOfRequests(trace.TracerProvider):
    """Gives the database driver's instrumentation a tracer that keeps quiet about errors.

    Their texts quote row values. Statements that no traced request has asked for get no span.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *args: Any, **kw: Any) -> trace.Tracer:
        """Return the tracer."""
        return _QuietTracer(self._provider.get_tracer(*args, **kw))


class _QuietTracer(trace.Tracer):
    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start_span(self, *args: Any, **kw: Any) -> trace.Span:
        """Begin a span."""
        return self._tracer.start_span(*args, **kw)

    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # theirs serves as a decorator, too
        self, *args: Any, **kw: Any
    ) -> Iterator[trace.Span]:
        """Begin a span and make it the current one."""
        if not trace.get_current_span().is_recording():
            yield trace.INVALID_SPAN
            return
        quiet = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span(*args, **{**kw, **quiet}) as span:
            yield span
