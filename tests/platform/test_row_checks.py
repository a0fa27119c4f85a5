"""A table's conditions in one function judge each row as single constraints do."""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from runpy import run_path
from typing import Any

import asyncpg
import pytest

from booking_system.bootstrap.migrations import ROOT
from booking_system.platform.postgres.row_checks import Conditions, making
from tests.postgres import TestServer

MIGRATION = run_path(str(ROOT / "migrations" / "versions" / "0024_row_checks.py"))
BEFORE: Mapping[str, Conditions] = MIGRATION["BEFORE"]
NOW: Mapping[str, Conditions] = MIGRATION["NOW"]
ROWS = 3000
FINE = "fine"
A, B = "00000000-0000-7000-8000-00000000000a", "00000000-0000-7000-8000-00000000000b"
TIMES = [f"2027-03-01T{hour:02}:00:00Z" for hour in (8, 9, 10, 11)]
NO_TIME = "{}"
MODES = ["in_person", "online", "phone", "odd"]
BOTH = ["slot_already_booked", "patient_overlap"]
SIDES = ["clinic", "patient", "system", "odd"]

# What is usual comes first; each column may be NULL, too.
VALUES: Mapping[str, Mapping[str, list[Any]]] = {
    "appointments": {
        "status": ["confirmed", "checked_in", "completed", "no_show", "cancelled", "odd"],
        "previous_status": [None, "confirmed", "checked_in", "completed"],
        "payment_status": ["unpaid", "not_required", "odd"],
        "mode": MODES,
        "cancelled_by": [None, *SIDES],
        "revision": [1, 0, 2],
        "version": [1, 2],
        "price_amount": [4500],
        "price_currency": ["EUR"],
        "override_codes": [None, [], BOTH[:1], BOTH[1:], BOTH],
        "override_reason": [None, "known"],
        "overbooked": [False, True],
        "patient_doubled": [False, True],
        "doctor_shared": [None, NO_TIME],
        "patient_shared": [None, NO_TIME],
        "time_slot_id": [A, B],
        "time_slot_ids": [[A], [B, A], []],
        "blocked_from": [*TIMES[1:2], *TIMES],
        "starts_at": [*TIMES[1:2], *TIMES],
        "ends_at": [*TIMES[2:3], *TIMES],
        "blocked_until": [*TIMES[2:3], *TIMES],
    },
    "appointment_history": {
        "action": ["cancelled", "rescheduled", "checked_in", "undone", "odd"],
        "side": SIDES,
        "by_user_id": [None, A],
        "version": [2, 1, 0],
        "from_slot_id": [None, A],
        "from_starts_at": [None, TIMES[0]],
        "to_slot_id": [None, B],
        "to_starts_at": [None, TIMES[1]],
    },
    "time_slots": {
        "starts_at": [*TIMES[1:2], *TIMES, "2027-02-28T09:00:00Z"],
        "ends_at": [*TIMES[2:3], *TIMES, "2027-03-02T09:00:00Z", "2027-03-02T09:00:01Z"],
        "mode": MODES,
        "closed_because": [None, "by_hand", "time_off", "closure", "outside_availability", "odd"],
        "closed_by": [None, A],
        "outside_availability": [False, True],
        "deleted_at": [None, TIMES[0]],
        "appointment_id": [None, A],
        "hold_id": [None, B],
        "held_until": [None, TIMES[0]],
        "hold_minutes": [None, 10],
    },
}
STORIES: Mapping[str, list[dict[str, Any]]] = {
    "appointments": [
        {},
        {"status": "cancelled", "cancelled_by": "patient", "version": 2, "revision": 2},
        {"status": "completed", "previous_status": "checked_in", "version": 2},
        {"override_codes": BOTH, "override_reason": "known", "overbooked": True,
         "doctor_shared": NO_TIME},
    ],
    "appointment_history": [
        {},
        {"action": "rescheduled", "from_slot_id": A, "from_starts_at": TIMES[0], "to_slot_id": B,
         "to_starts_at": TIMES[1]},
        {"side": "system"},
    ],
    "time_slots": [
        {},
        {"appointment_id": A},
        {"hold_id": B, "held_until": TIMES[0], "hold_minutes": 10},
        {"closed_because": "outside_availability", "outside_availability": True},
        {"deleted_at": TIMES[0], "closed_because": "closure", "closed_by": A},
    ],
}  # fmt: skip
"""Rows that fulfil all conditions, by what differs from the usual one."""
TABLES = [pytest.param(table, id=table) for table in VALUES]
JUDGES = """CREATE FUNCTION pg_temp.judged(kind text, given jsonb) RETURNS text AS $$
DECLARE broken text;
BEGIN
 EXECUTE pg_catalog.format('INSERT INTO pg_temp.%1$I
  SELECT * FROM pg_catalog.jsonb_populate_record(NULL::pg_temp.%1$I, $1)', kind) USING given;
 RETURN 'fine';
EXCEPTION WHEN check_violation THEN
 GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
 RETURN broken;
END $$ LANGUAGE plpgsql"""
JUDGE = """SELECT pg_temp.judged($1, one) FROM pg_catalog.jsonb_array_elements($2::jsonb)
 WITH ORDINALITY rows (one, place) ORDER BY place"""
LIES = """CREATE FUNCTION evil.says_yes({kind}, {kind}) RETURNS boolean LANGUAGE sql
  AS 'SELECT true';
 CREATE OPERATOR evil.= (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.says_yes);
 CREATE OPERATOR evil.<> (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.says_yes);
 CREATE OPERATOR evil.<= (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.says_yes);
 CREATE OPERATOR evil.>= (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.says_yes);
 CREATE OPERATOR evil.< (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.says_yes);
 CREATE OPERATOR evil.> (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.says_yes);"""
KINDS = ("text", "uuid", "integer", "boolean", "timestamptz")


class Bench:
    """The rows of one table, and copies of it that say by which condition they refuse a row."""

    def __init__(self, connection: asyncpg.Connection, table: str) -> None:
        self._connection = connection
        self.table = table
        self.rows = list(some_rows(table))

    async def judged_by(self, *checks: str) -> list[str]:
        """What each row breaks in a copy of the table with these constraints and no other."""
        run = self._connection.execute
        await run(f"CREATE TEMPORARY TABLE copy AS SELECT * FROM {self.table} WITH NO DATA")
        for check in checks:
            await run(f"ALTER TABLE pg_temp.copy ADD {check}")
        judged = await self._connection.fetch(JUDGE, "copy", json.dumps(self.rows))
        await run("DROP TABLE pg_temp.copy")
        return [row[0] for row in judged]

    async def judged_one_by_one(self) -> list[str]:
        conditions = BEFORE[self.table].items()
        return await self.judged_by(
            *(f"CONSTRAINT ck_{self.table}_{name} CHECK ({said})" for name, said in conditions)
        )

    async def judged_as_installed(self) -> list[str]:
        return await self.judged_by(await self._installed())

    async def judged_by_these(self, conditions: Conditions) -> list[str]:
        """By a function of these conditions, in place of the installed one."""
        columns = await self._connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0",
            self.table,
        )
        await self._connection.execute(
            f"ALTER TABLE {self.table} DROP CONSTRAINT IF EXISTS ck_{self.table};"
            f" DROP FUNCTION ck_{self.table}"
        )
        for statement in making(self.table, conditions, [row[0] for row in columns]):
            await self._connection.execute(statement)
        return await self.judged_as_installed()

    async def _installed(self) -> str:
        """The constraint of the table, for a copy of it."""
        definition = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1"
        found = str(await self._connection.fetchval(definition, f"ck_{self.table}"))
        assert f"({self.table}.*)" in found
        return found.replace(f"({self.table}.*)", f"(ROW(copy.*)::public.{self.table})")


def some_rows(table: str) -> Iterator[dict[str, Any]]:
    """Up to three columns differ from a good row, so most rows break one condition or none."""
    chance, values = random.Random(24), VALUES[table]
    usual = {name: column[0] for name, column in values.items()}
    for _ in range(ROWS):
        row = usual | chance.choice(STORIES[table])
        for name in chance.sample(list(values), k=chance.randint(0, 3)):
            row[name] = chance.choice([*values[name], None])
        yield row


@pytest.fixture(scope="module")
async def url_for_all(postgres: TestServer) -> AsyncIterator[str]:
    """The database of these tests, each of which undoes what it made."""
    async with postgres.database() as url:
        yield url


@pytest.fixture
async def connection(url_for_all: str) -> AsyncIterator[asyncpg.Connection]:
    """In a transaction that is undone: a test may replace functions."""
    connection = await asyncpg.connect(url_for_all)
    try:
        await connection.execute("BEGIN")
        await connection.execute(JUDGES)
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("table", TABLES)
async def test_both_forms_judge_each_row_alike(connection: asyncpg.Connection, table: str) -> None:
    bench = Bench(connection, table)
    before, now = await bench.judged_one_by_one(), await bench.judged_as_installed()
    assert now == before
    seen = Counter(before)
    assert seen.keys() == {FINE, *(f"ck_{table}_{name}" for name in BEFORE[table])}
    assert min(seen.values()) > 2, seen


@pytest.mark.parametrize("table", TABLES)
async def test_each_condition_that_is_left_out_is_missed(
    connection: asyncpg.Connection, table: str
) -> None:
    bench = Bench(connection, table)
    before = await bench.judged_one_by_one()
    assert await bench.judged_by_these(NOW[table]) == before
    refused = list(zip(bench.rows, before, strict=True))
    for name in NOW[table]:
        broken = f"ck_{table}_{name}"
        bench.rows = [row for row, by in refused if by == broken]
        others = {other: said for other, said in NOW[table].items() if other != name}
        assert broken not in await bench.judged_by_these(others)


@pytest.mark.parametrize("table", TABLES)
async def test_operators_of_another_schema_decide_nothing(
    connection: asyncpg.Connection, table: str
) -> None:
    bench = Bench(connection, table)
    before = await bench.judged_as_installed()
    check = await bench._installed()
    await connection.execute("CREATE SCHEMA evil")
    for kind in KINDS:
        await connection.execute(LIES.format(kind=kind))
    await connection.execute("SET LOCAL search_path = evil, pg_catalog, public")
    assert await connection.fetchval("SELECT 'a'::text = 'b'::text") is True
    assert await bench.judged_by(check) == before


@pytest.mark.parametrize(
    "condition",
    ["mode IN ('a')", "mode NOT IN ('a')", "version BETWEEN 1 AND 2", "a IS DISTINCT FROM b"],
)
def test_a_word_that_hides_its_operator_is_no_condition(condition: str) -> None:
    with pytest.raises(ValueError, match="hides its operator"):
        making("a_table", {"odd": condition}, ["mode", "version"])


def test_what_stands_in_a_text_is_neither_operator_nor_column() -> None:
    function, grant, constraint = making("a_table", {"odd": "a <> 'b = a IN d'"}, ["a"])
    assert "(new_row.a OPERATOR(pg_catalog.<>) 'b = a IN d')" in function
    assert grant == "GRANT EXECUTE ON FUNCTION ck_a_table(a_table) TO PUBLIC"
    assert constraint == "ALTER TABLE a_table ADD CONSTRAINT ck_a_table CHECK (ck_a_table(a_table))"
