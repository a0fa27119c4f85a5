"""What the bench says of its figures: multiples, intervals, bars, a busy machine, exit codes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import comb
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from typer.testing import CliRunner

from booking_lab.bench import run
from booking_lab.bench.figures import Cpu, Estimate, Sample, cpu_multiple, rate_share
from booking_lab.bench.neighbours import (
    MOST_AT_REST,
    MOST_AT_WORK,
    Look,
    Moment,
    Neighbours,
    busy_sentences,
    look_between,
    processor_seconds,
)
from booking_lab.bench.plan import FEWEST_ROUNDS, Plan
from booking_lab.bench.processes import TICKS, cpu_of_trees
from booking_lab.bench.report import Report
from booking_lab.bench.rounds import Round, Samples, Way
from booking_lab.bench.verdict import Bar, Measure, Verdict
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.console import ADDRESS, DATABASE, STOPPED, USAGE
from booking_system.bootstrap.console import FAILED as PROGRAM_FAILED

BUSY = 5


def a_sample(cpu_us: float = 100.0, rate: float = 1000.0, **statuses: int) -> Sample:
    counts = {int(name[1:]): count for name, count in statuses.items()} or {200: 10}
    return Sample(
        answers=10,
        seconds=10 / rate,
        latencies=[0.01] * 10,
        cpu=Cpu(api=cpu_us * 5e-6, database=cpu_us * 3e-6, load=cpu_us * 2e-6),
        statuses=counts,
        others=sum(count for status, count in counts.items() if status not in {200, 201, 409}),
    )


def a_report(
    times: Sequence[float] = (3.0,) * 5,
    *,
    rates: Sequence[float] = (0.5,) * 5,
    looks: Sequence[Look] = (),
    answers: Mapping[Way, dict[str, int]] | None = None,
) -> Report:
    """A report of as many rounds, in which the booking's figures are these of its baseline's."""
    rounds = rounds_of(times, rates, answers)
    return Report.of(rounds, {"cores": "2"}, Plan(rounds=len(times)), looks)


def rounds_of(
    times: Sequence[float],
    rates: Sequence[float],
    answers: Mapping[Way, dict[str, int]] | None = None,
) -> list[Samples]:
    """The rounds of such a report."""
    others = {way: a_sample(**(answers or {}).get(way, {})) for way in Way}
    others[Way.SLOTS] = replace(others[Way.SLOTS], seconds=0.02)
    return [
        others
        | {
            Way.BOOKING: replace(
                others[Way.BOOKING],
                cpu=a_sample(100 * time).cpu,
                seconds=a_sample(rate=1000 * rate).seconds,
            )
        }
        for time, rate in zip(times, rates, strict=True)
    ]


def a_look(others: float, *, stolen: float = 0.0, most: float = MOST_AT_REST) -> Look:
    return Look(when="after round 2", others=others, stolen=stolen, most=most, load_average=0.5)


def test_a_multiple_is_taken_round_by_round_of_all_processor_time() -> None:
    samples = [a_sample(cpu_us) for cpu_us in (300, 800, 500)]
    baselines = [a_sample(cpu_us) for cpu_us in (100, 200, 100)]
    # The multiples are 3, 4 and 5; the multiple of the medians would be 5.
    found = cpu_multiple(samples, baselines)
    assert found.rounds == pytest.approx((3.0, 4.0, 5.0))
    assert found.median == pytest.approx(4.0)
    assert a_sample(100).cpu_us == pytest.approx(100.0)
    assert replace(a_sample(), cpu=Cpu(database=1e-3, load=1e-3)).cpu_us == pytest.approx(200.0)


def test_a_rate_is_a_share_of_the_same_round() -> None:
    samples, ceilings = [a_sample(rate=250), a_sample(rate=30)], [a_sample(), a_sample(rate=60)]
    assert rate_share(samples, ceilings).rounds == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize("count", range(1, 51))
def test_the_interval_is_the_narrowest_that_is_sure_enough(count: int) -> None:
    found = Estimate.of([float(place) for place in range(count, 0, -1)])
    left_out = int(found.low) - 1
    assert found.high == count - left_out

    def wrong(left_out: int) -> float:
        return 2 * sum(comb(count, below) for below in range(left_out + 1)) / 2**count

    assert wrong(left_out + 1) > 0.1
    assert wrong(left_out) <= 0.1 or left_out == 0
    assert (wrong(left_out) <= 0.1) is (count >= FEWEST_ROUNDS)


def test_five_rounds_reach_from_the_smallest_to_the_largest_and_eight_leave_out_both() -> None:
    assert Estimate.of([2.0, 5.0, 1.0, 4.0, 3.0]) == Estimate(
        median=3.0, low=1.0, high=5.0, rounds=(2.0, 5.0, 1.0, 4.0, 3.0)
    )
    eight = Estimate.of([float(place) for place in range(8)])
    assert (eight.low, eight.median, eight.high) == (1.0, 3.5, 6.0)


@pytest.mark.parametrize(
    ("low", "high", "most", "least"),
    [
        (3.0, 3.5, Verdict.MET, Verdict.UNDECIDED),
        (3.4, 3.6, Verdict.UNDECIDED, Verdict.UNDECIDED),
        (3.5, 3.6, Verdict.UNDECIDED, Verdict.MET),
        (3.51, 3.6, Verdict.MISSED, Verdict.MET),
        (3.0, 3.49, Verdict.MET, Verdict.MISSED),
    ],
)
def test_a_bar_is_missed_where_the_whole_interval_is_on_the_wrong_side(
    low: float, high: float, most: Verdict, least: Verdict
) -> None:
    found = Estimate(median=(low + high) / 2, low=low, high=high, rounds=())
    assert Bar(3.5, is_most=True).judge(found) is most
    assert Bar(3.5, is_most=False).judge(found) is least


def test_the_report_begins_with_multiples_and_names_bars_and_verdicts() -> None:
    lines = list(a_report((3.1, 3.4, 3.6, 3.2, 3.3)).lines())
    (time,) = [line for line in lines[:6] if line.startswith("b of a1, POST /v1/bookings: time")]
    told = " ".join(time.partition(": time")[2].split())
    assert told == "3.30 3.10 to 3.60 at most 3.50 not decided 3.10 3.40 3.60 3.20 3.30"
    (rate,) = [line for line in lines[:6] if line.startswith("d of e, GET /v1/slots, a week: rate")]
    assert "50.0%  50.0% to 50.0%  at least 45.0%  met" in rate


def test_a_bar_that_is_missed_is_told_in_a_sentence_and_a_straddled_one_is_not() -> None:
    assert a_report((3.4, 3.6, 3.6, 3.6, 3.6)).missed() == []
    (time,) = a_report((3.51, 3.6, 3.6, 3.6, 3.6)).missed()
    assert time == "b of a1, POST /v1/bookings: time: 3.51 to 3.60, the bar is at most 3.50."
    (rate,) = a_report(rates=(0.2, 0.21, 0.22, 0.23, 0.19)).missed()
    assert rate == "b of a1, POST /v1/bookings: rate: 19.0% to 23.0%, the bar is at least 24.0%."
    assert a_report(rates=(0.2, 0.21, 0.22, 0.23, 0.24)).missed() == []


def test_the_slots_have_bars_of_their_own() -> None:
    found = a_report().as_json()["multiples"]["slots"]
    assert (found["of"], found["cpu"]["bar"], found["rate"]["bar"]) == ("fastapi", 3.2, 0.45)
    assert a_report().as_json()["multiples"]["booking"]["rate"]["bar"] == 0.24


def test_fewer_rounds_are_no_verdict() -> None:
    report = a_report((9.0,) * 4, rates=(0.1,) * 4, answers={Way.SLOTS: {"_200": 9, "_503": 1}})
    assert report.missed() == []
    assert report.as_json()["multiples"]["booking"]["cpu"]["verdict"] is None
    assert "no verdict" in next(line for line in report.lines() if line.startswith("b of a1"))


def test_refusals_in_a_race_are_counted_and_anything_else_fails() -> None:
    race = {Way.RACE: {"_201": 1, "_409": 9, "_503": 4}}
    report = a_report(answers=race)
    assert report.missed() == []
    assert report.rows[Way.RACE].others == 20
    (wrong,) = a_report(answers={Way.RACE: race[Way.RACE] | {"_500": 1}}).missed()
    assert wrong.startswith("64 rivals, one slot had answers that it should not have: 5 × 201")
    (slots,) = a_report(answers={Way.SLOTS: {"_200": 9, "_503": 1}}).missed()
    assert slots.startswith("GET /v1/slots, a week had answers")


def test_on_a_busy_machine_nothing_is_judged_and_the_figures_are_told() -> None:
    report = a_report((9.0,) * 5, looks=[a_look(0.01), a_look(0.06)])
    assert report.missed() == []
    (sentence,) = report.busy()
    assert sentence == (
        "This machine is busy: others took 6% of its processor time after round 2, at most 5% may "
        "be theirs (1 of 2 looks, load average 0.5 at first). The figures stand without a verdict."
    )
    assert "9.00" in "\n".join(report.lines())
    assert len(report.as_json()["looks"]) == 2
    (wrong,) = a_report(answers={Way.SLOTS: {"_200": 9, "_500": 1}}, looks=[a_look(1.0)]).missed()
    assert "5 × 500" in wrong


def test_others_are_who_is_neither_the_bench_nor_idle() -> None:
    before = Moment(at=10.0, processors=2, busy=100.0, stolen=1.0, own=50.0)
    after = Moment(at=15.0, processors=2, busy=107.0, stolen=1.5, own=54.0)
    look = look_between("then", before, after, most=0.35, load=0.0)
    assert (look.others, look.stolen) == (pytest.approx(0.3), pytest.approx(0.05))
    assert look.taken == pytest.approx(0.35)
    assert look_between("then", before, after, most=0.34, load=0.0).is_busy
    more = replace(after, own=60.0)
    assert look_between("then", before, more, most=0.1, load=0.0).others == 0.0


def test_what_was_stolen_is_taken_too_and_the_load_average_is_not() -> None:
    assert a_look(0.03, stolen=0.03).is_busy
    assert not replace(a_look(0.05), load_average=99.0).is_busy
    assert list(busy_sentences([a_look(0.05), a_look(0.1, most=MOST_AT_WORK)])) == []


def test_only_the_processors_that_the_bench_may_use_are_looked_at() -> None:
    stat = (
        "cpu  999 999 999 999 999 999 999 999 0 0\n"
        "cpu0 100 20 30 5000 7 11 13 17 3 0\n"
        "cpu1 9999 9999 9999 9999 9999 9999 9999 9999 0 0\n"
        "intr 123456\n"
    )
    assert processor_seconds(stat, {0}) == (150 / TICKS, 17 / TICKS)


def test_a_tree_has_the_time_of_all_below_it_and_of_those_that_have_ended() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    before = cpu_of_trees({os.getpid()})
    subprocess.run([sys.executable, "-c", burn], check=True)
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", f"{child}\nprint(flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as waiting:
        assert waiting.stdout is not None
        waiting.stdout.readline()
        assert cpu_of_trees({os.getpid()}) - before > 0.35
        assert cpu_of_trees({waiting.pid}) < cpu_of_trees({waiting.pid, os.getpid()})
        assert cpu_of_trees({waiting.pid, os.getpid()}) < cpu_of_trees({os.getpid()}) + 0.1
        waiting.communicate(b"\n")
    assert cpu_of_trees({waiting.pid}) == 0.0


def test_the_machine_is_looked_at_before_between_and_after_the_rounds() -> None:
    watch = Neighbours(os.getpid(), 0.01)
    watch.rest("before the first round")
    for number in (1, 2):
        with watch.working(f"round {number}"):
            pass
    assert [(look.when, look.most) for look in watch.looks] == [
        ("before the first round", MOST_AT_REST),
        ("during round 1", MOST_AT_WORK),
        ("after round 1", MOST_AT_REST),
        ("during round 2", MOST_AT_WORK),
        ("after round 2", MOST_AT_REST),
    ]
    assert all(look.taken >= 0 for look in watch.looks)


@pytest.mark.parametrize(
    ("report", "code", "told"),
    [
        (a_report(), 0, "met"),
        (a_report((3.4, 3.6, 3.6, 3.6, 3.6)), 0, "not decided"),
        (a_report((3.6,) * 5), 1, "the bar is at most 3.50."),
        (a_report((3.6,) * 5, looks=[a_look(0.5)]), BUSY, "This machine is busy"),
        (
            a_report(looks=[a_look(0.5)], answers={Way.BOOKING: {"_201": 9, "_500": 1}}),
            1,
            "5 × 500",
        ),
    ],
    ids=["met", "not decided", "missed", "busy", "busy and wrong"],
)
def test_the_exit_code_says_what_was_found(
    report: Report, code: int, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "measure", lambda *_, **__: report)
    file = tmp_path / "figures.json"
    bench = CliRunner().invoke(app, ["bench", "--json", str(file)])
    assert bench.exit_code == code, bench.output
    assert told in bench.output
    assert "multiples" in file.read_text()


@pytest.mark.parametrize(
    ("times", "rounds", "verdict"),
    [
        ((3.4, *(3.6,) * 4), 5, Verdict.UNDECIDED),
        ((*(3.6,) * 5, 3.4, 3.4, *(3.6,) * 3), 10, Verdict.UNDECIDED),
        ((*(3.6,) * 5, 3.4, *(3.6,) * 4), 10, Verdict.MISSED),
    ],
)
def test_a_bar_is_missed_for_good_where_as_many_rounds_again_miss_it(
    times: Sequence[float], rounds: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming, steps = iter(rounds_of(times, (0.5,) * len(times))), []

    def one(_: Round, tell: Callable[[str], None]) -> Samples:
        tell("a round")
        return next(coming)

    async def seeded(*_: object) -> str:
        return "18"

    @contextmanager
    def place(_: object) -> Iterator[tuple[Path, MagicMock]]:
        yield Path(), MagicMock()

    monkeypatch.setattr(Round, "run", one)
    monkeypatch.setattr(run, "seeded", seeded)
    monkeypatch.setattr(run, "own_place", place)
    for name in ("Pgbench", "ServerUser", "binaries_for"):
        monkeypatch.setattr(run, name, MagicMock())
    monkeypatch.setattr(run, "Neighbours", lambda *_: Neighbours(os.getpid(), 0.0))
    monkeypatch.setattr(run.machine, "described", lambda *_: {})
    monkeypatch.setattr(Look, "is_busy", False)
    report = run.measure(Plan(), postgres_bin=None, progress=lambda *step: steps.append(step))
    assert (report.rounds, report.cpu[Way.BOOKING].verdict) == (rounds, verdict)
    assert report.cpu[Way.BOOKING].found.rounds == pytest.approx(tuple(times))
    assert [what for *_, what in steps] == ["seeding", *["a round"] * rounds]
    assert len({total for _, total, _ in steps}) == rounds // 5
    told = "\n".join(report.lines())
    assert f"medians of {rounds} rounds" in told
    assert ("so as many followed" in told) is (rounds > 5)


def test_the_exit_code_of_a_busy_machine_means_nothing_else_and_is_documented() -> None:
    assert BUSY not in {0, PROGRAM_FAILED, USAGE, DATABASE, ADDRESS, STOPPED}
    said = " ".join(CliRunner().invoke(app, ["bench", "--help"]).output.split())
    assert f"{BUSY} others kept the machine busy" in said


def test_a_quick_run_has_no_verdict_however_busy_the_machine_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = a_report((9.0,), rates=(0.1,), looks=[a_look(1.0)])
    monkeypatch.setattr(run, "measure", lambda *_, **__: report)
    assert CliRunner().invoke(app, ["bench", "--quick"]).exit_code == 0


def test_a_measure_tells_itself_to_machines() -> None:
    found = Estimate.of([3.0, 4.0])
    measure = Measure(
        title="x", found=found, bar=Bar(3.5, is_most=True), unit=".2f", verdict=Verdict.UNDECIDED
    )
    assert measure.as_json() == {
        "median": 3.5,
        "interval": [3.0, 4.0],
        "rounds": [3.0, 4.0],
        "bar": 3.5,
        "verdict": "not decided",
    }
