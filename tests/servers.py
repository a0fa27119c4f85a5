"""API processes of their own, as an operator would run them, for tests that race."""

import asyncio
import contextlib
import http.client
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from httpx import AsyncClient, Limits

from tests.api import Api, running_api
from tests.bootstrap.processes import environment, eventually, free_port
from tests.forked import Forked, forked
from tests.patience import PATIENCE

ISSUER = "http://test"


@contextmanager
def serving(
    database_url: str,
    place: Path,
    *,
    processes: int = 2,
    log: Path | None = None,
    **settings: object,
) -> Iterator[str]:
    """Yields the address of the running API. All that it prints is in `log` afterwards."""
    port = free_port()
    usual: dict[str, object] = {"rate_limit": "off", "log_level": "error"}
    env = environment(
        port=port,
        public_url=ISSUER,
        data_dir=place,
        database_url=database_url,
        api_processes=processes,
        **usual | settings,
    )
    with forked("serve", env=env, cwd=place) as process, _kept(process, log):
        assert eventually(lambda: process.poll() is None and answers(port))
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.wait(120)


@asynccontextmanager
async def serving_aside(
    database_url: str, place: Path, *, processes: int = 2
) -> AsyncIterator[str]:
    """The same where the way to the database is in this loop, which nothing may stop then."""
    with contextlib.ExitStack() as stack:
        running = serving(database_url, place, processes=processes)
        yield await asyncio.to_thread(stack.enter_context, running)
        await asyncio.to_thread(stack.close)


@contextmanager
def _kept(process: Forked, log: Path | None) -> Iterator[None]:
    """Empties the pipe into the file all the time: a full one would stop the program."""
    if log is None:
        yield
        return
    assert process.stdout is not None
    with log.open("wb") as kept:
        copying = threading.Thread(target=shutil.copyfileobj, args=(process.stdout.buffer, kept))
        copying.start()
        try:
            yield
        finally:
            process.kill()
            copying.join()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    return False


@asynccontextmanager
async def served_api(database_url: str, place: Path) -> AsyncIterator[tuple[Api, "Crowd"]]:
    """The API in this process to prepare things with, and a crowd in front of two others."""
    async with running_api(database_url, place) as api:
        with serving(database_url, place) as address:
            yield api, Crowd(address)


class Crowd:
    """Many clients, each with a connection of its own, so that all processes get some."""

    def __init__(self, address: str) -> None:
        self._address = address

    @asynccontextmanager
    async def of(self, count: int) -> AsyncIterator[list[AsyncClient]]:
        async with contextlib.AsyncExitStack() as opened:
            yield [
                await opened.enter_async_context(
                    AsyncClient(
                        base_url=self._address,
                        timeout=PATIENCE,
                        limits=Limits(max_connections=1),
                        # Else each reads the authorities that it would trust, for 30 ms.
                        verify=False,
                    )
                )
                for _ in range(count)
            ]
