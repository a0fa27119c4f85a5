"""Servers to compare with: bare FastAPI, and a server that does nothing but send bytes.

Each reads the body of its answers from standard input and prints its port; `several` reads lengths
there, as JSON, and answers so many bytes at `/0`, `/1` ...
"""

import asyncio
import json
import socket
import sys
from collections.abc import Sequence
from typing import cast

import uvicorn
import uvloop
from fastapi import FastAPI, Response
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/v1/slots"
END_OF_HEAD = b"\r\n\r\n"


def fastapi_with(body: bytes, path: str = PATH) -> FastAPI:
    """Return an application with one route that answers `body` from memory."""
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get(path)
    async def answer() -> Response:
        return Response(body, media_type="application/json")

    return app


def several_with(lengths: Sequence[int]) -> ASGIApp:
    """Return an application of each length behind one look-up: none has another's routes."""
    apps = {
        f"/{place}": fastapi_with(b"x" * length, f"/{place}")
        for place, length in enumerate(lengths)
    }

    async def chosen(scope: Scope, receive: Receive, send: Send) -> None:
        await apps[scope["path"]](scope, receive, send)

    return chosen


def config_of(app: ASGIApp) -> uvicorn.Config:
    """Return how uvicorn serves it at its fastest."""
    return uvicorn.Config(
        app, http="httptools", loop="uvloop", lifespan="off", log_config=None, access_log=False
    )


class Raw(asyncio.Protocol):
    """Answers each request, which comes in one piece, with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        """`answer` is a whole HTTP response."""
        self._answer = answer
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # Those of uvloop are of no common class.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer."""
        if data.endswith(END_OF_HEAD):
            self._transport.write(self._answer)


def raw_answer(body: bytes) -> bytes:
    """Return the response that carries `body`."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + END_OF_HEAD + body


async def _serve_raw(listener: socket.socket, body: bytes) -> None:
    answer = raw_answer(body)
    server = await asyncio.get_running_loop().create_server(lambda: Raw(answer), sock=listener)
    await server.serve_forever()


def main() -> None:
    """Serve as the argument says, `fastapi`, `several` or `raw`, until a signal comes."""
    body = sys.stdin.buffer.read()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        if sys.argv[1] == "raw":
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve_raw(listener, body))
        several = sys.argv[1] == "several"
        app = several_with(json.loads(body)) if several else fastapi_with(body)
        uvicorn.Server(config_of(app)).run(sockets=[listener])


if __name__ == "__main__":
    main()
