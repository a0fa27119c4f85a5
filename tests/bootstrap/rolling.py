"""Instances of two versions behind one front, for tests that replace one by the other."""

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from booking_system.bootstrap import migrations
from tests.bootstrap.processes import environment, free_port, running
from tests.patience import PATIENCE

STARTS = 5
PLACES = 8
"""Requests that an instance is sent at a time (`maxconn` of HAProxy): the others wait in front."""
PROGRAM = ("-m", "booking_system.bootstrap.cli")


@dataclass(slots=True)
class Inside:
    """An instance that the front sends to."""

    address: httpx.URL
    way: httpx.AsyncHTTPTransport = field(
        default_factory=lambda: httpx.AsyncHTTPTransport(verify=False)
    )
    busy: int = 0
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PLACES))


class Front(httpx.AsyncBaseTransport):
    """What a load balancer does: each request to the next instance that is in."""

    def __init__(self) -> None:
        self._inside: list[Inside] = []

    def take_in(self, address: str) -> None:
        self._inside.append(Inside(httpx.URL(address)))

    async def take_out(self, address: str) -> None:
        """Returns when the instance has answered all that it was sent."""
        (one,) = [each for each in self._inside if each.address == httpx.URL(address)]
        self._inside.remove(one)
        async with asyncio.timeout(PATIENCE):
            while one.busy:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await one.way.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        one = self._inside.pop(0)
        self._inside.append(one)
        request.url = request.url.copy_with(host=one.address.host, port=one.address.port)
        one.busy += 1
        try:
            async with one.places:
                answer = await one.way.handle_async_request(request)
                assert isinstance(answer.stream, httpx.AsyncByteStream)
                content = b"".join([part async for part in answer.stream])
                await answer.aclose()
        finally:
            one.busy -= 1
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content)
        )

    async def aclose(self) -> None:
        """It belongs to many clients, and stays when one of them goes."""

    async def end(self) -> None:
        for one in self._inside:
            await one.way.aclose()


@dataclass(frozen=True, slots=True)
class Version:
    """A tree of the program, and where what it runs keeps its files."""

    tree: Path
    place: Path
    database_url: str

    def environment(self, **settings: object) -> dict[str, str]:
        usual = environment(
            data_dir=self.place,
            database_url=self.database_url,
            rate_limit="off",
            log_level="error",
            reads_per_minute=0,
            writes_per_minute=0,
            **settings,
        )
        # What is compiled once is not compiled by each program again.
        return {**usual, "PYTHONPATH": str(self.tree / "src"), "PYTHONDONTWRITEBYTECODE": ""}

    async def does(self, *arguments: str) -> str:
        """Run a command to its end; returns what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM,
            *arguments,
            env=self.environment(),
            cwd=self.place,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0, printed.decode()
        return printed.decode()

    @asynccontextmanager
    async def instance(self) -> AsyncIterator[str]:
        """An API that is ready, by its address; ended by SIGTERM, as an operator does.

        A supervisor starts it again where it gives up: it has a minute, and a busy machine.
        """
        port = free_port()
        env = self.environment(port=port, public_url="http://test", api_processes=1)
        async with AsyncExitStack() as alive:
            for _ in range(STARTS):
                process = alive.enter_context(running(*PROGRAM, "serve", env=env, cwd=self.place))
                if await _is_ready(process, port):
                    break
            else:
                raise AssertionError(process.stdout and process.stdout.read())
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, PATIENCE) == 0

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        with running(*PROGRAM, "worker", env=self.environment(), cwd=self.place) as process:
            yield
            assert process.poll() is None, process.stdout and process.stdout.read()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, PATIENCE) == 0


async def _is_ready(process: subprocess.Popen[str], port: int) -> bool:
    """Wait until it is; False where it has ended."""
    async with httpx.AsyncClient(verify=False, base_url=f"http://127.0.0.1:{port}") as client:
        while process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/health/ready", timeout=PATIENCE)).is_success:
                    return True
            await asyncio.sleep(0.1)
    return False


class Fleet:
    """Two instances and a worker, each replaced one after the other."""

    def __init__(self, front: Front, opened: AsyncExitStack) -> None:
        self._front = front
        self._opened = opened
        self._instances: list[tuple[str, AsyncExitStack]] = []
        self._worker: AsyncExitStack | None = None

    async def add(self, version: Version) -> None:
        """The instance that is next is of this version; it takes part once it is ready."""
        alive = await self._opened.enter_async_context(AsyncExitStack())
        address = await alive.enter_async_context(version.instance())
        self._instances.append((address, alive))
        self._front.take_in(address)

    async def replace_the_oldest(self, version: Version) -> None:
        """Out of the front, ended, and another one in its place: there is one less meanwhile."""
        address, alive = self._instances.pop(0)
        await self._front.take_out(address)
        await alive.aclose()
        await self.add(version)

    async def let_work(self, version: Version) -> None:
        """The worker is of this version from now on."""
        if self._worker is not None:
            await self._worker.aclose()
        self._worker = await self._opened.enter_async_context(AsyncExitStack())
        await self._worker.enter_async_context(version.worker())


def copied(tree: Path) -> None:
    """A tree of the program as it is, with what is compiled of it."""
    for part in ("src", "migrations"):
        shutil.copytree(migrations.ROOT / part, tree / part)


def reworded(path: Path, before: str, after: str) -> None:
    """Fails where the text is not there exactly once."""
    text = path.read_text()
    assert text.count(before) == 1, (path, before, text.count(before))
    path.write_text(text.replace(before, after))
