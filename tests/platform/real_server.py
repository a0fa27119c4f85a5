"""The whole application behind the server as it is configured, also with routes of a test's own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from httpx import AsyncClient

from booking_system.bootstrap.api_process import config_of
from booking_system.platform.http.lives import Lives
from booking_system.platform.http.routing import Routes
from tests.api import Api
from tests.patience import PATIENCE
from tests.stage import Stage


class Clock:
    """A clock of seconds that goes with the real one, and further when it is told."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


class RealServer:
    """An address, and what is behind it in this process."""

    def __init__(self, api: Api, server: uvicorn.Server, port: int, clock: Clock) -> None:
        self.api = api
        self.server = server
        self.clock = clock
        self.http = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"
        self.port = port
        self.lives = api.app.state.lives

    def drain(self) -> None:
        """As SIGTERM does."""
        self.server.should_exit = True


@asynccontextmanager
async def real_server(
    stage: Stage, routes: Routes | None = None, **about: Any
) -> AsyncIterator[RealServer]:
    """A server of the test's own in front of what its worker keeps; nothing is open yet."""
    clock = Clock()
    async with stage.api(routes, **about) as api:
        state, metrics = api.app.state, api.container.metrics()
        kept = state.lives
        state.lives = Lives(requests=metrics.requests, metrics=metrics.lives, monotonic=clock)
        config = config_of(api.app, api.container.settings())
        config.load()
        server = uvicorn.Server(config)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = listener.getsockname()[1]
            serving = asyncio.create_task(server._serve(sockets=[listener]))
            try:
                await until(lambda: server.started)
                # Else it reads the authorities that it would trust, for 30 ms.
                async with AsyncClient(
                    base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, verify=False
                ) as client:
                    api.client = client
                    yield RealServer(api, server, port, clock)
            finally:
                server.should_exit = True
                await asyncio.wait_for(serving, PATIENCE)
                state.lives = kept


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
