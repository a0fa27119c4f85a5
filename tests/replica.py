"""A real replica of a test's PostgreSQL: it follows the log, and can be held, frozen and killed."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from tests.budget import MADE
from tests.patience import PATIENCE

PORT = 5433
NAME = "standby"
"""By which its primary may call it synchronous."""


@dataclass
class Standby:
    """Beside its primary, as the same user, on the next port."""

    primary: EmbeddedPostgres
    files: Path
    process: "subprocess.Popen[bytes] | None" = None
    port: int = PORT

    def url_for(self, database: str) -> str:
        return self.primary.url_for(database).replace("port=5432", f"port={self.port}")

    def follow(self, primary: str) -> None:
        """Write down what it is, and whom it follows, as libpq has it. Not while it runs."""
        (self.files / "standby.signal").touch()
        with (self.files / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"primary_conninfo = '{primary}'\n")
        user = self.primary._cluster._user
        if user is not None:
            for place in (self.files, *self.files.rglob("*")):
                os.chown(place, user.uid, user.gid)
        self.files.chmod(0o700)

    async def start(self, settings: Mapping[str, str]) -> None:
        cluster: Any = self.primary._cluster
        command = [
            "postgres",
            "-D",
            str(self.files),
            "-k",
            str(cluster.sockets),
            "-p",
            str(self.port),
        ]
        options = [f"--{name}={value}" for name, value in {**cluster._settings, **settings}.items()]
        self.process = cluster._start([*command, *options], signal.SIGINT, cluster._user)
        async with asyncio.timeout(PATIENCE):
            while not await self._answers():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        try:
            await self.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    async def execute(self, statement: str) -> Any:
        connection = await asyncpg.connect(self.url_for("postgres"))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it to every process of the server; each has this one as its parent."""
        assert self.process is not None
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            os.kill(pid, number)

    def kill(self) -> None:
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


def children_of(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(one) for one in told.split()]


@asynccontextmanager
async def a_standby(
    primary: EmbeddedPostgres, *, by_port: int | None = None
) -> AsyncIterator[Standby]:
    """Copy the primary, and follow it, by its socket or by a port that leads to it."""
    MADE["PostgreSQL servers"] += 1
    cluster: Any = primary._cluster
    access = cluster._files / "pg_hba.conf"
    # The server's user has no name by which the replica could say who it is.
    access.write_text("local replication all trust\n" + access.read_text())
    connection = await asyncpg.connect(primary.url_for("postgres"))
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    files = primary.root / "replica"
    copying = await asyncio.create_subprocess_exec(
        str(cluster._bin / "pg_basebackup"),
        f"--host={cluster.sockets}",
        "--username=postgres",
        f"--pgdata={files}",
        "--checkpoint=fast",
        "--no-sync",
    )
    assert await copying.wait() == 0
    standby = Standby(primary, files)
    host, port = (cluster.sockets, 5432) if by_port is None else ("127.0.0.1", by_port)
    standby.follow(f"host={host} port={port} user=postgres application_name={NAME}")
    await standby.start({})
    try:
        yield standby
    finally:
        standby.kill()
        shutil.rmtree(files, ignore_errors=True)
