"""Where the line of a request goes: one a request, so it does not go through a chain of steps."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import orjson
import structlog

from booking_system.platform.observability.context import REQUEST_ID, TRACE_ID

Line = Mapping[str, object]
Write = Callable[[str], object]
EVENT = "request"
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


class RequestLines:
    """Writes lines as `structlog` would: what it is told when logs are configured decides how."""

    def __init__(self) -> None:
        """Until something else is said, `structlog` decides."""
        self.told: Write | None = None
        """Writes and flushes one line of JSON; None where lines are for people, or looked at."""

    def info(self, line: Line) -> None:
        """Write a line at the level info; `told` is None where that is not wanted."""
        if self.told is None:
            structlog.get_logger("booking_system.http").info(EVENT, **line)
            return
        whole = {**line, "event": EVENT, "request_id": REQUEST_ID.get()}
        if trace_id := TRACE_ID.get():
            whole["trace_id"] = trace_id
        whole["level"], whole["timestamp"] = "info", datetime.now(UTC)
        self.told(orjson.dumps(whole, option=_OPTIONS).decode())


LINES = RequestLines()
"""Of this process, as `structlog`'s own configuration is."""
