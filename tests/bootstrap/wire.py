"""The server's side of one connection, driven by hand, with an application behind it."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import httpx
from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from booking_system.bootstrap.early_refusals import EarlyRefusals
from booking_system.platform.http.draining import Draining
from booking_system.platform.http.entrance import Entrance
from booking_system.platform.http.rejection import Rejection

URL = "https://booking.example.com"
GET = b"GET /v1/slots HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/bookings?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n"
BODY = b"GET /v1/slots HTTP/1"


class Wire:
    """The transport of one connection, and the application behind it."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False
        self.served: list[Scope] = []
        self.entrance = Entrance(most_inside=3, always=frozenset({"/alive"}), tell=lambda _: None)
        rejection = Rejection(public_url=URL, instance="here", new_id=lambda: "made")
        config = Config(self._app, interface="asgi3", proxy_headers=False, log_config=None)
        config.load()
        self.draining = Draining()
        config.app = SimpleNamespace(  # type: ignore[assignment]
            state=SimpleNamespace(
                entrance=self.entrance, rejection=rejection, draining=self.draining
            )
        )
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        self.protocol = EarlyRefusals(config, state, {})
        self.protocol.connection_made(cast("asyncio.Transport", self))

    def full(self) -> "Wire":
        """Under pressure, and every place that is left then is taken."""
        self.entrance.refused("GET")
        self.entrance.inside = 1
        return self

    def told(self, data: bytes) -> list[httpx.Response]:
        """What is answered while the data is read, before any task has run."""
        before = len(self.written)
        self.protocol.data_received(data)
        return list(responses_in(self.written[before:]))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.served.append(scope)
        start: Message = {"type": "http.response.start", "status": 204, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, *_: Any) -> None:
        return None

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def responses_in(data: bytes) -> list[httpx.Response]:
    """Answers that name their length."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers["content-length"])
        body = b"" if rest.startswith(b"HTTP/1.1") or not rest else rest[:length]
        data = rest[len(body) :]
        found.append(httpx.Response(int(first.split()[1]), headers=headers, content=body))
    return found
