"""`booking-system worker` as an operator lives it."""

import asyncio
import json
import runpy
import signal
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from booking_system.bootstrap.serve import WORKER
from booking_system.platform.uuid7 import uuid7
from tests.bootstrap.processes import environment
from tests.forked import forked
from tests.patience import PATIENCE

RECORD = """INSERT INTO outbox (id, name, payload, occurred_at)
 VALUES ($1, 'told', '{}', now())"""
RELAYED = "SELECT count(*) FROM event_feed WHERE id = $1"


async def relayed(url: str) -> UUID:
    """Records an event, and returns its id once a worker has taken it over."""
    event_id = uuid7()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(RECORD, event_id)
        async with asyncio.timeout(PATIENCE):
            while not await connection.fetchval(RELAYED, event_id):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return event_id
    finally:
        await connection.close()


async def is_relayed(url: str, event_id: UUID) -> bool:
    """Whether a worker has taken it over."""
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval(RELAYED, event_id))
    finally:
        await connection.close()


async def test_workers_work_until_they_are_stopped(database_url: str, tmp_path: Path) -> None:
    env = environment(data_dir=tmp_path, database_url=database_url, log_format="json")
    with (
        forked("worker", env=env, cwd=tmp_path) as one,
        forked("worker", env=env, cwd=tmp_path) as other,
    ):
        await relayed(database_url)
        one.kill()
        assert await asyncio.to_thread(one.wait, PATIENCE) == -signal.SIGKILL
        await relayed(database_url)
        other.terminate()
        assert await asyncio.to_thread(other.wait, PATIENCE) == 0
        assert other.stdout is not None
        *lines, last = other.stdout.read().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["worker_started"]
    assert last == "Stopped."


@pytest.mark.usefixtures("clean_environment")
def test_the_program_of_a_worker_says_what_is_wrong_with_its_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the name by which it is started."""
    monkeypatch.setenv("BOOKING_PORT", "many")
    monkeypatch.delitem(sys.modules, WORKER, raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(WORKER, run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "BOOKING_PORT must be a number from 1 to 65535.\n"
