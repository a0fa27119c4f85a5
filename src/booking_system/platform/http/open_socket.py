"""One WebSocket that is open: what its endpoint reads and sends, its bounds, and its end."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from booking_system.platform.http.answers import json_bytes
from booking_system.platform.http.lives import ABORT, SEND_SECONDS, Ending, Life
from booking_system.platform.http.mailbox import Mailbox, TooSlowError
from booking_system.shared_kernel.errors import (
    NotFound,
    NotPermitted,
    Refusal,
    Unauthenticated,
    Unavailable,
)

CLOSE_SECONDS = 2.0
MOST_UNREAD = 16
"""So many messages are read ahead of the endpoint; then the client has to wait."""
NOT_TEXT, TOO_LARGE, AGAINST_RULES = 1003, 1009, 1008
CLOSE_OF = {
    Ending.DONE: 1000,
    Ending.LIFE_OVER: 1001,
    Ending.FAILED: 1011,
    Ending.DRAINING: 1012,
    Ending.TOO_SLOW: 1013,
    Ending.ACCESS_UNKNOWN: 1013,
    Ending.ACCESS_ENDED: 4401,
    Ending.BROKE_RULES: AGAINST_RULES,
}
"""What a client is told: RFC 6455, section 7.4, IANA's registry, and the contract's own."""
CLOSE_OF_REFUSALS = {Unauthenticated: 4401, NotPermitted: 4403, NotFound: 4403, Unavailable: 1013}
log = structlog.get_logger("booking_system.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """What one client may send: bytes of a message, messages a second in the long run, at once."""

    most_bytes: int = 8 * 1024
    per_second: float = 20.0
    at_once: int = 60


class SocketClosed(Exception):
    """Raised by an endpoint to close its socket with a code of its choice."""

    def __init__(self, code: int, reason: str) -> None:
        """`reason` reaches the client: a word or two."""
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _RulesBroken(Exception):
    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class Socket:
    """One client's socket, for its endpoint. Messages are text, mostly JSON, in both directions."""

    def __init__(
        self, life: Life, scope: Scope, receive: Receive, send: Send, limits: SocketLimits
    ) -> None:
        """It was accepted; `life` says when it is over."""
        self.caller = life.caller
        self.path_params: dict[str, Any] = scope["path_params"]
        self._life = life
        self._state = scope.get("state", {})
        self._receive = receive
        self._send = send
        self._limits = limits
        self._out: Mailbox[str] = Mailbox()
        self._in: asyncio.Queue[str] = asyncio.Queue(maxsize=MOST_UNREAD)
        self._tokens, self._counted_at = float(limits.at_once), time.monotonic()
        self._code: int | None = None
        self._word = ""

    async def messages(self) -> AsyncIterator[str]:
        """Return what the client says; what is not read yet makes it wait."""
        while True:
            yield await self._in.get()

    def send(self, message: object, *, key: Hashable | None = None) -> bool:
        """Send JSON. Never waits; False: the client reads too slowly, or has gone.

        With a `key` it replaces another of the same key that was not sent yet.
        """
        text = json_bytes(message).decode()
        is_sent = self._out.put(text, len(text), key=key)
        if is_sent:
            self._life.sent += 1
        return is_sent

    async def serve(self, endpoint: Callable[["Socket"], Awaitable[None]]) -> None:
        """Let the endpoint talk until it returns, or something ends the socket; then close it."""
        work = asyncio.ensure_future(endpoint(self))
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        over = asyncio.create_task(self._life.over.wait())
        tasks: set[asyncio.Future[Any]] = {work, reading, writing, over}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self._note(reading, Ending.GONE)
            self._note(work, Ending.DONE)
            self._note(writing, Ending.GONE)
            if self._life.reason is Ending.DONE:
                # What was sent last still goes out.
                self._out.close()
                await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()

    async def _read(self) -> None:
        """Take in what comes; returns when the client has gone."""
        life, limits = self._life, self._limits
        while (message := await self._receive())["type"] == "websocket.receive":
            text = message.get("text")
            if text is None:
                raise _RulesBroken(NOT_TEXT)
            size = len(text.encode())
            life.received += 1
            life.received_bytes += size
            if size > limits.most_bytes:
                raise _RulesBroken(TOO_LARGE)
            self._spend()
            await self._in.put(text)

    def _spend(self) -> None:
        now, limits = time.monotonic(), self._limits
        earned = (now - self._counted_at) * limits.per_second
        self._tokens = min(float(limits.at_once), self._tokens + earned) - 1.0
        self._counted_at = now
        if self._tokens < 0.0:
            raise _RulesBroken(AGAINST_RULES)

    async def _write(self) -> None:
        async for text in self._out.items():
            self._life.sent_bytes += len(text)
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send({"type": "websocket.send", "text": text})
            except TimeoutError:
                raise TooSlowError from None

    def _note(self, task: asyncio.Future[Any], usually: Ending) -> None:
        """Say why a task that has ended ends the socket; the first reason counts."""
        if not task.done() or self._life.reason is not None:
            return
        error = task.exception()
        if error is None:
            self._life.end(usually)
        elif isinstance(error, OSError):
            # So the server says that nobody is there any more.
            self._life.end(Ending.GONE)
        elif isinstance(error, TooSlowError):
            self._life.end(Ending.TOO_SLOW)
        elif isinstance(error, _RulesBroken):
            self._code = error.code
            self._life.end(Ending.BROKE_RULES)
        elif isinstance(error, SocketClosed):
            self._code, self._word = error.code, error.reason
            self._life.end(Ending.DONE)
        elif isinstance(error, Refusal):
            self._code, self._word = code_of(error), error.code
            self._life.end(Ending.BROKE_RULES)
        else:
            place = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
            log.error("socket_failed", error=type(error).__name__, place=place)
            self._life.end(Ending.FAILED)

    async def _close(self) -> None:
        reason = self._life.reason or Ending.DONE
        if reason is Ending.GONE:
            return
        code = self._code or CLOSE_OF[reason]
        closing = {"type": "websocket.close", "code": code, "reason": self._word or reason.value}
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send(closing)
        except OSError as error:
            # It has gone; or, where the time is over, it reads nothing.
            is_stuck = isinstance(error, TimeoutError)
            if is_stuck and (abort := self._state.get(ABORT)) is not None:
                abort()


def code_of(refusal: Refusal) -> int:
    """Return the close code that tells a refusal."""
    return next((c for kind, c in CLOSE_OF_REFUSALS.items() if isinstance(refusal, kind)), 1008)


async def refused(refusal: Refusal, send: Send) -> None:
    """Close a socket that was just accepted, with the code of the refusal as the reason."""
    await send({"type": "websocket.close", "code": code_of(refusal), "reason": refusal.code})
