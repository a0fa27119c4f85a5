"""The API on real sockets, served by threads of this process: no program has to be started.

For tests of what asks an API. What an operator starts is `tests.servers.serving`.
"""

import asyncio
import io
import itertools
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest
import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from booking_lab.bench import driver, pgbench, servers
from booking_lab.bench.api import PUBLIC_URL
from booking_lab.bench.driver import Target
from booking_lab.bench.flood import Flood, Stream
from booking_lab.bench.load import Load, Result, Task
from booking_system.bootstrap.api_process import config_of
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.process import BACKLOG
from booking_system.bootstrap.serve import listeners
from booking_system.bootstrap.settings import Settings
from tests.api import application_at
from tests.bootstrap.processes import eventually, free_port

HURRY = 10_000
FEW = 4
"""Clients of a run that measures nothing: each costs a connection of PostgreSQL for every turn."""


def few_clients(patch: pytest.MonkeyPatch) -> None:
    """Let the bench ask with so many; as many as it has otherwise are in `make prove`."""
    for module in (driver, pgbench):
        patch.setattr(module, "CONNECTIONS", FEW)


@contextmanager
def _only_errors_logged() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)


@contextmanager
def serving_here(
    database_url: str, place: Path, *, instances: int = 1, **settings: object
) -> Iterator[int]:
    """Yields the port that all instances share; they have nothing else in common."""
    about = Settings(port=free_port(), api_processes=instances, database_url=database_url)
    with _only_errors_logged(), listeners(about) as sockets:
        servers = []
        for listener in sockets:
            listener.listen(BACKLOG)
            container, app = application_at(database_url, place, **settings)
            server = uvicorn.Server(config_of(app, container.settings()))
            servers.append((server, threading.Thread(target=server.run, args=([listener],))))
        for _, thread in servers:
            thread.start()
        try:
            for server, thread in servers:
                assert eventually(lambda one=server, it=thread: one.started or not it.is_alive())
                assert server.started
            yield about.port
        finally:
            for server, _ in servers:
                server.should_exit = True
            for _, thread in servers:
                thread.join()


@contextmanager
def measured_here(
    database_url: str, folder: Path, postmaster: int, **settings: str
) -> Iterator[Target]:
    """Stands where `booking_lab.bench.api.serving` does."""
    chosen = {name.lower(): value for name, value in settings.items()}
    with serving_here(database_url, folder, public_url=PUBLIC_URL, **chosen) as port:
        yield Target(port=port, pid=os.getpid(), database=postmaster)


@contextmanager
def compared_here(_: Path, lengths: list[int]) -> Iterator[Target]:
    """Stands where `booking_lab.bench.journey.run.comparing` does."""
    with _answering(servers.several_with(lengths)) as port:
        yield Target(port=port, pid=os.getpid())


@dataclass(frozen=True)
class Announced:
    """As much of a server's process as the bench looks at."""

    pid: int
    stdout: IO[bytes]


@contextmanager
def answering_here(_: str, kind: str, *, folder: Path, given: bytes) -> Iterator[Announced]:
    """Stands where `booking_lab.bench.processes.running` does for a server to compare with."""
    served = _raw(given) if kind == "raw" else _answering(servers.fastapi_with(given))
    with served as port:
        yield Announced(os.getpid(), io.BytesIO(b"%d\n" % port))


@contextmanager
def _answering(app: ASGIApp) -> Iterator[int]:
    server = uvicorn.Server(servers.config_of(app))
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert eventually(lambda: server.started or not thread.is_alive())
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _raw(body: bytes) -> Iterator[int]:
    answer, loop = servers.raw_answer(body), uvloop.new_event_loop()
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        serving = loop.create_server(lambda: servers.Raw(answer), sock=listener)
        server = loop.run_until_complete(serving)
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def sent_here(task: Task, requests: Sequence[bytes]) -> Result:
    """Stands where `booking_lab.bench.driver.send` does."""

    async def sent() -> Result:
        result = await Load(task, requests).run()
        # The connections hang up in the next turn.
        await asyncio.sleep(0)
        return result

    return asyncio.run(sent())


def flooded_here(_: str, given: bytes) -> bytes:
    """Stands where `booking_lab.bench.driver.told_by` does for a flood, all of it due at once.

    So there is more than anybody has places for, however fast or slow that is.
    """
    head, _, rest = given.partition(b"\n")
    stream = Stream(**json.loads(head))
    ends = list(itertools.accumulate(stream.lengths, initial=0))
    requests = [rest[start:end] for start, end in itertools.pairwise(ends)]
    at_once = replace(stream, rate=stream.rate * HURRY, seconds=stream.seconds / HURRY)

    async def flooded() -> bytes:
        outcome = await Flood(at_once, requests).run()
        # The connections hang up in the next turn.
        await asyncio.sleep(0)
        return outcome.as_bytes()

    return asyncio.run(flooded())


@dataclass(frozen=True)
class OneDatabase:
    """Stands where a server of the bench's own does: one database of the tests' server."""

    server: EmbeddedPostgres
    url: str

    def url_for(self, database: str) -> str:
        return self.server.url_for(database)

    @property
    def name(self) -> str:
        """The database's own."""
        return urlsplit(self.url).path.removeprefix("/")

    @property
    def root(self) -> Path:
        return self.server.root

    @property
    def sockets(self) -> Path:
        return self.server.sockets

    @property
    def server_pid(self) -> int:
        return self.server.server_pid
