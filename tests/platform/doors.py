"""An `Edge` around an application of the test's own, and requests that come through it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send

from booking_system.platform.http.edge import Edge
from booking_system.platform.http.entrance import Entrance
from booking_system.platform.http.rejection import Rejection
from booking_system.platform.observability.metrics import RequestMetrics

Work = Callable[[Receive], Awaitable[object]]
ALWAYS = "/alive"


@dataclass
class Told:
    """What a client was told."""

    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        start: Message = self.messages[0] if self.messages else {"status": 0}
        status: int = start["status"]
        return status

    @property
    def code(self) -> str | None:
        code: str | None = orjson.loads(self.messages[1]["body"] or b"{}").get("code")
        return code

    @property
    def headers(self) -> dict[str, str]:
        pairs = self.messages[0]["headers"]
        return {name.decode(): value.decode() for name, value in pairs}


class House:
    """An application that does `work` and answers 200, behind an entrance with some places."""

    def __init__(self, work: Work, *, places: int = 1) -> None:
        self._work = work
        self.told_of: list[dict[str, int]] = []
        self.entrance = Entrance(
            most_inside=places,
            always=frozenset({ALWAYS}),
            tell=lambda refused: self.told_of.append(dict(refused)),
        )
        self._edge = Edge(
            self._app,
            entrance=self.entrance,
            rejection=Rejection(public_url="", instance="here", new_id=lambda: "made"),
            metrics=RequestMetrics(CollectorRegistry()),
            quiet=frozenset[str](),
        )

    async def ask(
        self,
        *,
        method: str = "POST",
        path: str = "/",
        receive: Receive | None = None,
        read: asyncio.Event | None = None,
    ) -> Told:
        """Ask as one client does; it takes the answer once `read` is set."""
        told = Told()

        async def send(message: Message) -> None:
            if read is not None:
                await read.wait()
            told.messages.append(message)

        scope: Scope = {"type": "http", "method": method, "path": path, "headers": []}
        await self._edge(scope, receive or arriving(b""), send)
        return told

    def asked(
        self, count: int, work: Callable[[], Awaitable[Told]] | None = None
    ) -> "list[asyncio.Future[Told]]":
        """Start so many requests at once."""
        return [asyncio.ensure_future((work or self.ask)()) for _ in range(count)]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of any request."""
        entrance = self.entrance
        return not (entrance.inside or entrance._tickets or entrance._waiting)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._work(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def arriving(*chunks: bytes, after: asyncio.Event | None = None) -> Receive:
    """A body in so many pieces; after the last one there is a hang-up, as soon as it is set."""
    pieces = list(chunks)

    async def receive() -> Message:
        if after is not None:
            await after.wait()
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    return receive
