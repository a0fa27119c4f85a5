"""What is asked besides: requests that begin well and never go on, and the metrics."""

import asyncio

from tests.hostile.wire import Answer, Line, Silence

HEAD = b"POST /v1/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
STALLING = {
    "a body that never comes": HEAD + b"Content-Length: 20\r\n\r\n{",
    "a chunk that never comes": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "an upgrade with a body": HEAD + UPGRADE + b"Content-Length: 2\r\n\r\n{}",
    "an upgrade without a body": HEAD + UPGRADE + b"Content-Length: 0\r\n\r\n",
    "an upgrade of what is read": b"GET /v1/slots HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n",
}


async def stalled(host: str, port: int) -> dict[str, list[Answer] | None]:
    """What each of them is told, all at once; None for silence."""

    async def told(raw: bytes) -> list[Answer] | None:
        try:
            return await Line(host, port).alone(raw, hang_up=False)
        except Silence:
            return None

    answers = await asyncio.gather(*map(told, STALLING.values()))
    return dict(zip(STALLING, answers, strict=True))


async def metrics_of(host: str, port: int) -> bytes:
    """What the operator's monitoring would keep of it all."""
    line = Line(host, port)
    raw = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    return b"".join(one.body for one in await line.alone(raw, hang_up=False))
