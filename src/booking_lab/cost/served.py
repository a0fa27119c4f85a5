"""The application behind the server's own protocol, in a thread of this process that is counted."""

import asyncio
import gc
import math
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import uvloop
from dependency_injector import providers
from uvicorn.server import ServerState

from booking_lab.bench.load import END_OF_HEAD, LENGTH
from booking_lab.bench.plan import BenchProblem
from booking_lab.cost.counting import Python, SystemCalls
from booking_system.bootstrap import logs
from booking_system.bootstrap.api_process import config_of
from booking_system.bootstrap.container import build, close
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.settings import Settings
from booking_system.platform.observability import metrics
from booking_system.platform.postgres.transaction import Database

PATIENCE = 60.0
LONGER_THAN_A_RUN = 86_400.0


class StoppedClock:
    """Stands at noon of a Monday in summer: no figure depends on when it is counted."""

    def now(self) -> datetime:
        """Return the same instant each time, UTC."""
        return datetime(2030, 6, 3, 12, tzinfo=UTC)


STOPPED = StoppedClock()
DATE = (b"date", b"Mon, 01 Mar 2027 09:00:00 GMT")
T = TypeVar("T")


class Served:
    """The program in a thread that does nothing else, and one connection to it.

    What the program does by itself from time to time is not done here: a machine may be so slow
    that each request would meet it. Callers are known for good, as nobody's access changes, and
    metrics are added up and not yet told.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Made by `serving`."""
        self._loop = loop
        self._task = 0
        self._opened = AsyncExitStack()
        self._database: Database
        self.connection: socket.socket

    def inside(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this in the counted thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def start(self, settings: Settings) -> int:
        """Return the port."""
        self._task = threading.get_native_id()
        self._opened.callback(setattr, metrics, "FLUSH_SECONDS", metrics.FLUSH_SECONDS)
        metrics.FLUSH_SECONDS = LONGER_THAN_A_RUN
        container = build(settings)
        container.clock.override(providers.Object(STOPPED))
        self._database = container.database()
        self._opened.push_async_callback(close, container)
        app = create_app(container)
        config = config_of(app, settings)
        config.load()
        state = ServerState()
        state.default_headers = [DATE]
        server = await self._loop.create_server(
            lambda: config.http_protocol_class(config, state, {}, self._loop),  # type: ignore[call-arg]
            "127.0.0.1",
            0,
        )
        self._opened.callback(server.close)
        gc.collect()
        gc.freeze()
        gc.disable()
        # Connections that are opened later are found again.
        follow = container.identity.follow_changes()
        await follow.look()
        follow.known.trust(math.inf)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Let go of the database."""
        await self._opened.aclose()

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return status and body."""
        self.connection.sendall(request)
        answer = bytearray()
        while END_OF_HEAD not in answer:
            answer += self._more()
        head, _, body = bytes(answer).partition(END_OF_HEAD)
        announced = LENGTH.search(head)
        length = int(announced[1]) if announced else 0
        rest = bytearray(body)
        while len(rest) < length:
            rest += self._more()
        return int(head.split(b" ", 2)[1]), bytes(rest)

    def _more(self) -> bytes:
        data = self.connection.recv(2**20)
        if not data:
            raise BenchProblem("The API closed the connection.")
        return data

    def python_of(self, ask: Callable[[], object]) -> Python:
        """Count the calls and bytecodes of what `ask` asks for."""
        seen = Python()
        self.inside(_traced(seen))
        ask()
        self.inside(_traced(None))
        return seen

    def system_calls_of(self, ask: Callable[[], object]) -> SystemCalls:
        """Count its system calls that read or write."""
        self.inside(_nothing())
        before = SystemCalls.of(self._task)
        ask()
        self.inside(_nothing())
        return SystemCalls.of(self._task).since(before)

    def heard_of(self, ask: Callable[[], object]) -> list[Any]:
        """Return what it sends to the database, as asyncpg tells it, `BEGIN` and `COMMIT` too."""
        heard: list[Any] = []
        self.inside(_heard(heard.append))
        ask()
        self.inside(_heard(None, heard.append))
        return heard

    def statements_of(self, ask: Callable[[], object]) -> int:
        """Count that."""
        return len(self.heard_of(ask))

    def backends(self) -> list[int]:
        """Return the process ids of its connections, which have told the server what they did."""
        return self.inside(self._told())

    async def _told(self) -> list[int]:
        async with AsyncExitStack() as taken:
            connections = [
                await taken.enter_async_context(self._database.reading()) for _ in _connections()
            ]
            for connection in connections:
                await connection.execute("SELECT pg_stat_force_next_flush()")
            return [connection.get_server_pid() for connection in connections]


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[Served]:
    """Serve on a database that is up to date; the lines of the log go to the file."""
    with log.open("w", encoding="utf-8") as lines:
        logs.configure(settings, lines)
        loop = uvloop.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="counted")
        thread.start()
        served = Served(loop)
        try:
            port = served.inside(served.start(settings))
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                served.connection = connection
                yield served
        finally:
            served.inside(served.stop())
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            gc.enable()


async def _traced(seen: Python | None) -> None:
    sys.settrace(None if seen is None else seen.trace)


async def _nothing() -> None:
    """Wake the thread once, as everything does that is asked of it."""


def _connections() -> list[asyncpg.Connection]:
    """Return those of this thread that are open."""
    loop = asyncio.get_running_loop()
    return [
        one
        for one in gc.get_objects()
        if type(one) is asyncpg.Connection and one._loop is loop and not one.is_closed()  # noqa: SLF001
    ]


async def _heard(begins: Any, ends: Any = None) -> None:
    for connection in _connections():
        if begins is not None:
            connection.add_query_logger(begins)
        if ends is not None:
            connection.remove_query_logger(ends)
