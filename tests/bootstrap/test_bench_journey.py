"""A page's way to a booking: its arithmetic, its requests, and the walk itself, short and long."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from typer.testing import CliRunner

from booking_lab.bench import command, driver
from booking_lab.bench.api import tokens_for
from booking_lab.bench.driver import once
from booking_lab.bench.figures import Cpu, Sample
from booking_lab.bench.journey import ground, run
from booking_lab.bench.journey.ground import DAYS_SEEN, OF_EACH, SLOT_MINUTES, Ground, _few_of_each
from booking_lab.bench.journey.plan import JourneyPlan, Step, Which
from booking_lab.bench.journey.report import TITLES, JourneyReport, Pairs
from booking_lab.bench.journey.run import comparing
from booking_lab.bench.journey.walk import (
    _answered,
    booking_of,
    hold_of,
    lengths_of,
    reads_of,
)
from booking_lab.bench.neighbours import Look
from booking_lab.bench.plan import CONNECTIONS, BenchProblem
from booking_lab.bench.processes import TICKS
from booking_lab.bench.requests import Callers
from booking_system.bootstrap.cli import app
from tests.bootstrap.here import (
    FEW,
    OneDatabase,
    compared_here,
    few_clients,
    measured_here,
    sent_here,
)
from tests.bootstrap.processes import environment
from tests.bootstrap.processes import running as started
from tests.postgres import TestServer

PROGRAM = ("-m", "booking_system.bootstrap.cli", "bench", "--journey")
LONG_SECONDS = 1800
BUSY = 5


def a_sample(api_us: float, database_us: float | None = None, **statuses: int) -> Sample:
    counts = {int(name[1:]): count for name, count in statuses.items()} or {200: 1000}
    database = None if database_us is None else database_us / 1000
    return Sample(
        answers=1000,
        seconds=0.5,
        latencies=[0.01],
        cpu=Cpu(api=api_us / 1000, database=database, load=0.01),
        statuses=counts,
        others=sum(count for status, count in counts.items() if status not in {200, 201}),
    )


def a_report(
    changed: dict[tuple[Which, Step], Sample] | None = None, *, looks: tuple[Look, ...] = ()
) -> JourneyReport:
    """Every step takes 390 + 500 + 10 µs and bare FastAPI 90 + 10, in each of five rounds."""
    pairs: Pairs = {
        (which, step): [(a_sample(390, 500), a_sample(90))] * 5 for which in Which for step in Step
    }
    for place, sample in (changed or {}).items():
        pairs[place] = [(sample, bare) for _, bare in pairs[place]]
    return JourneyReport.of(pairs, {"cores": "2"}, JourneyPlan(), looks)


def test_a_step_is_compared_with_all_processor_time_and_the_api_alone() -> None:
    stage = a_report().stages[Which.SMALL][Step.SLOTS]
    assert stage.cpu.median == pytest.approx(9.0)
    assert stage.api.median == pytest.approx(390 / 90)
    assert (stage.row.api_us, stage.bare.api_us) == (pytest.approx(390), pytest.approx(90))


def test_the_sum_of_a_journey_has_each_step_once() -> None:
    report = a_report({(Which.LARGE, Step.NEXT): a_sample(1290, 500)})
    small, large = report.sums[Which.SMALL], report.sums[Which.LARGE]
    assert small.multiple.median == pytest.approx(9.0)
    assert small.cpu_ms == pytest.approx(8.1)
    assert large.multiple.rounds == pytest.approx((10.0,) * 5)
    assert large.cpu_ms == pytest.approx(9.0)


def test_a_sum_is_no_mean_of_multiples() -> None:
    pairs: Pairs = {
        (which, step): [(a_sample(190), a_sample(90))] * 5 for which in Which for step in Step
    }
    pairs[Which.SMALL, Step.NEXT] = [(a_sample(990), a_sample(990))] * 5
    found = JourneyReport.of(pairs, {}, JourneyPlan()).sums[Which.SMALL]
    # Eight steps of 200 to 100 µs and one of 1,000 to 1,000; the mean of the multiples is 1.89.
    assert found.multiple.median == pytest.approx(2600 / 1800)


def test_a_slow_round_of_bare_fastapi_is_compared_with_its_own_steps() -> None:
    slow = [(a_sample(390 * k, 500 * k), a_sample(90 * k)) for k in (1, 3, 2, 1, 1)]
    pairs: Pairs = {(which, step): slow for which in Which for step in Step}
    found = JourneyReport.of(pairs, {}, JourneyPlan()).stages[Which.SMALL][Step.MINE]
    assert found.api.rounds == pytest.approx((390 / 90,) * 5)


def test_more_than_eight_times_the_api_time_is_marked() -> None:
    at_most, above = a_sample(720), a_sample(721)
    report = a_report({(Which.SMALL, Step.NEXT): at_most, (Which.LARGE, Step.NEXT): above})
    assert not report.stages[Which.SMALL][Step.NEXT].is_marked
    assert report.stages[Which.LARGE][Step.NEXT].is_marked
    rows = [line for line in report.lines() if TITLES[Step.NEXT] in line]
    assert [" * " in row for row in rows] == [False, True]
    found = report.as_json()["journeys"]["large"]["rows"]
    assert [step for step in Step if found[step]["is_marked"]] == [Step.NEXT]


def test_less_than_a_tick_is_no_multiple_of_nothing() -> None:
    nothing = replace(a_sample(0.0), cpu=Cpu(api=0.0, load=0.001))
    pairs: Pairs = {
        (which, step): [(a_sample(390, 500), nothing)] for which in Which for step in Step
    }
    stage = JourneyReport.of(pairs, {}, JourneyPlan.quick()).stages[Which.SMALL][Step.SLOTS]
    assert stage.api.median == pytest.approx(0.39 * TICKS)


def test_the_report_begins_with_the_sums() -> None:
    lines = list(a_report().lines())
    assert lines[2].split() == ["small", "9.00", "(9.00", "to", "9.00)", "8.1", "ms"]
    assert lines[3].startswith("large")
    for title in TITLES.values():
        assert len([line for line in lines if line[3:].startswith(f"{title} ")]) == 2
    assert json.loads(json.dumps(a_report().as_json()))["journeys"]["small"]["cpu_ms"] > 8


def test_refusals_under_load_are_counted_and_other_answers_fail() -> None:
    place = (Which.SMALL, Step.HOLD)
    report = a_report({place: a_sample(390, _201=1000, _503=3)})
    assert report.missed() == []
    assert report.stages[Which.SMALL][Step.HOLD].row.others == 15
    (wrong,) = a_report({place: a_sample(390, _201=1000, _409=1)}).missed()
    assert wrong == "POST /v1/holds, small: answers that should not be: 5000 × 201, 5 × 409."


@pytest.mark.parametrize(
    ("answers", "others", "quick", "code"),
    [(200, 0.0, False, 0), (200, 1.0, False, BUSY), (200, 1.0, True, 0), (500, 1.0, False, 1)],
)
def test_the_exit_code_says_what_was_found(
    answers: int, others: float, quick: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Look(when="then", others=others, stolen=0.0, most=0.05, load_average=1.0)
    sample = a_sample(390, 500, **{f"_{answers}": 1000})
    report = a_report({(Which.LARGE, Step.SLOTS): sample}, looks=(look,))
    monkeypatch.setattr(run, "measure_journey", lambda *_, **__: report)
    bench = CliRunner().invoke(app, ["bench", "--journey", *(["--quick"] if quick else [])])
    assert bench.exit_code == code, bench.output
    assert ("This machine is busy" in bench.output) is (others > 0 and not quick)


def test_options_that_do_not_go_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for started_by in ("_overload", "_scale", "_journey"):
        monkeypatch.delattr(command, started_by)
    for other in ("--scale", "--overload"):
        assert CliRunner().invoke(app, ["bench", "--journey", other]).exit_code == 2


def some_orders(count: int) -> list[dict[str, UUID]]:
    names = ("slot_id", "service_id", "user_id", "session_id")
    return [{name: uuid4() for name in names} for _ in range(count)]


def test_nobody_is_to_hold_more_than_a_patient_may() -> None:
    orders = some_orders(2)
    rows = [orders[0]] * 5 + [orders[1]] * 2
    assert list(_few_of_each(rows)) == [orders[0]] * OF_EACH + [orders[1]] * 2


def test_what_is_taken_is_not_taken_again() -> None:
    orders = some_orders(5)
    there = Ground(url="", doctors=[], orders=orders[:])
    assert there.take(2) + there.take(3) == orders
    with pytest.raises(BenchProblem, match="no slots left"):
        there.take(1)


@pytest.mark.parametrize("rounds", [5, 6, 50])
def test_there_are_slots_for_every_round(rounds: int) -> None:
    plan = JourneyPlan(rounds=rounds)
    assert plan.orders == 1 + (1 + rounds) * plan.held
    # Of 200 days, 33 are read; each has eight hours of slots of a quarter.
    assert plan.orders <= (plan.days - DAYS_SEEN) * 8 * 60 // SLOT_MINUTES
    assert plan.held >= 2 * CONNECTIONS
    assert JourneyPlan.quick().orders == 1 + CONNECTIONS


def test_a_page_names_no_time_and_books_what_it_holds(tmp_path: Path) -> None:
    callers, (order,) = Callers(tokens_for(tmp_path)), some_orders(1)
    doctor = {"doctor_id": uuid4(), "clinic_id": uuid4()}
    for step in set(Step) - {Step.HOLD, Step.BOOK}:
        (request,) = reads_of(step, [doctor], [order], callers)
        assert request.startswith(b"GET /v1/")
        assert b"from=" not in request
        assert b"{" not in request
        assert (b"Authorization" in request) is (step is Step.MINE)
    hold_id = uuid4()
    hold, booking = hold_of(order, callers), booking_of(order, hold_id, callers)
    held, booked = (json.loads(one.partition(b"\r\n\r\n")[2]) for one in (hold, booking))
    assert held == {
        "time_slot_id": str(order["slot_id"]),
        "service_id": str(order["service_id"]),
    }
    assert booked == held | {"hold_id": str(hold_id), "reason": "First visit"}


def test_bare_fastapi_answers_as_many_bytes_as_each_step(tmp_path: Path) -> None:
    with comparing(tmp_path, [3, 40_000]) as bare:
        for place, length in enumerate((3, 40_000)):
            request = f"GET /{place} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            assert once(bare, [request] * 40).statuses == {200: 40}
            assert len(_answered(bare, request)[1]) == length


def test_a_journey_that_ends_early_says_where(tmp_path: Path) -> None:
    there = Ground(url="", doctors=[{"doctor_id": 1, "clinic_id": 2}], orders=some_orders(1))
    with compared_here(tmp_path, [3]) as bare, pytest.raises(BenchProblem) as problem:
        lengths_of(bare, there, Callers(tokens_for(tmp_path)))
    assert str(problem.value).startswith("The journey ended at clinics: ")


class Walked:
    """Stands for one database: each walk takes longer than the one before."""

    def __init__(self) -> None:
        self.walks = 0

    def once(self, _: object) -> dict[Step, tuple[Sample, Sample]]:
        self.walks += 1
        return {step: (a_sample(100 * self.walks - 10), a_sample(90)) for step in Step}


def test_rounds_that_warm_up_are_not_counted_and_the_machine_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Places:
        version = "18.0"

        def __init__(self, **_: object) -> None: ...

        def large(self) -> Walked:
            return Walked()

        small = large

    server = SimpleNamespace(server_pid=os.getpid(), root=tmp_path)
    monkeypatch.setattr(run, "own_place", lambda _: nullcontext((tmp_path, server)))
    monkeypatch.setattr(run, "databases", lambda _: nullcontext({}))
    monkeypatch.setattr(run, "_Places", Places)
    plan = JourneyPlan(warm_ups=2, look=0.01)
    report = run.measure_journey(plan, postgres_bin=None, progress=lambda *_: None)
    for which in Which:
        assert report.sums[which].multiple.rounds == pytest.approx((3, 4, 5, 6, 7))
    assert len(report.looks) == 1 + 2 * (2 + 5)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What a newcomer asks an API that makes slots in the background."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "POST":
            return httpx.Response(201, json={"id": f"id-{len(asked)}"})
        is_done = sum(one.method == "GET" for one in asked) == 3
        return httpx.Response(200, json={"filled_until": None if is_done else "2027-03-01"})

    made = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://test")
    monkeypatch.setattr(ground.httpx, "Client", lambda **_: made)
    return asked


def test_a_newcomer_waits_until_all_slots_are_there(asked: list[httpx.Request]) -> None:
    assert ground.newcomer(1, JourneyPlan(), "a token") == "id-3"
    assert [one.url.path for one in asked] == [
        "/v1/clinics",
        "/v1/clinics/id-1/doctors",
        "/v1/clinics/id-1/services",
        "/v1/doctors/id-2/availability",
        *["/v1/availability/id-4"] * 3,
    ]
    hours = json.loads(asked[3].content)
    days = date.fromisoformat(hours["valid_until"]) - date.fromisoformat(hours["valid_from"])
    assert days.days == json.loads(asked[0].content)["policy"]["horizon_days"] == 200


def test_slots_that_never_come_are_a_sentence(
    asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "PATIENCE", 0.0)
    with pytest.raises(BenchProblem, match="did not come"):
        ground.newcomer(1, JourneyPlan(), "a token")


def test_a_newcomer_who_is_refused_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = httpx.MockTransport(lambda _: httpx.Response(403))
    made = httpx.Client(transport=refusing, base_url="http://test")
    monkeypatch.setattr(ground.httpx, "Client", lambda **_: made)
    with pytest.raises(BenchProblem) as problem:
        ground.newcomer(1, JourneyPlan(), "a token")
    assert str(problem.value) == "The API answered 403 to POST /v1/clinics."


@pytest.fixture
async def another_database_url(postgres: TestServer) -> AsyncIterator[str]:
    async with postgres.database() as url:
        yield url


@pytest.fixture
def in_this_process(
    own_database_url: str,
    another_database_url: str,
    postgres: TestServer,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Databases that are there already, and servers and a load that need no program."""
    borrowed = OneDatabase(postgres.server, own_database_url)
    urls = {Which.SMALL: own_database_url, Which.LARGE: another_database_url}
    monkeypatch.setattr(run, "own_place", lambda _: nullcontext((place, borrowed)))
    monkeypatch.setattr(run, "databases", lambda _: nullcontext(urls))
    monkeypatch.setattr(run, "serving", measured_here)
    monkeypatch.setattr(run, "comparing", compared_here)
    monkeypatch.setattr(driver, "send", sent_here)
    few_clients(monkeypatch)
    plan = replace(JourneyPlan.quick(), most_held=FEW)
    monkeypatch.setattr(JourneyPlan, "quick", lambda: plan)


def assert_is_whole(found: dict[str, Any], plan: JourneyPlan) -> None:
    assert set(found) == {"journeys", "machine", "plan", "looks", "busy", "missed"}
    assert found["missed"] == []
    assert len(found["looks"]) == 1 + 2 * (plan.warm_ups + plan.rounds)
    for which in Which:
        journey = found["journeys"][which]
        assert list(journey["rows"]) == list(Step)
        assert len(journey["multiple"]["rounds"]) == plan.rounds
        assert journey["cpu_ms"] > 0
        for step, row in journey["rows"].items():
            hoped = "201" if step in {Step.HOLD, Step.BOOK} else "200"
            assert set(row["row"]["statuses"]) - {"503"} == {hoped}, (which, step)
            assert set(row["bare"]["statuses"]) == {"200"}


@pytest.mark.usefixtures("in_this_process")
def test_a_page_goes_its_whole_way_on_both_databases(place: Path) -> None:
    file = place / "figures.json"
    bench = CliRunner().invoke(app, ["bench", "--journey", "--quick", "--json", str(file)])
    assert bench.exit_code == 0, bench.output
    found = json.loads(file.read_text())
    assert_is_whole(found, JourneyPlan.quick())
    booked = found["journeys"]["small"]["rows"]["book"]["row"]["statuses"]["201"]
    assert booked == found["journeys"]["small"]["rows"]["hold"]["row"]["statuses"]["201"]


@pytest.mark.proof
def test_the_long_journey_has_figures_of_five_rounds(place: Path) -> None:
    env, file = environment() | {"TMPDIR": str(place)}, place / "figures.json"
    with started(*PROGRAM, "--json", str(file), env=env, cwd=place) as bench:
        told, _ = bench.communicate(timeout=LONG_SECONDS)
    assert bench.returncode in {0, BUSY}, told
    assert ("This machine is busy" in told) is (bench.returncode == BUSY)
    assert_is_whole(json.loads(file.read_text()), JourneyPlan())
    assert [left.name for left in place.iterdir()] == [file.name]
