"""The bench of several instances: its arithmetic, and a short run of all of it."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from booking_lab.bench.figures import Cpu, Sample
from booking_lab.bench.instances.plan import InstancesPlan, Kind, Setup
from booking_lab.bench.instances.report import FIRST, InstancesReport
from booking_system.bootstrap.cli import app

ANSWERS = 1000


def a_sample(api_us: float, *, redis_us: float = 0.0, others: int = 0) -> Sample:
    cpu = Cpu(api=api_us / 1000, database=0.5, redis=redis_us / 1000, load=0.1)
    statuses = {200: ANSWERS, 503: others}
    return Sample(
        answers=ANSWERS, seconds=2.0, latencies=[0.01], cpu=cpu, statuses=statuses, others=others
    )


def a_report(others: int = 0) -> InstancesReport:
    plan = InstancesPlan(most=2)
    samples = {(setup, kind): [a_sample(400.0)] * 5 for setup in plan.setups for kind in Kind}
    samples[Setup(2, shares=True), Kind.PAGES] = [
        a_sample(900.0, redis_us=100.0, others=others)
    ] * 5
    return InstancesReport(plan=plan, machine={"cores": "2"}, samples=samples, looks=[])


def test_each_setup_is_compared_with_one_instance_alone() -> None:
    report = a_report()
    first = report.line(FIRST, Kind.PAGES)
    assert (first.multiple.median, first.api_us, first.rate) == (1.0, 400.0, 500.0)
    assert first.busy == pytest.approx(1.0 / 2.0 / 2)
    last = report.line(Setup(2, shares=True), Kind.PAGES)
    assert last.multiple.median == pytest.approx(1.6)
    assert (last.redis_us, last.database_us) == (100.0, 500.0)


def test_it_says_what_follows_for_larger_machines() -> None:
    text = "\n".join(a_report().lines())
    assert "pages, with Redis: a processor of the API does 778 a second at 70%" in text
    assert "1.8 of the API for each of the database" in text
    assert a_report().missed() == []
    assert a_report(others=3).missed() == ["15 answers were neither 200 nor 201."]


@pytest.mark.proof
def test_a_short_run_asks_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "instances.json"
    done = CliRunner().invoke(app, ["bench", "--instances", "--quick", "--json", str(file)])
    assert done.exit_code == os.EX_OK, done.output
    found = json.loads(file.read_text())
    assert len(found["setups"]) == 2 * 2 * len(Kind)
    assert all(one["rate"] > 0 and one["database_us"] > 0 for one in found["setups"])
    assert found["missed"] == []
