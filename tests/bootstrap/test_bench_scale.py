"""Searches at size: what is compared, the verdict, and the comparison itself, short and long."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from booking_lab.bench import driver
from booking_lab.bench.figures import Cpu, Sample
from booking_lab.bench.plan import BenchProblem
from booking_lab.bench.scale import buffers, places, run
from booking_lab.bench.scale.buffers import Touched
from booking_lab.bench.scale.explained import (
    ExplainedDatabase,
    described,
    literal,
)
from booking_lab.bench.scale.places import _is_there
from booking_lab.bench.scale.plan import ScalePlan, Which
from booking_lab.bench.scale.report import Filled, ScaleReport
from booking_lab.bench.scale.searches import (
    CALENDAR,
    KINDS,
    NEXT,
    PATHS,
    SLOTS,
    Known,
    requests,
)
from booking_lab.scale.load import load_scale
from booking_lab.scale.size import Size
from booking_system.bootstrap.cli import app
from tests.api import Api
from tests.bootstrap.here import OneDatabase, few_clients, measured_here, sent_here
from tests.bootstrap.processes import environment
from tests.bootstrap.processes import running as started
from tests.postgres import TestServer

PROGRAM = ("-m", "booking_system.bootstrap.cli", "bench", "--scale")
LONG_SECONDS = 3600
SEARCHES = [kind.title for kind in KINDS]


def a_sample(p99_ms: float, others: int = 0) -> Sample:
    return Sample(
        answers=100,
        seconds=1.0,
        latencies=[p99_ms / 1000] * 100,
        cpu=Cpu(api=0.1, database=0.1, load=0.01),
        statuses={200: 100, 503: others} if others else {200: 100},
        others=others,
    )


def a_report(
    *, buffers: float = 150.0, p99: dict[str, list[float]] | None = None, others: int = 0
) -> ScaleReport:
    """A report in which the small database has 100 pages and 10 ms everywhere."""
    large = dict.fromkeys(PATHS, [15.0] * 3) | (p99 or {})
    few = {title: Touched(buffers=100.0, plans=(("general plan",),)) for title in SEARCHES}
    many = few | {SEARCHES[3]: Touched(buffers=buffers, plans=(("general plan",),))}
    return ScaleReport(
        machine={"cores": "2"},
        plan=ScalePlan.quick(),
        filled={which: Filled(slots=1, size_bytes=10**9, load_seconds=None) for which in Which},
        touched={Which.SMALL: few, Which.LARGE: many},
        samples={
            (path, which): [a_sample(ms, others) for ms in large[path]]
            if which is Which.LARGE
            else [a_sample(10.0) for _ in large[path]]
            for path in PATHS
            for which in Which
        },
    )


def test_every_bar_has_its_sentence_and_is_met() -> None:
    report = a_report()
    assert report.missed() == []
    told = "\n".join(report.lines())
    assert f"Buffers: the search {SEARCHES[3]} touches 1.50 times as many at size" in told
    for path in (SLOTS, NEXT):
        assert f"GET {path}: the 99th percentile at size is 1.50 times the other" in told
    assert told.count("the bar is 1.5 times: met.") == 3


def test_one_search_that_touches_too_much_misses_the_bar() -> None:
    (missed,) = a_report(buffers=151.0).missed()
    assert missed.startswith(f"Buffers: the search {SEARCHES[3]} touches 1.51 times")
    assert missed.endswith("the bar is 1.5 times: missed.")


@pytest.mark.parametrize("path", [SLOTS, NEXT])
def test_a_slow_path_misses_its_bar(path: str) -> None:
    (missed,) = a_report(p99={path: [16.0] * 3}).missed()
    assert missed.startswith(f"GET {path}: the 99th percentile at size is 1.60 times")


def test_the_calendar_has_no_bar_of_time_and_one_bad_turn_does_not_decide() -> None:
    assert a_report(p99={CALENDAR: [99.0] * 3, SLOTS: [10.0, 99.0, 10.0]}).missed() == []


def test_answers_that_nobody_hoped_for_are_told() -> None:
    missed = a_report(others=2).missed()
    assert f"GET {SLOTS}, large: 6 answers were not a 200." in missed
    assert len(missed) == len(PATHS)


def some_known(days: int = 30) -> Known:
    return Known(
        clinics=[uuid4() for _ in range(3)],
        doctors=[uuid4() for _ in range(9)],
        services=[uuid4() for _ in range(12)],
        now=datetime(2027, 3, 1, tzinfo=UTC),
        days=days,
        chance=random.Random(1),
    )


@pytest.mark.parametrize("path", [SLOTS, NEXT])
def test_no_search_is_asked_twice_so_none_is_answered_from_a_page_that_was_kept(path: str) -> None:
    asked = requests(some_known(), path, 2000)
    assert len(set(asked)) == 2000
    kinds = [kind for kind in KINDS if kind.path == path]
    firsts = [request.split(b"?")[1].split(b"=")[0] for request in asked[: len(kinds)]]
    assert firsts == [
        request.split(b"?")[1].split(b"=")[0] for request in asked[-len(kinds) :]
    ] or (2000 % len(kinds))


def test_searches_stay_inside_the_calendars() -> None:
    known = some_known(days=30)
    times = [known.some_time() for _ in range(500)]
    assert min(times) >= known.now
    assert all((one - known.now).days <= 30 - 7 for one in times)
    far = some_known(days=366)
    days = [(far.some_time() - far.now).days for _ in range(500)]
    assert 0.4 < sum(day <= 20 for day in days) / 500 < 0.65
    assert max(days) > 300


def test_each_kind_of_service_is_asked_for_as_often() -> None:
    known = some_known()
    places = [known.services.index(known.some_service()) // 3 for _ in range(8)]
    assert places == [0, 1, 2, 3] * 2


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "NULL"),
        (7, "'7'"),
        ("it's", "'it''s'"),
        (date(2027, 3, 1), "'2027-03-01'"),
        ([datetime(2027, 3, 1, tzinfo=UTC)], "'{2027-03-01T00:00:00+00:00}'"),
        (UUID(int=7), f"'{UUID(int=7)}'"),
    ],
)
def test_values_are_written_as_sql(value: object, written: str) -> None:
    assert literal(value) == written


async def test_a_statement_is_explained_with_the_plan_that_the_api_would_get(
    database_url: str,
) -> None:
    connection = await asyncpg.connect(database_url)
    database = ExplainedDatabase(connection)
    try:
        for number in range(7):
            async with database.reading() as reading:
                rows = await reading.fetch("SELECT $1::int AS n FROM clinics", number)
                assert rows == []
                assert await reading.fetchval("SELECT count(*) + $1 FROM clinics", number) == number
                row = await reading.fetchrow("SELECT $1::text AS word", "it's")
                assert row["word"] == "it's"
        kinds = [one.plan[0] for one in database.explanations[::3]]
        assert kinds == ["own plan"] * 5 + ["general plan"] * 2
        assert database.explanations[0].plan[1].startswith("Seq Scan on clinics rows=0")
    finally:
        await connection.close()


def test_a_plan_is_told_in_short() -> None:
    leaf = {
        "Node Type": "Index Scan",
        "Index Name": "ix",
        "Actual Rows": 2.5,
        "Actual Loops": 2,
        "Rows Removed by Filter": 3,
        "Shared Hit Blocks": 4,
        "Shared Read Blocks": 1,
    }
    top = {**leaf, "Node Type": "Limit", "Actual Loops": 1, "Plans": [leaf]}
    del top["Index Name"], top["Rows Removed by Filter"]
    assert list(described(top)) == [
        "Limit rows=2 buffers=5",
        "  Index Scan using ix rows=5 loops=2 removed=6 buffers=5",
    ]


async def test_a_kept_database_is_used_again_unless_it_is_another_or_too_old(
    own_api: Api, own_database_url: str
) -> None:
    size, folder = Size(doctors=1, months=1), Path("kept")
    connection = await asyncpg.connect(own_database_url)
    try:
        assert not await _is_there(connection, size, folder)
        await load_scale(
            own_api.container,
            own_database_url,
            size,
            even_if_not_empty=False,
            progress=lambda *_: None,
        )
        assert await _is_there(connection, size, folder)
        with pytest.raises(BenchProblem, match="another size"):
            await _is_there(connection, Size(doctors=1, months=2), folder)
        await connection.execute("UPDATE clinics SET created_at = now() - interval '8 days'")
        with pytest.raises(BenchProblem, match="8 days old: remove"):
            await _is_there(connection, size, folder)
    finally:
        await connection.close()


def test_options_that_do_not_go_together_are_refused() -> None:
    for options in (["--scale", "--overload"], ["--data-dir", "somewhere"]):
        assert CliRunner().invoke(app, ["bench", *options]).exit_code == 2


@pytest.fixture
def in_this_process(
    own_database_url: str,
    another_database_url: str,
    postgres: TestServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Databases that are there already, APIs and a load that need no program."""
    borrowed = [
        OneDatabase(postgres.server, url) for url in (own_database_url, another_database_url)
    ]
    monkeypatch.setattr(places, "own_server", lambda *_: nullcontext(borrowed.pop()))
    monkeypatch.setattr(run, "serving", measured_here)
    monkeypatch.setattr(driver, "send", sent_here)
    few_clients(monkeypatch)
    # As the API's connections ask, they get a general plan at once.
    monkeypatch.setattr(buffers, "WARM_UP", 0)


@pytest.fixture
async def another_database_url(postgres: TestServer) -> AsyncIterator[str]:
    async with postgres.database() as url:
        yield url


@pytest.mark.usefixtures("in_this_process")
def test_both_sizes_are_loaded_explained_and_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(place))
    file = place / "figures.json"
    bench = CliRunner().invoke(app, ["bench", "--scale", "--quick", "--json", str(file)])
    code, told = bench.exit_code, bench.output
    assert code in {0, 1}, told
    assert [left.name for left in place.iterdir()] == [file.name]
    found = json.loads(file.read_text())
    assert bool(found["missed"]) is (code == 1)
    assert set(found["buffers"]) == set(SEARCHES)
    for which in Which:
        assert found["filled"][which]["load_seconds"] > 0
        for path in PATHS:
            assert set(found["turns"][path][which]["statuses"]) == {"200"}
        # Each search enters an index of the slots, and none reads them all.
        for title, plans in found["plans"][which].items():
            slots = [line for plan in plans for line in plan if "ix_time_slots" in line]
            assert slots, title
            assert not any("Seq Scan on time_slots" in line for plan in plans for line in plan)
    assert "buffers per search" in told


@pytest.mark.proof
def test_searches_among_millions_cost_what_they_cost_among_thousands(place: Path) -> None:
    env, file = environment() | {"TMPDIR": str(place)}, place / "figures.json"
    with started(*PROGRAM, "--json", str(file), env=env, cwd=place) as bench:
        told, _ = bench.communicate(timeout=LONG_SECONDS)
    assert bench.returncode == 0, told
    assert [left.name for left in place.iterdir()] == [file.name]
    assert json.loads(file.read_text())["filled"]["large"]["slots"] > 5_800_000
