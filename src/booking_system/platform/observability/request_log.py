"""One log line for each request."""

import structlog

from booking_system.platform.observability.exchange import Exchange
from booking_system.platform.observability.lines import EVENT, LINES

log = structlog.get_logger("booking_system.http")


class RequestLog:
    """Writes the lines; the request's id comes with every line of its context."""

    def __init__(self, *, instance: str, quiet: frozenset[str]) -> None:
        """`instance` names this process; routes that are `quiet` are asked for by machines."""
        self._instance = instance
        self._quiet = quiet

    def write(self, seen: Exchange) -> None:
        """Say what was asked and answered: nothing that the client wrote."""
        about: dict[str, object] = {
            "method": seen.method,
            "route": seen.route,
            "status": seen.status,
            "duration_ms": round(seen.seconds * 1000, 2),
            "instance": self._instance,
        }
        if seen.code is not None:
            about["code"] = seen.code
        if seen.route in self._quiet:
            log.debug(EVENT, **about)
        else:
            LINES.info(about)
