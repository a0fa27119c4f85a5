"""Which request is being served: known to every log line that is written meanwhile."""

from contextvars import ContextVar

from structlog.typing import EventDict, WrappedLogger

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
TRACE_ID: ContextVar[str] = ContextVar("trace_id", default="")
"""32 hexadecimal digits while a trace is recorded."""


def in_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the ids to a log line; nothing outside a request."""
    if request_id := REQUEST_ID.get():
        event["request_id"] = request_id
    if trace_id := TRACE_ID.get():
        event["trace_id"] = trace_id
    return event
