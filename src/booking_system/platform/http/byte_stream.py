"""Bytes that take their time to go out: as many as were announced, or a connection that breaks."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

import structlog
from fastapi import Response
from starlette.types import Receive, Scope, Send

from booking_system.platform.http.event_stream import broken_off, until_gone
from booking_system.platform.http.lives import SEND_SECONDS, Authority, Ending, Life, Lives
from booking_system.platform.observability.exchange import KEY
from booking_system.platform.ticket import CONNECTIONS, HeldConnectionError
from booking_system.shared_kernel.errors import Refusal

KIND = "download"
PIECE_BYTES = 64 * 1024
"""What a client has to have read within `SEND_SECONDS`."""
log = structlog.get_logger("booking_system.http")

Pieces = AsyncGenerator[bytes, None]


class ByteStream(Response):
    """Sends what `pieces` yields, which is as much as `Content-Length` among the headers says.

    Once it has begun it takes no place, and has the time and the number that streams have; it ends
    when the `authority` of its caller does. What the source raises before its first piece is
    answered as a problem. No connection to the database may be held while a piece is yielded.
    """

    def __init__(  # noqa: PLR0913
        self,
        pieces: Pieces,
        *,
        headers: Mapping[str, str],
        caller: object,
        authority: Authority | None,
        status: int = 200,
        media_type: str = "application/octet-stream",
    ) -> None:
        """`pieces` is closed in any case."""
        self.pieces = pieces
        self.caller = caller
        self.authority = authority
        self.status_code = status
        self.media_type = media_type
        self.background = None
        self.body = b""
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them. Raises `Overloaded`, `TooMany`, and what the source raises at first."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        async with aclosing(self.pieces):
            if scope[KEY].method == "HEAD":
                await send({"type": "http.response.start", **start})
                await send({"type": "http.response.body", "body": b""})
                return
            first = await anext(self.pieces, b"")
            lives: Lives = scope["app"].state.lives
            life = lives.open(KIND, scope, self.caller, self.authority)
            gone = asyncio.create_task(until_gone(receive))
            gone.add_done_callback(lambda _: life.end(Ending.GONE))
            try:
                await send({"type": "http.response.start", **start})
                lives.begin(life, scope)
                await self._send_all(first, life, send)
                if life.reason not in {Ending.DONE, Ending.GONE}:
                    gone.cancel()
                    await broken_off(scope, receive)
            finally:
                gone.cancel()
                lives.close(life, scope)

    async def _send_all(self, first: bytes, life: Life, send: Send) -> None:
        try:
            async with aclosing(_small(first, self.pieces)) as small:
                async for piece in small:
                    _check_free()
                    if life.reason is not None:
                        return
                    life.sent += 1
                    life.sent_bytes += len(piece)
                    async with asyncio.timeout(SEND_SECONDS):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            life.end(Ending.TOO_SLOW)
        except Exception as error:  # noqa: BLE001  (the answer has begun: it can only break off)
            if not isinstance(error, Refusal):
                place = [
                    f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)
                ]
                log.error("stream_failed", error=type(error).__name__, place=place)  # noqa: TRY400
            life.end(Ending.FAILED)
        else:
            life.end(Ending.DONE)


async def _small(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    piece: bytes | None = first
    while piece is not None:
        for place in range(0, len(piece), PIECE_BYTES):
            yield piece[place : place + PIECE_BYTES]
        piece = await anext(pieces, None)


def _check_free() -> None:
    if CONNECTIONS.get() > 0:
        raise HeldConnectionError("bytes are sent with a database connection")
