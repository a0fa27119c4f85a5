"""uvicorn's HTTP protocol, which refuses what finds no place before anything is made for it.

A refusal that goes the way of a request, through a task and the layers of the application, costs a
sixth of a booking; under five times the load that the program can bear, most of its time would go
into refusals. From here it costs a fortieth.
"""

import asyncio
from typing import Any
from urllib.parse import unquote

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from booking_system.bootstrap.bounded_heads import BoundedHeads
from booking_system.platform.http.assembly import speaks_websocket
from booking_system.platform.http.entrance import COMING, Entrance
from booking_system.platform.observability.exchange import method_of


class Answered:
    """Stands where uvicorn keeps the request that it serves: what else comes of it is ignored."""

    response_complete = True

    def __init__(self) -> None:
        """Nobody waits for its event."""
        self.message_event = asyncio.Event()


class EarlyRefusals(BoundedHeads):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """The application's state holds what decides and what is answered."""
        super().__init__(config, server_state, app_state, _loop)
        self._entrance: Entrance = config.app.state.entrance  # type: ignore[union-attr]

    def begin_request(self) -> None:
        """Refuse the request, or let uvicorn go on with it."""
        entrance = self._entrance
        if entrance.is_pressed and self._is_usual():
            if entrance.turns_away:
                self._refuse()
                return
            entrance.coming += 1
            self.scope[COMING] = True  # type: ignore[literal-required]
        super().begin_request()

    def _should_upgrade(self) -> bool:
        """Open a WebSocket where there is one; elsewhere answer the request as it is."""
        if not super()._should_upgrade():
            return False
        path = unquote(self.url.partition(b"?")[0].decode("latin-1"))
        return speaks_websocket(self.config.app, path)  # type: ignore[arg-type]

    def _is_usual(self) -> bool:
        """Say whether nothing is special about it: anything else goes the long way."""
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if self.expect_100_continue or self.parser.should_upgrade():
            return False
        # Pages of other sites could not read an answer that lacks what the application adds.
        if any(name == b"origin" for name, _ in self.headers):
            return False
        return self.url.partition(b"?")[0].decode("latin-1") not in self._entrance.always

    def _refuse(self) -> None:
        method = method_of(self.parser.get_method().decode("latin-1"))
        self._entrance.refused(method)
        added = [b"%b: %b\r\n" % pair for pair in self.server_state.default_headers]
        keeps = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        keeps = keeps and not self._draining.is_on
        if not keeps:
            added.append(b"connection: close\r\n")
        answer = self._rejection.on_the_wire(self.headers, wants_body=method != "HEAD")
        self.transport.write(b"".join((STATUS_LINE[self._rejection.status], *added, answer)))
        # A body that is still to come is read and forgotten.
        self.cycle = Answered()  # type: ignore[assignment]
        if keeps:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            self.transport.close()
