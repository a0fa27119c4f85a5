"""The outermost layer: names and counts each request, and lets no error out but as a problem."""

import asyncio
import traceback
from functools import partial
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_system.platform.http.arrival import received
from booking_system.platform.http.entrance import COMING, RETRY_AFTER_SECONDS, Entrance
from booking_system.platform.http.page_origins import CrossOrigin
from booking_system.platform.http.problems import InternalError, response_to
from booking_system.platform.http.protection import protecting
from booking_system.platform.http.rejection import Rejection
from booking_system.platform.observability.context import REQUEST_ID
from booking_system.platform.observability.exchange import KEY, Exchange, begun, route_of
from booking_system.platform.observability.metrics import RequestMetrics
from booking_system.platform.observability.request_log import RequestLog
from booking_system.platform.postgres.faults import OutcomeUnknown, Overloaded
from booking_system.platform.ticket import TICKET, Ticket
from booking_system.shared_kernel.errors import Refusal

OPENING = {"websocket.accept", "websocket.http.response.start"}
READS = frozenset({"GET", "HEAD", "OPTIONS"})
log = structlog.get_logger("booking_system.http")


class Edge:
    """Pure ASGI middleware: `X-Request-ID` echoed or made, `X-Instance` names this process.

    It also keeps the `Entrance`: who finds no place is refused before anything is looked at, and
    who takes too long is given up.
    """

    def __init__(  # noqa: PLR0913
        self,
        app: ASGIApp,
        *,
        entrance: Entrance,
        rejection: Rejection,
        metrics: RequestMetrics,
        quiet: frozenset[str],
        pages: CrossOrigin | None = None,
    ) -> None:
        """Routes that are `quiet` are logged at debug level.

        `pages` answers those of other sites, where nothing around this does: what no page sends
        does not go by it.
        """
        self._app = app
        self._entrance = entrance
        self._rejection = rejection
        self._metrics = metrics
        self._instance = (b"x-instance", rejection.instance.encode())
        self._pages = pages
        self._log = RequestLog(instance=rejection.instance, quiet=quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        came, entrance = perf_counter(), self._entrance
        if COMING in scope:
            entrance.coming -= 1
        request_id, is_of_page = self._rejection.named(scope["headers"])
        scope["request_id"] = request_id
        if is_of_page and self._pages is not None:
            if answer := self._pages.before_a_call(scope):
                await answer(scope, receive, send)
                return
            send = self._pages.telling(scope, send)
        exchange, ticket = begun(scope, came), entrance.begin(came)

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *protecting(scope, message["status"], message["headers"]),
                    (b"x-request-id", request_id.encode()),
                    self._instance,
                ]
                if exchange.told is not None:
                    message["headers"] += exchange.told
                if ticket.has_place:
                    # The work is done. A client that is slow to read keeps nobody out.
                    entrance.leave(ticket)
            await send(message)

        try:
            if (
                scope["path"] in entrance.always
                or entrance.enter_at_once(ticket)
                or await entrance.enter(ticket)
            ):
                await self._serve(scope, receive, send_named, ticket)
            else:
                entrance.refused(exchange.method)
                refusal = Overloaded(retry_after=RETRY_AFTER_SECONDS)
                await self._answer(refusal, scope, receive, send_named)
        finally:
            entrance.end(ticket)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a WebSocket in as a request is let in; what begins and ends the program, at once."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        came, entrance = perf_counter(), self._entrance
        request_id = scope["request_id"] = self._rejection.request_id(scope["headers"])
        exchange = scope[KEY] = Exchange("GET", came)
        ticket = entrance.begin(came)

        async def send_named(message: Message) -> None:
            if message["type"] in OPENING:
                exchange.status = message.get("status", 101)
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    self._instance,
                    *(exchange.told or ()),
                ]
                if ticket.has_place:
                    entrance.leave(ticket)
            await send(message)

        try:
            if entrance.enter_at_once(ticket) or await entrance.enter(ticket):
                await self._serve(scope, receive, send_named, ticket)
            else:
                entrance.refused(exchange.method)
                refusal = Overloaded(retry_after=RETRY_AFTER_SECONDS)
                await self._answer(refusal, scope, receive, send_named)
        finally:
            entrance.end(ticket)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, ticket: Ticket) -> None:
        """Let the application answer, and answer in its place where it does not."""
        exchange: Exchange = scope[KEY]
        named, held = REQUEST_ID.set(scope["request_id"]), TICKET.set(ticket)
        self._metrics.begin()
        try:
            await self._app(scope, partial(received, receive, self._entrance, ticket), send)
        except Exception as error:  # noqa: BLE001  (the last resort is to answer anything)
            self._report(error)
            await self._instead(InternalError(), scope, receive, send)
        except asyncio.CancelledError:
            if not ticket.is_cut:
                raise
            self._entrance.end(ticket)
            _uncancelled(ticket.task)
            await self._instead(_given_up(ticket, exchange.method), scope, receive, send)
        finally:
            if not exchange.lasts:
                exchange.route = route_of(scope)
                exchange.seconds = perf_counter() - exchange.came
                self._metrics.end(exchange)
                self._log.write(exchange)
            TICKET.reset(held)
            REQUEST_ID.reset(named)

    async def _instead(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[KEY]
        exchange.code = refusal.code
        if not exchange.status:
            await self._answer(refusal, scope, receive, send)

    async def _answer(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        public_url = self._rejection.public_url
        answer = response_to(refusal, request_id=scope["request_id"], public_url=public_url)
        await answer(scope, receive, send)

    def _report(self, error: Exception) -> None:
        # The texts of database errors quote row values: only the class and the place are logged.
        place = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
        log.error("internal_error", error=type(error).__name__, place=place)


def _given_up(ticket: Ticket, method: str) -> Refusal:
    """Say no more than is known: once a commit has begun, what was done may stay."""
    if ticket.stores and method not in READS:
        detail = "The request took too long, and was given up after it had begun to store."
        return OutcomeUnknown(detail, retry_after=RETRY_AFTER_SECONDS)
    detail = "The request took too long, and was given up. Nothing was done."
    return Overloaded(detail, retry_after=RETRY_AFTER_SECONDS)


def _uncancelled(task: asyncio.Task[object]) -> None:
    while task.uncancel():
        pass
