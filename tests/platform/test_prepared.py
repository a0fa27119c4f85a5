"""Statements are read and planned once for each connection, however long they are."""

import pytest

from booking_system.platform.postgres.transaction import PREPARED, Database
from booking_system.scheduling.adapters import slot_statements as statements
from booking_system.scheduling.adapters.overview_statements import per_day, soonest
from booking_system.scheduling.adapters.wanted_slots import Filters
from booking_system.scheduling.records.needs import Needed

KNOWN = """SELECT generic_plans, custom_plans FROM pg_prepared_statements
 WHERE statement = $1"""


@pytest.mark.parametrize("length", [10, 30_000])
async def test_a_statement_is_prepared_once(database: Database, length: int) -> None:
    statement = f"SELECT $1::int /* {'x' * length} */"
    async with database.reading() as connection:
        for number in range(7):
            assert await connection.fetchval(statement, number) == number
        (known,) = await connection.fetch(KNOWN, statement)
    # Each time by the general plan: none was made for the numbers.
    assert tuple(known) == (7, 0)


async def test_it_is_kept_for_an_hour(database: Database) -> None:
    async with database.reading() as connection:
        assert connection._config.max_cached_statement_lifetime == 3600


def test_no_search_is_too_long_to_be_kept() -> None:
    longest = PREPARED["max_cacheable_statement_size"]
    nothing = Filters(*[False] * 8)._replace(needed=None)
    for needed, visits in ((None, True), (Needed.SERVICE, True), (Needed.AGREEMENT, True)):
        filters = nothing._replace(needed=needed, clinic=True, visits=visits)
        texts = [
            statements.finding(filters, goes_on=True, few=8).text,
            statements.mixing(filters, goes_on=True, few=8).text,
            statements.around(filters, "doctor_id", uncovered=True).text,
            soonest(filters, one_by_one=2).text,
            per_day(filters).text,
        ]
        assert max(map(len, texts)) <= longest
