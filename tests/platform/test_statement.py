"""Statements that are made once and called with named values."""

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import (
    Integer,
    Interval,
    Text,
    bindparam,
    column,
    func,
    literal,
    select,
    text,
    values,
)

from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.platform.postgres.phrases import given
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database

NUMBERS = values(column("n", Integer), column("word", Text), name="numbers").data(
    [(1, "one"), (2, "two"), (3, "three")]
)


class Wanted(NamedTuple):
    """Out of the order in which the text has them."""

    word: str
    most: int


class Short(NamedTuple):
    most: int


class Long(NamedTuple):
    word: str
    most: int
    least: int


BY_NAME = (
    select(NUMBERS.c.n, NUMBERS.c.word)
    .where(NUMBERS.c.n <= bindparam("most"), NUMBERS.c.word != bindparam("word"))
    .where(NUMBERS.c.n + 1 <= bindparam("most") + 1)
)


async def _ask(database: Database, statement: Statement[Any], *given: Any, **named: Any) -> Any:
    async with database.driver_transaction() as connection:
        rows = await statement.fetch(connection, *given, **named)
        return [tuple(row) for row in rows]


async def test_values_go_where_their_names_are(database: Database) -> None:
    typed, loose = Statement(BY_NAME, Wanted), Statement(BY_NAME)
    assert await _ask(database, typed, Wanted(word="one", most=2)) == [(2, "two")]
    assert await _ask(database, loose, most=2, word="one") == [(2, "two")]
    assert typed.names == ("word", "most")


def test_what_is_known_stands_in_the_text() -> None:
    statement = Statement(select(literal("it's"), literal(3), bindparam("x", type_=Interval)))
    assert statement.names == ("x",)
    assert "'it''s'" in statement.text
    assert "$1::INTERVAL" in statement.text
    assert "$2" not in statement.text


async def test_a_text_is_a_statement_too(database: Database) -> None:
    statement = Statement(text("SELECT CAST(:least AS int) + 1, CAST(:least AS int)"))
    async with database.driver_transaction() as connection:
        row = await statement.fetchrow(connection, least=4)
        assert row is not None
        assert tuple(row) == (5, 4)
        assert await statement.fetchval(connection, least=1) == 2
        assert await statement.execute(connection, least=1) == "SELECT 1"


@pytest.mark.parametrize(("takes", "odd"), [(Short, "word"), (Long, "least")])
def test_names_that_differ_stop_the_import(takes: type[Any], odd: str) -> None:
    with pytest.raises(TypeError, match=odd):
        Statement(BY_NAME, takes)


@pytest.mark.parametrize("named", [{"most": 1}, {"most": 1, "word": "", "least": 0}, {}])
async def test_a_call_gives_each_value(database: Database, named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="in common"):
        await _ask(database, Statement(BY_NAME), **named)


async def test_a_statement_says_how_long_it_may_take(database: Database) -> None:
    nap = select(func.pg_sleep(bindparam("nap", type_=Integer)))
    with pytest.raises(DependencyUnavailable):
        async with database.driver_transaction() as connection:
            await Statement(nap, seconds=0.05).fetchval(connection, nap=30)


def test_an_interval_that_is_known_can_be_read() -> None:
    assert Statement(select(literal(timedelta(days=1)))).text


class Pair(NamedTuple):
    word: str
    most: int


class Grouped(NamedTuple):
    pair: Pair
    least: int


async def test_a_group_of_values_stands_for_its_fields(database: Database) -> None:
    at_least = BY_NAME.where(NUMBERS.c.n >= bindparam("least"))
    statement = Statement(at_least, Grouped)
    assert statement.names == ("word", "most", "least")
    assert await _ask(database, statement, Grouped(Pair("three", 3), 2)) == [(2, "two")]
    with pytest.raises(TypeError, match="least"):
        Statement(BY_NAME, Grouped)


def test_a_place_has_the_name_and_the_type_of_its_column() -> None:
    statement = Statement(select(given(NUMBERS.c.word), given(NUMBERS.c.n, "other")))
    assert statement.names == ("word", "other")
    assert "$2::INTEGER" in statement.text
