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


@dataclass
class Standby:
    """Beside its primary, as the same user, on the next port."""

    primary: EmbeddedPostgres
    files: Path
    process: "subprocess.Popen[bytes] | None" = None

    def url_for(self, database: str) -> str:
        return self.primary.url_for(database).replace("port=5432", f"port={PORT}")

    async def start(self, settings: Mapping[str, str]) -> None:
        cluster: Any = self.primary._cluster
        command = ["postgres", "-D", str(self.files), "-k", str(cluster.sockets), "-p", str(PORT)]
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
async def a_standby(primary: EmbeddedPostgres) -> AsyncIterator[Standby]:
    """Copy the primary, and follow it."""
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
    (files / "standby.signal").touch()
    follow = f"primary_conninfo = 'host={cluster.sockets} port=5432 user=postgres'\n"
    with (files / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(follow)
    if cluster._user is not None:
        for place in (files, *files.rglob("*")):
            os.chown(place, cluster._user.uid, cluster._user.gid)
    files.chmod(0o700)
    standby = Standby(primary, files)
    await standby.start({})
    try:
        yield standby
    finally:
        standby.kill()
        shutil.rmtree(files, ignore_errors=True)
