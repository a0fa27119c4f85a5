"""Two servers to compare with: bare FastAPI, and one that does nothing but send bytes.

Each reads the body of its answers from standard input and prints its port.
"""

import asyncio
import socket
import sys
from typing import cast

import uvicorn
import uvloop
from fastapi import FastAPI, Response

PATH = "/v1/slots"
END_OF_HEAD = b"\r\n\r\n"


def fastapi_with(body: bytes) -> FastAPI:
    """Return an application with one route that answers `body` from memory."""
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get(PATH)
    async def answer() -> Response:
        return Response(body, media_type="application/json")

    return app


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
    """Serve as the argument says, `fastapi` or `raw`, until a signal comes."""
    body = sys.stdin.buffer.read()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        if sys.argv[1] == "raw":
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve_raw(listener, body))
        config = uvicorn.Config(
            fastapi_with(body), http="httptools", loop="uvloop", log_config=None, access_log=False
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
