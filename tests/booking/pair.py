"""A primary and its standby, with a link between them that can fall silent."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from tests.identity.relay import Relay
from tests.patience import PATIENCE
from tests.postgres import TEMPLATE, TestServer, running_server
from tests.replica import NAME, PORT, Standby, a_standby, children_of

DATABASE = "failover"
FIRST_PORT = 5432
STANDBYS = f"ANY 1 ({NAME})"


class Pair:
    """`old` is the first primary, `new` follows it until it is promoted."""

    def __init__(self, server: TestServer, new: Standby, link: Relay) -> None:
        self.old, self.new, self.link = server.server, new, link
        self._launch = self.old._launch

    @property
    def url(self) -> str:
        """Of both, the first primary first."""
        one = self.old.url_for(DATABASE)
        folder = one.partition("host=")[2].partition("&")[0]
        both = one.replace(f"host={folder}", f"host={folder},{folder}")
        return both.replace(f"port={FIRST_PORT}", f"port={FIRST_PORT},{PORT}")

    async def on_old(self, statement: str, *, seconds: float | None = None) -> Any:
        """Raises `TimeoutError` where it takes longer."""
        connection = await asyncpg.connect(self.old.url_for(DATABASE))
        try:
            return await connection.fetchval(statement, timeout=seconds)
        finally:
            connection.terminate()

    async def wait_for_standby(self) -> None:
        """From now on each commit waits until the standby has it."""
        await self.on_old(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBYS}'")
        await self.on_old("SELECT pg_reload_conf()")
        async with asyncio.timeout(PATIENCE):
            while await self.on_old("SELECT sync_state FROM pg_stat_replication") != "quorum":  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def kill_old(self) -> None:
        """Kill all of its processes, and let nobody start it again."""
        self.old._launch = lambda: None  # type: ignore[method-assign]
        pid = self.old.server_pid
        for one in [pid, *children_of(pid)]:
            os.kill(one, signal.SIGKILL)

    async def promote(self) -> None:
        """Returns once the standby takes writes."""
        assert await self.new.execute("SELECT pg_promote(wait => true)") is True

    async def start_old(self) -> None:
        """As an operator must not: it is told nothing of what has happened."""
        self.old._launch = self._launch  # type: ignore[method-assign]
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self.on_old("SELECT 1", seconds=PATIENCE)
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.05)

    async def rewind_old(self) -> Standby:
        """Make the first primary a standby of the new one, and start it."""
        await asyncio.to_thread(self.old.stop)
        access = self.new.files / "pg_hba.conf"
        access.write_text("local all all trust\n" + access.read_text())
        await self.new.execute("SELECT pg_reload_conf()")
        await self.new.execute("CHECKPOINT")
        cluster: Any = self.old._cluster
        source = f"host={cluster.sockets} port={PORT} user=postgres"
        command = ["pg_rewind", f"--target-pgdata={cluster._files}"]
        rewinding = cluster._start(
            [*command, f"--source-server={source} dbname=postgres"], signal.SIGINT, cluster._user
        )
        assert await asyncio.to_thread(rewinding.wait) == 0, cluster.log.read_text()[-2000:]
        again = Standby(self.old, cluster._files, port=FIRST_PORT)
        again.follow(f"{source} application_name={NAME}")
        await again.start({})
        return again


@asynccontextmanager
async def a_pair(folder: Path) -> AsyncIterator[Pair]:
    """Both run, and the standby follows by the link; nobody waits for it yet."""
    # Without it the first primary could not find the place at which the two histories part.
    with running_server(durable=True, wal_keep_size="256MB") as server:
        await server.prepare()
        await server.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE}")
        url = make_url("postgresql+asyncpg:///x").update_query_dict(
            {"host": str(server.server.sockets)}
        )
        link = Relay(url, folder)
        try:
            async with a_standby(server.server, by_port=await link.open_port()) as new:
                yield Pair(server, new, link)
        finally:
            await link.cut()
