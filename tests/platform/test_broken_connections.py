"""No broken connection is handed out again, and no error runs in circles."""

import asyncio
from pathlib import Path

import pytest

from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.identity.relay import Relay


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
