"""The outermost layer: names and counts each request, and lets no error out but as a problem."""

import os
import re
import traceback
from collections.abc import Callable
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_system.platform.http.problems import InternalError, response_to
from booking_system.platform.observability.context import REQUEST_ID
from booking_system.platform.observability.exchange import begun, route_of
from booking_system.platform.observability.metrics import RequestMetrics
from booking_system.platform.observability.request_log import RequestLog

ACCEPTABLE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
log = structlog.get_logger("booking_system.http")


class Edge:
    """Pure ASGI middleware: `X-Request-ID` echoed or made, `X-Instance` names this process."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        public_url: str,
        new_id: Callable[[], str],
        metrics: RequestMetrics,
        quiet: frozenset[str],
    ) -> None:
        """`new_id` makes the request ids; routes that are `quiet` are logged at debug level."""
        self._app = app
        self._public_url = public_url
        self._new_id = new_id
        self._metrics = metrics
        instance = os.urandom(4).hex()
        self._instance = instance.encode()
        self._log = RequestLog(instance=instance, quiet=quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        came = perf_counter()
        request_id = scope["request_id"] = self._request_id(scope)
        named = REQUEST_ID.set(request_id)
        exchange = begun(scope)
        self._metrics.begin()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-instance", self._instance),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception as error:  # noqa: BLE001  (the last resort is to answer anything)
            exchange.code = InternalError.code
            self._report(error)
            if not exchange.status:
                problem = response_to(
                    InternalError(), request_id=request_id, public_url=self._public_url
                )
                await problem(scope, receive, send_named)
        finally:
            exchange.route = route_of(scope)
            exchange.seconds = perf_counter() - came
            self._metrics.end(exchange)
            self._log.write(exchange)
            REQUEST_ID.reset(named)

    def _request_id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and ACCEPTABLE.fullmatch(value):
                text: str = value.decode("ascii")
                return text
        return self._new_id()

    def _report(self, error: Exception) -> None:
        # The texts of database errors quote row values: only the class and the place are logged.
        place = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
        log.error("internal_error", error=type(error).__name__, place=place)
