"""Columns that a function writes hold what follows from the row, and not what a statement says."""

import json
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from booking_system.booking.records.tables import TIMES as NOW
from booking_system.booking.records.tables import appointments
from booking_system.platform.postgres.derived_columns import making
from tests.platform.test_row_checks import KINDS, LIES
from tests.postgres import TestServer

CLAIMED = """CASE WHEN status = 'cancelled' THEN tstzmultirange()
 ELSE tstzmultirange(tstzrange({0}, greatest({0}, least({1}, released_at))))
  - coalesce({2}, tstzmultirange()) END"""
BEFORE = {
    "doctor_time": CLAIMED.format("blocked_from", "blocked_until", "doctor_shared"),
    "patient_time": CLAIMED.format("starts_at", "ends_at", "patient_shared"),
}
"""As PostgreSQL generated them."""
ROWS = 500
HALVES = [
    (datetime(2027, 3, 1, 8, tzinfo=UTC) + timedelta(minutes=30 * half)).isoformat()
    for half in range(8)
]
SHARED = [None, "{}", f"{{[{HALVES[2]},{HALVES[4]})}}"]
ALWAYS = "{(,)}"
VALUES: dict[str, list[Any]] = {
    "status": ["confirmed", "cancelled", "no_show", "pending_payment", None],
    "blocked_from": HALVES[:4],
    "starts_at": HALVES[:4],
    "ends_at": HALVES[2:],
    "blocked_until": HALVES[2:],
    "released_at": [None, *HALVES],
    "doctor_shared": SHARED,
    "patient_shared": SHARED,
    "doctor_time": [None, ALWAYS],
    "patient_time": [None, ALWAYS],
}
FILL = """INSERT INTO copy SELECT (jsonb_populate_record(NULL::public.appointments, row)).*
 FROM jsonb_array_elements($1::jsonb) row"""
CHANGE = """UPDATE copy SET {0} = (jsonb_populate_record(NULL::public.appointments, row)).{0}
 FROM jsonb_array_elements($1::jsonb) row WHERE (row ->> 'version')::integer = copy.version"""
WRONG = f"""SELECT count(*) FROM copy WHERE doctor_time IS DISTINCT FROM {BEFORE["doctor_time"]}
 OR patient_time IS DISTINCT FROM {BEFORE["patient_time"]}"""

MORE_LIES = """CREATE FUNCTION evil.tstzrange(timestamptz, timestamptz) RETURNS tstzrange
  LANGUAGE sql AS $$SELECT 'empty'::tstzrange$$;
 CREATE FUNCTION evil.tstzmultirange() RETURNS tstzmultirange
  LANGUAGE sql AS $$SELECT '{(,)}'::tstzmultirange$$;
 CREATE FUNCTION evil.tstzmultirange(tstzrange) RETURNS tstzmultirange
  LANGUAGE sql AS $$SELECT '{(,)}'::tstzmultirange$$;
 CREATE FUNCTION evil.says_all(tstzmultirange, tstzmultirange) RETURNS tstzmultirange
  LANGUAGE sql AS $$SELECT '{(,)}'::tstzmultirange$$;
 CREATE OPERATOR evil.- (LEFTARG = tstzmultirange, RIGHTARG = tstzmultirange,
  FUNCTION = evil.says_all)"""


class Copy:
    """Of the table, without any constraint."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection, self._chance = connection, random.Random(49)

    async def has(self, trigger: str) -> None:
        await self.connection.execute(
            "CREATE TEMPORARY TABLE copy AS SELECT * FROM appointments WITH NO DATA"
        )
        await self.connection.execute(trigger)

    async def gone(self) -> None:
        await self.connection.execute("DROP TABLE copy")

    def rows(self) -> str:
        return json.dumps(list(self._rows()))

    def _rows(self) -> Iterator[dict[str, Any]]:
        for version in range(ROWS):
            row = {name: self._chance.choice(some) for name, some in VALUES.items()}
            yield row | {"version": version}

    async def wrong(self) -> int:
        count: int = await self.connection.fetchval(WRONG)
        return count

    async def filled(self) -> int:
        """How many rows are wrong then."""
        await self.connection.execute(FILL, self.rows())
        return await self.wrong()

    async def changed(self, column: str) -> int:
        await self.connection.execute(CHANGE.format(column), self.rows())
        return await self.wrong()


@pytest.fixture(scope="module")
async def url_for_all(postgres: TestServer) -> AsyncIterator[str]:
    """The database of these tests, each of which undoes what it made."""
    async with postgres.database() as url:
        yield url


@pytest.fixture
async def copy(url_for_all: str) -> AsyncIterator[Copy]:
    connection = await asyncpg.connect(url_for_all)
    try:
        await connection.execute("BEGIN")
        yield Copy(connection)
    finally:
        await connection.close()


async def installed(copy: Copy) -> str:
    """The trigger of the table, for the copy."""
    definition = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = $1"
    found: str = await copy.connection.fetchval(definition, "derive_appointments")
    return found.replace(" ON public.appointments ", " ON copy ")


async def test_each_row_holds_what_was_generated_before(copy: Copy) -> None:
    await copy.has(await installed(copy))
    assert await copy.filled() == 0
    assert await copy.connection.fetchval("SELECT count(DISTINCT doctor_time) FROM copy") > 20
    for column in VALUES:
        assert await copy.changed(column) == 0, column


async def test_each_part_that_is_left_out_is_missed(copy: Copy) -> None:
    _, trigger = making("copy", NOW, appointments.columns.keys())
    trigger = trigger.replace("derive_copy()", "derive_appointments()")
    await copy.has(trigger)
    assert await copy.filled() == 0
    for column in VALUES:
        await copy.gone()
        less = trigger.replace(f"{column}, ", "").replace(f", {column} ON", " ON")
        assert less != trigger
        await copy.has(less)
        assert await copy.filled() == 0
        assert await copy.changed(column) > 0, column
    await copy.gone()
    await copy.has(trigger.replace("INSERT OR ", ""))
    assert await copy.filled() > 0


async def test_functions_and_operators_of_another_schema_decide_nothing(copy: Copy) -> None:
    await copy.has(await installed(copy))
    await copy.connection.execute("CREATE SCHEMA evil")
    for kind in KINDS:
        await copy.connection.execute(LIES.format(kind=kind))
    await copy.connection.execute(MORE_LIES)
    await copy.connection.execute("SET LOCAL search_path = evil, pg_catalog, pg_temp, public")
    await copy.connection.execute(FILL, copy.rows())
    await copy.connection.execute("SET LOCAL search_path = public")
    assert await copy.wrong() == 0
