"""No broken connection is handed out again, and no error runs in circles."""

import asyncio
from pathlib import Path

import pytest

from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.identity.relay import Relay
from tests.patience import PATIENCE


async def test_an_error_that_speaks_for_itself_is_not_its_own_cause(database: Database) -> None:
    causes = []
    for opener in (database.transaction, database.driver_transaction, database.reading):
        with pytest.raises(ZeroDivisionError) as raised:
            async with opener():
                raise ZeroDivisionError
        causes.append(raised.value.__cause__)
        # A circle would keep pytest busy for ever, were it to show this error.
        raised.value.__cause__ = None
    assert causes == [None, None, None]


async def test_a_deadline_inside_two_transactions_ends_both(database: Database) -> None:
    with pytest.raises(DependencyUnavailable):
        async with database.transaction(), asyncio.timeout(0.1), database.transaction() as inner:
            await inner.exec_driver_sql("SELECT pg_sleep(1)")


async def test_connections_that_broke_in_the_pool_are_replaced(
    database_url: str, tmp_path: Path
) -> None:
    relay = Relay(sqlalchemy_url(database_url), tmp_path)
    database = Database.at(relay.url, pool_size=2)
    answers = []
    for opener in (database.reading, database.driver_transaction):
        async with relay.opened(), opener() as connection:
            answers.append(await connection.fetchval("SELECT 1"))
        async with relay.opened(), opener() as connection:
            answers.append(await connection.fetchval("SELECT 2"))
    await database.close()
    assert answers == [1, 2, 1, 2]


@pytest.mark.parametrize("opener", ["reading", "driver_transaction", "whole"])
async def test_a_server_that_falls_silent_is_not_asked_for_a_farewell(
    database_url: str, tmp_path: Path, opener: str
) -> None:
    """Its rollback would be waited for as long as any statement: here as tests are patient."""
    relay = Relay(sqlalchemy_url(database_url), tmp_path)
    database = Database.at(relay.url, pool_size=1)
    async with relay.opened():
        async with database.reading() as driver:
            await driver.fetchval("SELECT 1")
        with pytest.raises(DependencyUnavailable):
            async with asyncio.timeout(PATIENCE / 2):
                await _asks_in_vain(database, opener, relay)
        assert driver.is_closed()
        relay.is_silent = False
        async with database.reading() as another:
            assert await another.fetchval("SELECT 2") == 2
    await database.close()


async def _asks_in_vain(database: Database, opener: str, relay: Relay) -> None:
    if opener == "whole":
        async with database.whole():
            await _asks_in_vain(database, "driver_transaction", relay)
    async with getattr(database, opener)() as driver:
        relay.is_silent = True
        async with asyncio.timeout(0.05):
            await driver.fetchval("SELECT 1")
