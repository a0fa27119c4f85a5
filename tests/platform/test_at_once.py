"""One statement that is a transaction by itself: alone, in a whole, and with its answer lost."""

import pytest

from booking_system.platform.postgres.faults import OutcomeUnknown
from booking_system.platform.postgres.transaction import Database

COUNT = "UPDATE feed_consumers SET tries = tries + 1 RETURNING tries"
TRIES = "SELECT max(tries) FROM feed_consumers"


async def tries(database: Database) -> int:
    async with database.reading() as connection:
        found: int = await connection.fetchval(TRIES)
    return found


async def test_it_is_stored_when_it_is_answered(database: Database) -> None:
    before = await tries(database)
    async with database.at_once() as connection:
        await connection.fetchval(COUNT)
        assert await tries(database) == before + 1, "nothing more is needed"


async def test_in_a_whole_it_is_a_part_of_that(database: Database) -> None:
    before = await tries(database)
    with pytest.raises(LookupError):
        async with database.whole():
            async with database.at_once() as connection:
                await connection.fetchval(COUNT)
            raise LookupError
    assert await tries(database) == before


async def test_where_its_answer_is_lost_nobody_knows(database: Database) -> None:
    with pytest.raises(OutcomeUnknown):
        async with database.at_once() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
