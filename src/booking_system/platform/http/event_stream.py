"""Server-sent events (HTML standard, section 9.2): an answer that goes on while its source does."""

import asyncio
import random
import re
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

from booking_system.platform.http.answers import json_bytes
from booking_system.platform.http.guarded import GuardedRoute
from booking_system.platform.http.lives import ABORT, SEND_SECONDS, Ending, Life, Lives
from booking_system.platform.http.mailbox import TooSlowError
from booking_system.platform.observability.exchange import KEY
from booking_system.platform.ticket import CONNECTIONS, HeldConnectionError
from booking_system.shared_kernel.errors import Refusal

KIND = "stream"
FIRST_SECONDS = 1.0
"""For so long a source may have nothing before its client hears that the stream is open."""
HEARTBEAT_SECONDS = 15.0
"""Less than any proxy waits before it takes a connection for dead."""
RETRY_MILLISECONDS = (500, 2_500)
"""When a client comes again whose stream ended in due course: not all at one moment."""
IN_DUE_COURSE = {Ending.DONE, Ending.LIFE_OVER, Ending.DRAINING}
BREAK = re.compile(r"[\r\n\0]")
EXAMPLE = 'id: 4712\nevent: example\ndata: {"n": 1}\n\n'
"""What the document shows of a stream."""
log = structlog.get_logger("booking_system.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: `data` becomes JSON; `id` is what a client names when it comes again."""

    data: object
    name: str | None = None
    id: str | None = None

    def encoded(self) -> bytes:
        """Return it as it is sent. Raises `ValueError` for an id or a name of several lines."""
        lines = []
        for field, value in (("id", self.id), ("event", self.name)):
            if value is not None:
                if BREAK.search(value):
                    message = f"the {field} of an event is one line"
                    raise ValueError(message)
                lines.append(f"{field}: {value}\n".encode())
        return b"".join([*lines, b"data: ", json_bytes(self.data), b"\n\n"])


Events = AsyncGenerator[Event, None]


class EventStream(Response):
    """Sends what `events` yields, until that ends, its client goes, or its life is over.

    What the source raises before its first event, or within a second, is answered as a problem. It
    is asked for the next event when the last one was taken: it need not know how fast its client
    reads. No connection to the database may be held while an event is yielded. The last event is
    called `end` and says why.
    """

    media_type = "text/event-stream"

    def __init__(self, events: Events) -> None:
        """`events` is closed in any case."""
        self.events = events
        self.status_code = 200
        self.background = None
        # Proxies neither keep nor gather nor pack it.
        headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Raises `Overloaded`, `TooMany`, and what the source raises at first."""
        route = scope["route"]
        assert isinstance(route, StreamRoute), "only `Routes.stream` adds a route for it"
        start = {"status": self.status_code, "headers": self.raw_headers}
        async with aclosing(self.events):
            if scope[KEY].method == "HEAD":
                await send({"type": "http.response.start", **start})
                await send({"type": "http.response.body", "body": b""})
                return
            lives: Lives = scope["app"].state.lives
            life = lives.open(KIND, scope, scope["caller"], route.authority_of(scope))
            try:
                await _Sending(self.events, life, send).run(
                    {"type": "http.response.start", **start},
                    receive,
                    begin=partial(lives.begin, life, scope),
                )
                if life.reason is Ending.TOO_SLOW:
                    await broken_off(scope, receive)
            finally:
                lives.close(life, scope)


class StreamRoute(GuardedRoute):
    """A route that answers with an `EventStream`; its policy is asked as long as that is open."""

    def authority_of(self, scope: Scope) -> Callable[[], Any] | None:
        """Return what tells whether the caller could open it now; None: everybody could."""
        if scope["caller"] is None:
            return None
        sent = next(value for name, value in scope["headers"] if name == b"authorization")

        async def authority() -> Any:
            caller = await scope["app"].state.authenticate(sent.decode("latin-1"))
            self.policy(caller)
            return caller

        return authority


class _Sending:
    """One stream being sent."""

    def __init__(self, events: Events, life: Life, send: Send) -> None:
        self._events = events
        self._life = life
        self._send = send
        self._one_at_a_time = asyncio.Lock()
        self._has_first, self._may_begin = asyncio.Event(), asyncio.Event()

    async def run(self, start: Message, receive: Receive, begin: Callable[[], None]) -> None:
        """Send it all; `begin` is told when the answer has begun."""
        pump = asyncio.create_task(self._pump())
        over = asyncio.create_task(self._life.over.wait())
        others: list[asyncio.Task[Any]] = [over, asyncio.create_task(self._has_first.wait())]
        try:
            await asyncio.wait(
                {pump, *others}, timeout=FIRST_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if pump.done():
                # It had nothing, or said why not.
                await pump
            await self._send(start)
            begin()
            self._may_begin.set()
            others.append(gone := asyncio.create_task(until_gone(receive)))
            await self._watch(pump, gone, over)
            await _cancelled(pump)
            await self._farewell()
        finally:
            await _cancelled(pump, *others)

    async def _pump(self) -> None:
        async for event in self._events:
            if CONNECTIONS.get() > 0:
                raise HeldConnectionError("an event is yielded with a database connection")
            self._has_first.set()
            await self._may_begin.wait()
            self._life.sent += 1
            await self._write(event.encoded())

    async def _watch(
        self, pump: asyncio.Task[None], gone: asyncio.Task[None], over: asyncio.Task[Any]
    ) -> None:
        """Wait for an end, and keep the connection alive meanwhile."""
        life = self._life
        while life.reason is None:
            done, _ = await asyncio.wait(
                {pump, gone, over},
                timeout=HEARTBEAT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if gone in done:
                life.end(Ending.GONE)
            elif pump in done:
                life.end(_reason_of(pump.exception()))
            elif not done:
                await self._beat()

    async def _beat(self) -> None:
        try:
            await self._write(b": \n\n")
        except TooSlowError:
            self._life.end(Ending.TOO_SLOW)

    async def _farewell(self) -> None:
        reason = self._life.reason
        if reason is Ending.GONE:
            return
        said = Event(name="end", data={"reason": reason}).encoded()
        if reason in IN_DUE_COURSE:
            said = b"retry: %d\n" % random.randint(*RETRY_MILLISECONDS) + said  # noqa: S311
        try:
            await self._write(said)
            await self._written(b"", more_body=False)
        except TooSlowError:
            self._life.reason = Ending.TOO_SLOW

    async def _write(self, data: bytes) -> None:
        async with self._one_at_a_time:
            await self._written(data, more_body=True)

    async def _written(self, data: bytes, *, more_body: bool) -> None:
        self._life.sent_bytes += len(data)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(
                    {"type": "http.response.body", "body": data, "more_body": more_body}
                )
        except TimeoutError:
            raise TooSlowError from None


def _reason_of(error: BaseException | None) -> Ending:
    if error is None:
        return Ending.DONE
    if isinstance(error, TooSlowError):
        return Ending.TOO_SLOW
    if not isinstance(error, Refusal):
        place = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
        log.error("stream_failed", error=type(error).__name__, place=place)
    return Ending.FAILED


async def until_gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def broken_off(scope: Scope, receive: Receive) -> None:
    """Break the connection off: what waits in it would wait for ever."""
    if (abort := scope.get("state", {}).get(ABORT)) is not None:
        abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await until_gone(receive)


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
