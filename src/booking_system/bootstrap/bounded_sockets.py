"""uvicorn's WebSocket protocol: refusals are worded as all others, nothing private is logged."""

import asyncio
import logging
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import SecurityError
from websockets.http11 import Request

from booking_system.platform.http.lives import ABORT
from booking_system.platform.http.problems import RequestHeadTooLarge, status_of
from booking_system.platform.http.rejection import Rejection
from booking_system.shared_kernel.errors import Malformed, Refusal

MOST_MESSAGE_BYTES = 64 * 1024
"""Of any message; a route may want fewer."""
PING_SECONDS = 20.0
"""Between two pings, and until one is answered: below the minute after which proxies hang up."""
CLOSE_SECONDS = 2.0
"""For the client's half of the closing handshake; then the connection is broken off."""

QUIET = logging.getLogger("booking_system.sockets")
"""The server and its library log addresses with their queries, tickets and messages: not here."""
QUIET.setLevel(logging.WARNING)


class BoundedSockets(WebSocketsSansIOProtocol):
    """One connection that has become a WebSocket, or wants to."""

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
        self._end: asyncio.TimerHandle | None = None
        self._fields: list[tuple[bytes, bytes]] = []
        self.close_timeout = CLOSE_SECONDS
        self.logger = self.conn.logger = QUIET
        self.conn.debug = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the application break it off."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, ABORT: self.transport.abort}

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what leads back to this connection."""
        if self._end is not None:
            self._end.cancel()
        self.app_state = {}
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. The first data is the whole head, which the library may not like."""
        is_head = not self.handshake_initiated
        if is_head:
            # As the server writes it: each field in one line, its name in lower case.
            lines = [line.partition(b": ") for line in data.split(b"\r\n")[1:]]
            self._fields = [(name, value) for name, _, value in lines]
        super().data_received(data)
        if is_head and not self.handshake_initiated:
            is_large = isinstance(self.conn.handshake_exc, SecurityError)
            self._refuse(RequestHeadTooLarge() if is_large else Malformed())

    def handle_connect(self, event: Request) -> None:
        """Refuse a handshake that is none; the library would say so in words of its own."""
        if self.conn.accept(event).status_code != 101:
            self.handshake_initiated = True
            self._refuse(Malformed("The request is no WebSocket handshake (RFC 6455)."))
            return
        super().handle_connect(event)

    async def send(self, message: Any) -> None:
        """Send on; a client that does not let itself be closed is not waited for."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # Or the server takes a refusal for a handshake that was forgotten.
            self.handshake_complete = True
        if message["type"] == "websocket.close" and not self.disconnected:
            self._end = self.loop.call_later(2 * CLOSE_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """Let the application end it: it says why."""
        self.config.app.state.lives.drain()  # type: ignore[union-attr]

    def _refuse(self, refusal: Refusal) -> None:
        self.handshake_complete = self.close_sent = True
        added = b"".join(b"%b: %b\r\n" % pair for pair in self.default_headers)
        answer = self._rejection.closing(refusal, self._fields)
        self.transport.write(STATUS_LINE[status_of(type(refusal))] + added + answer)
        self.transport.close()
