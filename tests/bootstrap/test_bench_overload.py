"""Five times the load: its arithmetic, its open loop, and the proof itself, short and long."""

import asyncio
import json
import threading
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from booking_lab.bench import driver, flood, overload, pulse
from booking_lab.bench.driver import told_by
from booking_lab.bench.flood import Flood, Outcome, Stream, outcome_of, stream_bytes
from booking_lab.bench.load import END_OF_HEAD
from booking_lab.bench.overload_report import Flooded, OverloadReport
from booking_lab.bench.plan import OverloadPlan, Plan
from booking_lab.bench.pulse import Beat, Pulse
from booking_system.bootstrap.cli import app
from booking_system.platform.http import entrance
from tests.bootstrap.here import (
    FEW,
    OneDatabase,
    few_clients,
    flooded_here,
    measured_here,
    sent_here,
)
from tests.bootstrap.processes import environment, eventually
from tests.bootstrap.processes import running as started
from tests.patience import PATIENCE
from tests.postgres import TestServer

PROGRAM = ("-m", "booking_system.bootstrap.cli", "bench", "--overload")
LONG_SECONDS = 1800
REQUEST = b"POST /%d HTTP/1.1\r\nHost: x\r\n\r\n"


def an_outcome(*answers: tuple[int, float]) -> Outcome:
    return Outcome(
        lag=0.001,
        cpu=0.5,
        latencies=array("d", [seconds for _, seconds in answers]),
        statuses=array("H", [status for status, _ in answers]),
    )


def flooded(booked: int, seconds: float = 0.01, *others: tuple[int, float]) -> Flooded:
    outcome = an_outcome(*[(201, seconds)] * booked, *others)
    alive = [Beat(status=200, seconds=0.002)]
    return Flooded.of(outcome, rate=500.0, seconds=1.0, pulse=alive)


def a_report(bounded: Flooded) -> OverloadReport:
    return OverloadReport(
        machine={"cores": "2"},
        plan=OverloadPlan.quick(),
        capacity=100.0,
        unloaded=0.005,
        bounded=bounded,
        open=flooded(1, 2.0),
    )


def test_goodput_is_what_was_booked_in_time() -> None:
    flood = flooded(3, 0.2, (201, 1.5), (503, 0.001), (503, 0.002), (0, 10.0), (409, 0.1))
    assert (flood.goodput, flood.late, flood.refused, flood.others) == (3.0, 1, 2.0, 2)
    assert flood.p50_ms == pytest.approx(200.0)
    assert flood.p99_ms == pytest.approx(1500.0)
    assert flood.refused_p99_ms == pytest.approx(2.0)
    assert flood.statuses == {0: 1, 201: 4, 409: 1, 503: 2}
    assert (flood.looks, flood.dead) == (1, 0)
    assert flood.live_ms == pytest.approx(2.0)


def test_each_bar_that_is_missed_is_a_sentence() -> None:
    assert a_report(flooded(80, 0.02)).missed() == []
    assert a_report(flooded(79)).missed() == ["Goodput was 79% of capacity, the bar is 80%."]
    (slow,) = a_report(flooded(80, 0.021)).missed()
    assert slow.startswith("The 99th percentile of bookings was 4.2 times that without load")
    (other,) = a_report(flooded(80, 0.01, (500, 0.1))).missed()
    assert other == "There were answers other than 201 and 503: 80 × 201, 1 × 500."
    for looks, dead in ((0, 0), (9, 1)):
        (silent,) = a_report(replace(flooded(80), looks=looks, dead=dead)).missed()
        assert silent == f"Of {looks} looks at /health/live {dead} were not answered."


def test_the_open_door_has_no_bar_and_both_have_a_row() -> None:
    report = a_report(flooded(80))
    lines = list(report.lines())
    (bounded,) = [line for line in lines if line.startswith("with admission")]
    assert "80%" in bounded
    (opened,) = [line for line in lines if line.startswith("without admission")]
    assert "0%" in opened
    assert json.loads(json.dumps(report.as_json()))["missed"] == []


def test_an_outcome_survives_the_way_between_the_processes() -> None:
    outcome = an_outcome((201, 0.2), (503, 0.1))
    assert outcome_of(outcome.as_bytes()) == outcome


async def test_the_program_sends_what_it_is_given_and_tells_what_came_of_it() -> None:
    async with answering(lambda number: 503 if number == 1 else 201, after=0.0) as (port, asked):
        requests = [REQUEST % number for number in range(3)]
        lengths = [len(request) for request in requests]
        stream = Stream(port=port, rate=100, seconds=0.05, connections=2, lengths=lengths)
        given = stream_bytes(stream, requests)
        outcome = outcome_of(await asyncio.to_thread(told_by, flood.__name__, given))
    assert sorted(asked) == [0, 0, 1, 2]
    assert sorted(outcome.statuses) == [201, 201, 201, 503]
    assert outcome.cpu > 0


Status = Callable[[int], int]


@asynccontextmanager
async def answering(status: Status, *, after: float) -> AsyncIterator[tuple[int, list[int]]]:
    """A server that answers each request alike, and what it was asked for."""
    asked: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked.append(int(line.split()[1][1:]))
            await reader.readuntil(END_OF_HEAD)
            told = status(len(asked))
            await asyncio.sleep(after)
            if not told:
                break
            writer.write(b"HTTP/1.1 %d Told\r\nContent-Length: 0\r\n\r\n" % told)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], asked
    server.close()


def a_flood(port: int, *, connections: int, rate: float = 100.0, ready: int = 100) -> Flood:
    requests = [REQUEST % number for number in range(ready)]
    lengths = [len(request) for request in requests]
    stream = Stream(port=port, rate=rate, seconds=0.5, connections=connections, lengths=lengths)
    return Flood(stream, requests)


async def test_requests_come_when_they_are_due_however_slow_the_answers() -> None:
    async with answering(lambda _: 201, after=0.6) as (port, asked):
        outcome = await a_flood(port, connections=60).run()
    # A closed loop of 60 would have asked 60 times.
    assert 50 <= len(asked) == len(outcome.latencies_of(201)) <= 51
    assert asked == sorted(set(asked))
    # The loop's clock goes by whole milliseconds.
    assert all(latency >= 0.599 for latency in outcome.latencies)


async def test_a_machine_that_is_busy_elsewhere_does_not_make_the_load_smaller() -> None:
    def late(number: int) -> int:
        if number == 1:
            time.sleep(0.6)
        return 201

    async with answering(late, after=0.0) as (port, asked):
        outcome = await a_flood(port, connections=60, ready=51).run()
    assert len(asked) == len(outcome.latencies_of(201)) in {50, 51}


async def test_a_request_that_waited_for_a_connection_counts_from_when_it_was_due() -> None:
    async with answering(lambda _: 201, after=0.04) as (port, _):
        outcome = await a_flood(port, connections=1).run()
    latencies = outcome.latencies_of(201)
    # Fifty in half a second, 25 answers a second: the last one waits for a second and a half.
    # Each waited longer than the one before: 25 answers a second, a hundred dues.
    assert list(latencies) == sorted(latencies)
    assert latencies[-1] > 0.024 * len(latencies)


async def test_where_all_is_booked_nothing_is_missing() -> None:
    async with answering(lambda _: 201, after=0.0) as (port, asked):
        outcome = await a_flood(port, connections=5, ready=3).run()
    assert len(asked) == 3
    assert list(outcome.statuses) == [201] * 3


async def test_what_is_refused_is_sent_again_and_what_is_lost_is_not() -> None:
    def status(number: int) -> int:
        return {1: 503, 2: 0}.get(number, 201)

    async with answering(status, after=0.0) as (port, asked):
        outcome = await a_flood(port, connections=5, ready=3, rate=8).run()
    assert asked[:3] == [0, 1, 2]
    assert asked[3:] == [0]
    assert sorted(outcome.statuses) == [0, 201, 201, 503]


def test_the_pulse_is_what_the_api_says_of_its_life() -> None:
    class Alive(BaseHTTPRequestHandler):
        count = 0

        def do_GET(self) -> None:
            Alive.count += 1
            self.send_response(200 if Alive.count > 1 else 503)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Alive) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        with Pulse(server.server_port) as pulse:
            assert eventually(lambda: len(pulse.beats) >= 3)
        server.shutdown()
        serving.join()
    # However short the time: once at least.
    with Pulse(server.server_port) as nobody:
        pass
    assert [beat.status for beat in pulse.beats][:3] == [503, 200, 200]
    assert nobody.beats[0].status == 0


@pytest.fixture
def in_this_process(
    own_database_url: str, postgres: TestServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is there already, an API and a load that need no program.

    The API has one place and nobody waits for it, so two who ask at once are one too many.
    """
    monkeypatch.setattr(overload, "serving", partial(measured_here, MAX_REQUESTS_INSIDE="1"))
    borrowed = OneDatabase(postgres.server, own_database_url)
    monkeypatch.setattr(overload, "own_place", lambda _: nullcontext((place, borrowed)))
    monkeypatch.setattr(driver, "send", sent_here)
    few_clients(monkeypatch)
    short = {"seconds": 0.05, "flood_seconds": 0.1, "connections": 20, "warm_up": FEW}
    plan = replace(OverloadPlan.quick(), rows=Plan.quick(), **short)
    monkeypatch.setattr(OverloadPlan, "quick", lambda: plan)
    monkeypatch.setattr(overload, "told_by", flooded_here)
    monkeypatch.setattr(entrance, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", PATIENCE)


@pytest.mark.usefixtures("in_this_process")
def test_under_five_times_the_load_bookings_go_on_and_everybody_is_answered(place: Path) -> None:
    """How many are booked, and how soon, hangs on the machine: the long form says it."""
    file = place / "figures.json"
    bench = CliRunner().invoke(app, ["bench", "--overload", "--quick", "--json", str(file)])
    code, told = bench.exit_code, bench.output
    assert code in {0, 1}, told
    assert file.exists(), told
    found = json.loads(file.read_text())
    assert set(found) >= {"machine", "plan", "capacity", "unloaded_p99_ms", "bounded", "open"}
    assert bool(found["missed"]) is (code == 1)
    bounded, opened, seconds = found["bounded"], found["open"], found["plan"]["flood_seconds"]
    assert set(bounded["statuses"]) == {"201", "503"}
    # Nobody is turned away at the entrance; the queue for connections is full on a quick machine.
    assert "201" in opened["statuses"]
    assert set(opened["statuses"]) <= {"201", "503"}
    for one in (bounded, opened):
        assert one["goodput"] * seconds == pytest.approx(one["statuses"]["201"] - one["late"])
        assert one["dead"] == 0 < one["looks"]
        assert sum(one["statuses"].values()) <= one["rate"] * seconds + 1
    assert "\nwith admission" in told
    assert "\nwithout admission" in told


@pytest.mark.proof
def test_goodput_holds_and_latency_stays_while_the_open_door_collapses(place: Path) -> None:
    env, file = environment() | {"TMPDIR": str(place)}, place / "figures.json"
    with started(*PROGRAM, "--json", str(file), env=env, cwd=place) as bench:
        told, _ = bench.communicate(timeout=LONG_SECONDS)
    assert bench.returncode == 0, told
    assert [left.name for left in place.iterdir()] == [file.name]
    found = json.loads(file.read_text())
    assert found["open"]["goodput"] < 0.5 * found["bounded"]["goodput"]
    assert found["open"]["p99_ms"] > 10 * found["bounded"]["p99_ms"]
