"""Searches find their index without statistics: behind many slots made at once there are none."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from booking_lab.bench.scale.explained import ExplainedDatabase
from booking_system.booking.adapters import (
    add_statements,
    attempt_statements,
    hold_statements,
    owed_statements,
)
from booking_system.booking.records import change_statements
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import SERVER_SETTINGS, Database
from booking_system.scheduling.adapters.overview import PostgresOverview
from booking_system.scheduling.adapters.slot_search import PostgresSlotFinder
from booking_system.scheduling.application.overview_slots import ShowCalendar
from booking_system.scheduling.domain.overview import CalendarSearch, NextSearch
from booking_system.scheduling.domain.search import SlotSearch, search_range
from tests.api import Api, running_api
from tests.postgres import TestServer

DOCTORS, DAYS, A_DAY = 10, 40, 32
SLOTS = DOCTORS * DAYS * A_DAY
A_PAGE = 70
"""Pages for one of 50 slots, and for those of five doctors: some 20 of an index and its rows."""


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(scope="module")
async def uncounted(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of a database with thousands of slots that nobody has counted."""
    async with postgres.database() as url:
        connection = await asyncpg.connect(url)
        for row in await connection.fetch("SELECT relname FROM pg_stat_user_tables"):
            await connection.execute(
                f"ALTER TABLE {row['relname']} SET (autovacuum_enabled = false)"
            )
        async with running_api(url, tmp_path_factory.mktemp("plans")) as api:
            await fill(api)
        assert await connection.fetchval("SELECT count(*) FROM time_slots") == SLOTS
        counted = "SELECT reltuples FROM pg_class WHERE relname = 'time_slots'"
        assert await connection.fetchval(counted) == -1
        await connection.close()
        yield url


@pytest.fixture
async def connection(uncounted: str) -> AsyncIterator[asyncpg.Connection]:
    """As the API's own are."""
    connection = await asyncpg.connect(uncounted, server_settings=SERVER_SETTINGS)
    yield connection
    await connection.close()


async def fill(api: Api) -> None:
    """Two clinics, and weekly hours for their doctors."""
    clinics, now = [await api.clinic(), await api.clinic()], datetime.now(UTC)
    for number in range(DOCTORS):
        clinic = clinics[number % 2]
        doctor = await api.doctor(clinic, specialty=("Cardiology", "Dentistry")[number // 2 % 2])
        await api.service(clinic, doctor_ids=[doctor["id"]], duration_minutes=15)
        await api.made(
            f"/v1/doctors/{doctor['id']}/availability",
            {
                "weekdays": [1, 2, 3, 4, 5, 6, 7],
                "start_time": "09:00",
                "end_time": "17:00",
                "slot_minutes": 15,
                "valid_from": f"{now + timedelta(days=1):%Y-%m-%d}",
                "valid_until": f"{now + timedelta(days=DAYS):%Y-%m-%d}",
            },
        )


SEARCHES: dict[str, tuple[str, int]] = {
    "page doctor_id": ("ix_time_slots_doctor", A_PAGE),
    "page clinic_id": ("ix_time_slots_clinic", A_PAGE),
    "page clinic_id doctor_id": ("ix_time_slots_doctor", A_PAGE),
    "page clinic_id specialty": ("ix_time_slots_doctor", 3 * A_PAGE),
    "page service_id": ("ix_time_slots_doctor", A_PAGE),
    "next clinic_id": ("ix_time_slots_doctor", A_PAGE),
    "next clinic_id specialty": ("ix_time_slots_doctor", A_PAGE),
    "next service_id": ("ix_time_slots_doctor", A_PAGE),
    "calendar doctor_id": ("ix_time_slots_doctor", 31 * A_DAY + 30),
    "calendar clinic_id": ("ix_time_slots_clinic", 31 * A_DAY * DOCTORS // 2 + 100),
}
"""Which index each has to go through, and how many pages it may touch."""


@pytest.mark.parametrize("search", SEARCHES)
async def test_a_search_reads_no_more_than_it_shows(
    connection: asyncpg.Connection, search: str
) -> None:
    kind, *named = search.split()
    row = await connection.fetchrow(
        "SELECT d.id AS doctor_id, d.clinic_id, o.service_id"
        " FROM doctors d JOIN service_doctors o ON o.doctor_id = d.id ORDER BY d.id LIMIT 1"
    )
    known = {**row, "specialty": "Cardiology"}
    asked = {name: known[name] for name in named}
    explained = ExplainedDatabase(connection)
    await ask(cast("Database", explained), kind, asked)
    index, most = SEARCHES[search]
    read = set[str]()
    for one in explained.explanations:
        told = "\n".join(one.plan)
        assert one.plan[0] == "general plan"
        assert "Seq Scan on time_slots" not in told, told
        assert one.buffers <= most, told
        read |= {
            found[1]
            for line in one.plan
            if "buffers=0" not in line and (found := re.search(r"(ix_time_slots\w*)", line))
        }
    # The other index of a doctor's slots has the mode in between, which costs a step or two.
    assert read
    assert all(name.startswith(index) for name in read), read


async def ask(database: Database, kind: str, asked: dict[str, UUID | str]) -> None:
    now, filters = datetime.now(UTC), cast("dict[str, Any]", asked)
    finder, overview = PostgresSlotFinder(database), PostgresOverview(database)
    if kind == "next":
        await overview.next(NextSearch(after=now, **filters), now=now)
    elif kind == "calendar":
        show = ShowCalendar(overview=overview, finder=finder, clock=Now())
        await show(search=CalendarSearch(**filters))
    else:
        wanted = SlotSearch(period=search_range(None, None, now=now), **filters)
        await finder.digest(wanted, now=now)
        await finder.find(wanted, now=now)


WRITING = {
    "attempt": attempt_statements.ATTEMPT,
    "attempt, for oneself": attempt_statements.ATTEMPT_OWN,
    "attempt, told of here": attempt_statements.ATTEMPT_TOLD,
    "add": add_statements.ADD,
    "add, plain": add_statements.ADD_PLAIN,
    "add, with a service": add_statements.ADD_SERVICE,
    "add, to be paid": owed_statements.adding_owed(add_statements.ANYTHING, with_service=True),
    "add, to be paid first": owed_statements.adding_to_wait(
        add_statements.ANYTHING, with_service=True
    ),
    "hold": hold_statements.PLACE,
    "move": change_statements.MOVE,
    "cancel": change_statements.CANCEL,
}


@pytest.mark.parametrize("name", WRITING)
async def test_what_books_reads_no_table_as_a_whole(
    connection: asyncpg.Connection, name: str
) -> None:
    statement: Statement[Any] = WRITING[name]
    unknown = ", ".join(["NULL"] * len(statement.names))
    await connection.execute(f"PREPARE looked_at AS {statement.text}")
    lines = await connection.fetch(f"EXPLAIN EXECUTE looked_at({unknown})")
    await connection.execute("DEALLOCATE looked_at")
    told = "\n".join(line[0] for line in lines)
    assert "Seq Scan on time_slots" not in told, told
    assert "Seq Scan on appointments" not in told, told


OF_FEW = re.compile(r"\b(id|patient_id|time_slot_id|appointment_id|key) = |_time && ")
"""What few rows of a table have in common, however large it grows: an id, or a time of a doctor."""
GROWING = ("appointments", "clinic_patients", "idempotency_keys", "patients", "time_slots")


@pytest.mark.parametrize("name", WRITING)
async def test_what_books_looks_by_ids_also_where_nobody_has_looked_at_a_table(
    untouched: asyncpg.Connection, name: str
) -> None:
    """On empty tables all indexes seem alike, and the plan is kept until there are statistics."""
    statement: Statement[Any] = WRITING[name]
    for setting, value in SERVER_SETTINGS.items():
        await untouched.execute("SELECT set_config($1, $2, false)", setting, value)
    unknown = ", ".join(["NULL"] * len(statement.names))
    await untouched.execute(f"PREPARE looked_at AS {statement.text}")
    told = await untouched.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE looked_at({unknown})")
    await untouched.execute("DEALLOCATE looked_at")
    if name.startswith("attempt"):
        # A look into the index of a constraint costs several times as much as in that of a list.
        assert "never_twice" not in told
    wrong = [
        (node["Relation Name"], node["Node Type"], conditions_of(node))
        for node in nodes_of(json.loads(told)[0]["Plan"])
        if node.get("Relation Name") in GROWING and not OF_FEW.search(conditions_of(node))
    ]
    assert wrong == []


def nodes_of(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from nodes_of(below)


def conditions_of(node: dict[str, Any]) -> str:
    """Those by which it looks into an index; a node that writes looks for nothing."""
    if node["Node Type"] == "ModifyTable":
        return "id = "
    is_bitmap = node["Node Type"] == "Bitmap Heap Scan"
    looks = nodes_of(node) if is_bitmap else [node]
    return " ".join(str(one.get("Index Cond", "")) for one in looks)
