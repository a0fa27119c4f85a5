"""Old rows are removed beside the requests: in batches, by one process, whatever fails."""

import asyncio
import io
from datetime import timedelta

import pytest

from booking_system.bootstrap.container import build
from booking_system.bootstrap.worker_program import working
from booking_system.platform.postgres import tidying as module
from booking_system.platform.postgres.idempotency import OLD_KEYS
from booking_system.platform.postgres.tidying import LOCK, Chore, Tidying
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.idempotency import KEPT_FOR
from tests.api import NOTHING, Api
from tests.patience import PATIENCE
from tests.platform.logged import lines_of

STORE = """INSERT INTO idempotency_keys (owner, operation, key, fingerprint, created_at)
 SELECT 'somebody', 'create_booking', $1 || n, '', now() - $2::interval
 FROM generate_series(1, $3::int) n"""
LEFT = "SELECT array_agg(key ORDER BY key) FROM idempotency_keys"


async def store(database: Database, name: str, age: timedelta, count: int = 1) -> None:
    async with database.driver_transaction() as connection:
        await connection.execute(STORE, name, age, count)


async def left(database: Database) -> list[str]:
    async with database.reading() as connection:
        return await connection.fetchval(LEFT) or []


@pytest.fixture
def tidying(database: Database, monkeypatch: pytest.MonkeyPatch) -> Tidying:
    monkeypatch.setattr(module, "REST_SECONDS", 0.0)
    return Tidying(database=database, chores=[OLD_KEYS])


async def test_keys_go_when_they_have_been_kept_long_enough(
    database: Database, tidying: Tidying, stream: io.StringIO
) -> None:
    await store(database, "old", KEPT_FOR + timedelta(minutes=1))
    await store(database, "young", KEPT_FOR - timedelta(minutes=1))
    await tidying.once()
    await tidying.once()
    assert await left(database) == ["young1"]
    (line,) = lines_of(stream)
    assert (line["event"], line["chore"], line["rows"]) == ("tidied", "idempotency_keys", 1)


async def test_they_go_in_batches(
    database: Database,
    tidying: Tidying,
    monkeypatch: pytest.MonkeyPatch,
    stream: io.StringIO,
) -> None:
    monkeypatch.setattr(module, "REST_SECONDS", 0.0)
    monkeypatch.setattr(module, "BATCH_ROWS", 3)
    sizes: list[int] = []
    batch = Tidying._batch

    async def counted(self: Tidying, chore: Chore) -> int:
        sizes.append(await batch(self, chore))
        return sizes[-1]

    monkeypatch.setattr(Tidying, "_batch", counted)
    await store(database, "old", 2 * KEPT_FOR, count=8)
    await tidying.once()
    assert sizes == [3, 3, 2]
    assert await left(database) == []
    assert [line["rows"] for line in lines_of(stream)] == [8]


def test_every_chore_looks_for_its_batch_once() -> None:
    chores = build(NOTHING).tidying().chores
    assert len(chores) > 6
    assert [one.name for one in chores if "AS MATERIALIZED" not in one.statement] == []


async def test_while_one_process_tidies_the_others_do_not(
    database: Database, tidying: Tidying
) -> None:
    await store(database, "old", 2 * KEPT_FOR)
    async with database.driver_transaction() as elsewhere:
        await elsewhere.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await asyncio.wait_for(tidying.once(), PATIENCE / 2)
        assert await left(database) == ["old1"]
    await tidying.once()
    assert await left(database) == []


async def test_a_key_that_is_being_used_is_left_for_the_next_round(
    database: Database, tidying: Tidying
) -> None:
    await store(database, "old", 2 * KEPT_FOR, count=2)
    async with database.driver_transaction() as request:
        await request.execute("UPDATE idempotency_keys SET replays = 1 WHERE key = 'old1'")
        await asyncio.wait_for(tidying.once(), PATIENCE / 2)
        assert await left(database) == ["old1"]


async def test_a_chore_that_fails_stops_no_other(
    database: Database, tidying: Tidying, stream: io.StringIO
) -> None:
    await store(database, "old", 2 * KEPT_FOR)
    broken = Chore("broken", "DELETE FROM nothing_there WHERE $1 > 0")
    await Tidying(database=database, chores=[broken, OLD_KEYS]).once()
    assert await left(database) == []
    failed, done = lines_of(stream)
    assert (failed["event"], failed["chore"]) == ("tidying_failed", "broken")
    assert done["chore"] == "idempotency_keys"


async def test_it_goes_on_until_the_program_ends(
    database: Database, tidying: Tidying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    async with tidying.running(), asyncio.timeout(PATIENCE):
        for _ in range(2):
            await store(database, "old", 2 * KEPT_FOR)
            while await left(database):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    await store(database, "late", 2 * KEPT_FOR)
    await asyncio.sleep(0.1)
    assert await left(database) == ["late1"]


async def test_a_worker_tidies_up_while_it_runs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    database = api.container.database()
    await store(database, "old", 2 * KEPT_FOR)
    async with asyncio.timeout(PATIENCE), working(api.container):
        while await left(database):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
