"""Relays and PostgreSQL are killed under sixteen writers: each event is in the feed, once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from booking_system.platform.postgres.feed import READ, Relay
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.platform.uuid7 import uuid7
from tests.budget import MADE
from tests.platform.test_feed import RECORD, connected
from tests.postgres import TestServer, running_server

SLOW_SECONDS = 0.05
BROKEN = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@dataclass(slots=True)
class Kills:
    """Who was killed how often, what was acknowledged when, and what nobody knows of."""

    url: str
    until: float
    began: dict[UUID, float] = field(default_factory=dict)
    ended: dict[UUID, float] = field(default_factory=dict)
    unknown: set[UUID] = field(default_factory=set)
    seen: list[tuple[int, UUID]] = field(default_factory=list)
    relays: int = 0
    servers: int = 0

    async def write(self, chance: random.Random) -> None:
        while time.monotonic() < self.until:
            with suppress(*BROKEN):
                async with connected(self.url) as connection:
                    while time.monotonic() < self.until:
                        await self._write_one(connection, chance)

    async def _write_one(self, connection: asyncpg.Connection, chance: random.Random) -> None:
        event_id, began = uuid7(), time.monotonic()
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(RECORD, event_id, "told", "{}")
        if chance.random() < 0.1:
            await asyncio.sleep(chance.uniform(0.0, SLOW_SECONDS))
        if chance.random() < 0.05:
            await transaction.rollback()
            return
        self.began[event_id] = began
        self.unknown.add(event_id)
        await transaction.commit()
        self.unknown.remove(event_id)
        self.ended[event_id] = time.monotonic()
        await asyncio.sleep(chance.uniform(0.0, 0.005))

    async def read(self) -> None:
        while time.monotonic() < self.until:
            with suppress(*BROKEN):
                async with connected(self.url) as connection:
                    while time.monotonic() < self.until:
                        await self.read_on(connection)
                        await asyncio.sleep(0.003)

    async def read_on(self, connection: asyncpg.Connection) -> int:
        after = self.seen[-1][0] if self.seen else 0
        rows = await READ.fetch(connection, after=after, most=500)
        found = [(row["seq"], row["id"]) for row in rows if row["seq"] is not None]
        self.seen += found
        return len(found)

    async def kill_relays(self, process: asyncio.subprocess.Process, chance: random.Random) -> None:
        alive = [await _more(process) for _ in range(2)]
        try:
            while time.monotonic() < self.until:
                await asyncio.sleep(chance.uniform(0.0, 0.4))
                victim = alive.pop(0)
                if chance.random() < 0.15:
                    os.kill(victim, signal.SIGSTOP)
                    await asyncio.sleep(chance.uniform(0.0, 3.0))
                os.kill(victim, signal.SIGKILL)
                self.relays += 1
                alive.append(await _more(process))
        finally:
            for pid in alive:
                os.kill(pid, signal.SIGKILL)

    async def kill_servers(self, server: TestServer, every: float) -> None:
        while time.monotonic() + every < self.until:
            await asyncio.sleep(every)
            await asyncio.to_thread(server.server.kill)
            self.servers += 1

    def inversions(self) -> int:
        """How often an event stands behind one that began after it was acknowledged."""
        latest, wrong = float("-inf"), 0
        for _, one in self.seen:
            wrong += self.ended.get(one, float("inf")) < latest
            latest = max(latest, self.began[one])
        return wrong


async def _more(process: asyncio.subprocess.Process) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    return int(await process.stdout.readline())


@asynccontextmanager
async def relays(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    MADE["Python programs"] += 1
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.platform.relays", url,
        cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@pytest.mark.proof
async def test_no_event_is_lost_when_relays_and_the_database_are_killed() -> None:
    chance = random.Random(11)
    with running_server(durable=True) as server:
        await server.prepare()
        async with server.database() as url, relays(url) as process:
            kills = Kills(url, time.monotonic() + 90)
            async with asyncio.TaskGroup() as group:
                for number in range(16):
                    group.create_task(kills.write(random.Random(number)))
                group.create_task(kills.read())
                group.create_task(kills.kill_relays(process, chance))
                group.create_task(kills.kill_servers(server, 15.0))
            database = Database.at(sqlalchemy_url(url), pool_size=1)
            await Relay(database=database).once()
            await database.close()
            async with connected(url) as connection:
                while await kills.read_on(connection):
                    pass
    order = [event_id for _, event_id in kills.seen]
    sys.stdout.write(
        f"{len(kills.ended)} events acknowledged, {len(kills.unknown)} unknown, {len(order)} in the"
        f" feed; {kills.relays} relays and {kills.servers} servers killed\n"
    )
    assert kills.relays > 100
    assert kills.servers == 5
    assert [seq for seq, _ in kills.seen] == list(range(1, len(order) + 1))
    assert len(order) == len(set(order))
    assert kills.ended.keys() <= set(order)
    assert set(order) <= kills.ended.keys() | kills.unknown
    assert kills.inversions() == 0
