"""What is known of a request and its answer without a word of either."""

from dataclasses import dataclass

from starlette.types import Scope

UNMATCHED = "unmatched"
"""The route of a path that is nobody's: the path itself may hold anything."""
OTHER = "OTHER"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
KEY = "exchange"
"""Where the scope holds it; copies of the scope share it."""


@dataclass(slots=True)
class Exchange:
    """Filled in while the request is served; bounded in what it can say, as labels must be.

    `came` is by `time.perf_counter`, `route` the template, `status` 0 as long as no answer has
    begun, `code` that of a problem, `told` what the answer says of the caller's budget. What
    `lasts` is a stream or a socket: it was counted as it began, and tells of its end by itself.
    """

    method: str
    came: float = 0.0
    route: str = UNMATCHED
    status: int = 0
    code: str | None = None
    seconds: float = 0.0
    told: list[tuple[bytes, bytes]] | None = None
    lasts: bool = False


def begun(scope: Scope, came: float) -> Exchange:
    """Return the exchange of a request that comes in, and put it into its scope."""
    exchange = scope[KEY] = Exchange(method_of(scope["method"]), came)
    return exchange


def method_of(written: str) -> str:
    """Return a method that may be a label."""
    return written if written in METHODS else OTHER


def note_problem(scope: Scope, code: str) -> None:
    """Remember the code of the problem that is the answer."""
    exchange = scope.get(KEY)
    if isinstance(exchange, Exchange):
        exchange.code = code


def route_of(scope: Scope) -> str:
    """Return the template of the route that was found."""
    return getattr(scope.get("route"), "path", UNMATCHED)
