"""uvicorn's HTTP protocol with bounds on the head of a request: its size, its fields, its time.

The parser copies what it has of a field with each piece that arrives, so that a field without end
costs the square of its length: 60 MB stop a process for a minute.
"""

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from booking_system.bootstrap.one_write import OneWriteCycle
from booking_system.bootstrap.process import IDLE_SECONDS
from booking_system.platform.http.draining import Draining
from booking_system.platform.http.lives import ABORT
from booking_system.platform.http.problems import (
    RequestHeadTooLarge,
    RequestHeadTooSlow,
    status_of,
)
from booking_system.platform.http.rejection import Rejection
from booking_system.shared_kernel.errors import Malformed, Refusal

MOST_BYTES = 32 * 1024
"""Of the target and all fields; a proxy in front usually lets pass a quarter of that."""
MOST_FIELDS = 100
HEAD_SECONDS = 10.0
"""From the first byte of a head that does not arrive in one piece until its last."""


class RefusedHead(Exception):
    """Stops the parser; what is to be said is kept by the connection."""


class BoundedHeads(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """The application's state knows how refusals are worded."""
        super().__init__(config, server_state, app_state, _loop)
        self._rejection: Rejection = config.app.state.rejection  # type: ignore[union-attr]
        self._draining: Draining = config.app.state.draining  # type: ignore[union-attr]
        self._refusal: Refusal | None = None
        self._is_head = self._is_counted = True
        self._is_over = False
        self._read = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._is_hurried = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request as long as for the next ones."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, ABORT: transport.abort}
        self._deadline = self.loop.call_later(IDLE_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._no_deadline()
        # It leads back to this connection, which would be kept in a circle.
        self.app_state = {}
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Let streams come to an end as well: the server waits for them."""
        self.config.app.state.lives.drain()  # type: ignore[union-attr]
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head had its bytes by then; its last piece may have been larger."""
        if self._is_over:
            return
        self._read += len(data)
        super().data_received(data)
        if self._is_counted and self._read >= MOST_BYTES and not self._is_over:
            self._end(RequestHeadTooLarge())
        if self._is_head and self._read and not (self._is_hurried or self._is_over):
            self._no_deadline()
            self._is_hurried = True
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def on_headers_complete(self) -> None:
        """Serve the request, if it says once for which host it is (RFC 9112, section 3.2)."""
        if self._deadline is not None:
            self._no_deadline()
        self._is_head = self._is_hurried = False
        self._read = hosts = 0
        size = len(self.url)
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            hosts += name == b"host"
        if size > MOST_BYTES or len(self.headers) > MOST_FIELDS:
            raise self._refused(RequestHeadTooLarge())
        if hosts != 1 and self.parser.get_http_version() == "1.1":
            raise self._refused(Malformed("The request must have one field Host."))
        self.begin_request()

    def begin_request(self) -> None:
        """Let uvicorn serve it; the task that does has not begun when its cycle changes class."""
        super().on_headers_complete()
        if self._draining.is_on:
            # The next request is another instance's.
            self.cycle.keep_alive = False
        if type(self.cycle) is RequestResponseCycle:
            self.cycle.__class__ = OneWriteCycle

    def on_body(self, body: bytes) -> None:
        """Count no body, which the application bounds, but what stands before and between parts."""
        self._is_counted = False
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """Count the head of the next chunk, and the fields behind the last one."""
        self._is_counted, self._read = True, 0

    def on_message_complete(self) -> None:
        """Expect a head."""
        self._is_head = self._is_counted = True
        self._read = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say it as the application would: uvicorn calls this when the parser has stopped."""
        self._end(self._refusal or Malformed(msg))

    def _refused(self, refusal: Refusal) -> RefusedHead:
        self._refusal = refusal
        return RefusedHead()

    def _too_late(self) -> None:
        self._deadline = None
        if self._read:
            self._end(RequestHeadTooSlow())
        elif not self.transport.is_closing():
            self.transport.close()

    def _no_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, refusal: Refusal) -> None:
        """Answer, read no further, and close."""
        self._is_over = True
        self._no_deadline()
        if self.cycle is not None and not self.cycle.response_complete:
            # Answers come in the order of the requests: behind those before it, there is the end.
            self.cycle.keep_alive = False
            return
        status = STATUS_LINE[status_of(type(refusal))]
        added = [b"%b: %b\r\n" % pair for pair in self.server_state.default_headers]
        answer = self._rejection.closing(refusal, self.headers or ())
        self.transport.write(b"".join((status, *added, answer)))
        self.transport.close()
