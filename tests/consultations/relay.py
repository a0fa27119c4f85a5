"""A real relay, coturn, which tests stop and start again on the same port."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.patience import PATIENCE

SECRET = "a secret of the relay"


def free_port() -> int:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Coturn:
    """As docs/consultations.md sets it up, but for the networks it denies."""

    place: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = shutil.which("turnserver")
        assert program, "this proof needs coturn: `apt-get install coturn` brings it"
        self.process = await asyncio.create_subprocess_exec(
            program,
            "-n",
            "--use-auth-secret",
            f"--static-auth-secret={SECRET}",
            "--realm=example.com",
            "--listening-ip=127.0.0.1",
            "--relay-ip=127.0.0.1",
            f"--listening-port={self.port}",
            "--allow-loopback-peers",
            "--no-tls",
            "--no-dtls",
            "--no-cli",
            "--log-file=stdout",
            f"--pidfile={self.place / 'turn.pid'}",
            f"--userdb={self.place / 'turn.db'}",
            cwd=self.place,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(PATIENCE):
            while not await self._listens():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """As a machine that fails: nobody is told anything, and all that it relays is forgotten."""
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


@asynccontextmanager
async def coturn(place: Path) -> AsyncIterator[Coturn]:
    relay = Coturn(place)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.kill()
