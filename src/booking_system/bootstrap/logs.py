"""Log lines: for people on a terminal, JSON elsewhere; never query strings or error texts."""

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from booking_system.bootstrap.settings import Settings
from booking_system.platform.observability.context import in_request
from booking_system.platform.observability.lines import LINES, Write


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything that this process logs to `stream`, standard error if None."""
    out = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    form = settings.log_format or ("console" if out.isatty() else "json")
    structlog.configure(
        processors=[
            in_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _class_and_place_only,
            *_rendering(form, colours=out.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    writes_json = form == "json" and level <= logging.INFO
    LINES.told = _written_to(out) if writes_json else None
    # Libraries tell of each step that they take: for whoever looks for a bug.
    chatter = logging.INFO if level < logging.INFO else max(level, logging.WARNING)
    logging.basicConfig(handlers=[_Forwarding()], level=chatter, force=True)


def _written_to(out: TextIO) -> Write:
    def write(line: str) -> None:
        out.write(line)
        out.flush()

    return write


class _Forwarding(logging.Handler):
    """Hands the lines of libraries to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Forward the first line; further ones may hold an error's text and so a row's values."""
        logger = structlog.get_logger(record.name)
        lines = record.getMessage().strip().splitlines() or [""]
        extra = {"exc_info": record.exc_info} if record.exc_info else {}
        logger.log(record.levelno, lines[0], logger=record.name, **extra)


def _rendering(form: str, *, colours: bool) -> Sequence[Processor]:
    if form == "console":
        return [structlog.dev.ConsoleRenderer(colors=colours)]
    return [structlog.processors.JSONRenderer(serializer=_json)]


def _class_and_place_only(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its class and where it was raised: texts quote row values."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["place"] = [f"{frame.filename}:{frame.lineno}" for frame in frames]
    return event


def _json(value: Any, default: Any = str, **_: Any) -> str:
    return orjson.dumps(value, default=default).decode()
