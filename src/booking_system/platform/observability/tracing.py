"""A span for each request, where somebody collects traces; knows OpenTelemetry's API only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from booking_system.platform.observability.context import TRACE_ID
from booking_system.platform.observability.exchange import KEY, Exchange

INCOMING = {b"traceparent", b"tracestate"}


class Tracing:
    """Sends traces to a collector while it is running."""

    def __init__(self, *, endpoint: str | None, version: str) -> None:
        """Without an `endpoint` nothing happens, and nothing is loaded that only traces need."""
        self.wanted = endpoint is not None
        self.tracer: trace.Tracer = trace.NoOpTracer()
        self._endpoint = endpoint
        self._version = version

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Trace what happens in the block; send what is left at its end."""
        if self._endpoint is None:
            yield
            return
        # Whoever wants no traces does not pay for the SDK.
        from booking_system.platform.observability.otlp import Export  # noqa: PLC0415

        export = Export(self._endpoint, version=self._version)
        self.tracer = export.tracer
        try:
            yield
        finally:
            await asyncio.to_thread(export.close)


class Traced:
    """Pure ASGI middleware around `Edge`: the caller's trace goes on in here.

    A span says what the request's log line says and nothing else. FastAPI's own would say the
    path and the query, which name patients.
    """

    def __init__(self, app: ASGIApp, *, tracing: Tracing, quiet: frozenset[str]) -> None:
        """Paths that are `quiet` are asked for by machines, all the time, and not traced."""
        self._app = app
        self._tracing = tracing
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in self._quiet:
            await self._app(scope, receive, send)
            return
        span = self._tracing.tracer.start_span(
            "request", context=_context_of(scope), kind=SpanKind.SERVER
        )
        told = TRACE_ID.set(_trace_id(span))
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                await self._app(scope, receive, send)
        finally:
            if span.is_recording():
                _describe(span, scope)
            span.end()
            TRACE_ID.reset(told)


def _context_of(scope: Scope) -> Context:
    """Return the caller's trace; never the one of another request on the same connection."""
    carrier = {
        name.decode(): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in INCOMING
    }
    return TraceContextTextMapPropagator().extract(carrier, Context())


def _trace_id(span: Span) -> str:
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else ""


def _describe(span: Span, scope: Scope) -> None:
    exchange: Exchange = scope[KEY]
    span.update_name(f"{exchange.method} {exchange.route}")
    span.set_attributes(
        {
            "http.request.method": exchange.method,
            "http.route": exchange.route,
            "http.response.status_code": exchange.status,
            "booking.request_id": scope["request_id"],
        }
    )
    if exchange.code is not None:
        span.set_attribute("booking.problem", exchange.code)
    if exchange.status >= 500 or not exchange.status:
        span.set_attribute("error.type", exchange.code or "no_answer")
        span.set_status(StatusCode.ERROR)
