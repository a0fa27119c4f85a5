"""A request has so many seconds; then it is answered, truthfully, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from starlette.types import Receive

from booking_system.platform.http import entrance as module
from booking_system.platform.postgres.transaction import Database
from tests.patience import PATIENCE, soon, turns
from tests.platform.doors import ALWAYS, House, arriving

SECONDS = 0.15
SOON = 60.0
"""Long after the deadline, on any machine."""
TICK = 0.001
"""The loop's clock goes by whole milliseconds."""
LOCK = 7
INSERT = """INSERT INTO outbox (id, name, payload, occurred_at)
 VALUES (gen_random_uuid(), 'x', '{}', now())"""
SLOW_COMMIT = (
    f"""CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql
     AS $$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$""",
    """CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
     FOR EACH ROW EXECUTE FUNCTION dawdle()""",
)
OPENERS = ["transaction", "driver_transaction", "whole"]
BUSY = """SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""

Opened = Callable[[], AbstractAsyncContextManager[Any]]


def opener_of(database: Database, name: str) -> Opened:
    """What opens a transaction and hands out its connection."""

    @asynccontextmanager
    async def whole() -> AsyncIterator[Any]:
        async with database.whole() as one:
            yield await one.connection()

    return whole if name == "whole" else getattr(database, name)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", SECONDS)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)


@pytest.fixture
async def looks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Grows whenever the entrance looks whose time is over."""
    made: list[None] = []
    look = module.Entrance._look

    def counted(self: module.Entrance) -> None:
        made.append(None)
        look(self)

    monkeypatch.setattr(module.Entrance, "_look", counted)
    return made


@pytest.fixture
async def slow_commits(own_database: Database, own_database_url: str) -> AsyncIterator[None]:
    """No commit of an insert ends before the test does."""
    async with own_database.driver_transaction() as connection:
        for statement in SLOW_COMMIT:
            await connection.execute(statement)
    holder = await asyncpg.connect(own_database_url)
    await holder.execute("SELECT pg_advisory_lock($1)", LOCK)
    yield
    await holder.close()


def end_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on every request has taken too long, however fast the machine was."""
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.0)


async def run(connection: Any, statement: str) -> None:
    await getattr(connection, "exec_driver_sql", connection.execute)(statement)


async def too_long(_: Receive) -> None:
    await asyncio.sleep(2 * SOON)


@pytest.mark.parametrize("path", ["/", ALWAYS])
async def test_a_request_that_takes_too_long_is_answered(path: str) -> None:
    house = House(too_long)
    began = asyncio.get_running_loop().time()
    # In this very task: a wait with a limit of its own would cancel it as well.
    told = await house.ask(path=path)
    assert SECONDS - TICK <= asyncio.get_running_loop().time() - began < SOON
    assert (told.status, told.code, told.headers["retry-after"]) == (503, "overloaded", "1")
    assert house.is_empty
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    # A cancellation that was left behind would end this.
    async with asyncio.timeout(SOON):
        await asyncio.sleep(0)


async def test_what_is_in_time_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, looks: list[None]
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", PATIENCE)

    async def in_time(_: Receive) -> None:
        await soon(lambda: len(looks) > 2)

    house = House(in_time, places=50)
    answers = await asyncio.gather(*house.asked(50))
    assert {told.status for told in answers} == {200}


async def test_a_request_whose_way_out_hangs_is_cut_again() -> None:
    async def hangs(_: Receive) -> None:
        try:
            await asyncio.sleep(SOON)
        finally:
            await asyncio.sleep(SOON)

    began = asyncio.get_running_loop().time()
    assert (await House(hangs).ask()).code == "overloaded"
    assert asyncio.get_running_loop().time() - began < SOON


async def test_the_time_begins_when_the_body_is_here(
    monkeypatch: pytest.MonkeyPatch, looks: list[None]
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", PATIENCE)

    async def looked_at_thrice() -> None:
        enough = len(looks) + 3
        await soon(lambda: len(looks) >= enough)

    async def reads(receive: Receive) -> None:
        while (await receive()).get("more_body"):
            pass

        await looked_at_thrice()

    arrived = asyncio.Event()
    house = House(reads)
    (slow,) = house.asked(1, lambda: house.ask(receive=arriving(b"a", b"b", after=arrived)))
    await turns()
    (ticket,) = house.entrance._tickets
    # As if the client had been at it for so long.
    ticket.since -= 10 * PATIENCE
    await looked_at_thrice()
    assert not slow.done()
    arrived.set()
    assert (await slow).status == 200


async def test_it_ends_also_where_the_body_came_late() -> None:
    async def reads(receive: Receive) -> None:
        await receive()
        await asyncio.sleep(2 * SOON)

    arrived = asyncio.Event()
    house = House(reads)
    (slow,) = house.asked(1, lambda: house.ask(receive=arriving(b"a", after=arrived)))
    await turns()
    arrived.set()
    assert (await asyncio.wait_for(slow, SOON)).code == "overloaded"
    assert house.is_empty


@pytest.mark.usefixtures("slow_commits")
@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize(
    ("method", "code"), [("POST", "outcome_unknown"), ("GET", "overloaded")], ids=str
)
async def test_nobody_claims_that_a_commit_that_was_cut_did_nothing(
    own_database: Database, opener: str, method: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", PATIENCE)
    opened = opener_of(own_database, opener)

    async def store(_: Receive) -> None:
        async with opened() as connection:
            await run(connection, INSERT)
            end_the_time(monkeypatch)

    told = await asyncio.wait_for(House(store).ask(method=method), SOON)
    assert (told.status, told.code) == (503, code)
    assert own_database.leases.in_use == 0


@pytest.mark.parametrize("opener", OPENERS)
async def test_nor_that_nothing_was_done_after_a_commit(
    database: Database, opener: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", PATIENCE)
    opened = opener_of(database, opener)

    async def store_and_dawdle(_: Receive) -> None:
        async with opened() as connection:
            await run(connection, INSERT)
        end_the_time(monkeypatch)
        await asyncio.sleep(2 * SOON)

    told = await asyncio.wait_for(House(store_and_dawdle).ask(), SOON)
    assert (told.status, told.code) == (503, "outcome_unknown")


async def test_two_hundred_that_were_cut_leave_a_clean_pool(database: Database) -> None:
    openers: list[Opened] = [database.transaction, database.driver_transaction, database.reading]
    count = 0

    async def sleep_in_the_database(_: Receive) -> None:
        nonlocal count
        count += 1
        async with openers[count % len(openers)]() as connection:
            await run(connection, "SELECT pg_sleep(20)")

    house = House(sleep_in_the_database, places=database.leases.size)
    told = []
    for _ in range(20):
        told += await asyncio.wait_for(asyncio.gather(*house.asked(10)), PATIENCE)
    assert count == 200
    assert {one.code for one in told} == {"overloaded"}
    assert house.is_empty
    assert database.leases.in_use == 0
    async with asyncio.timeout(PATIENCE), database.reading() as connection:
        while await connection.fetchval(BUSY):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    # Every place of the pool can be had again, and works.
    leases = [await database.leases.take() for _ in range(database.leases.size)]
    assert [await lease.driver.fetchval("SELECT 1") for lease in leases] == [1] * len(leases)
    for lease in leases:
        await database.leases.give(lease)
