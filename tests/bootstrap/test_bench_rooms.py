"""The bench of rooms: its arithmetic, and a short run of all of it."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from booking_lab.bench.rooms.plan import RoomsPlan
from booking_lab.bench.rooms.report import RoomsReport
from booking_lab.bench.rooms.talkers import Heard
from booking_system.bootstrap.cli import app


def a_report(plan: RoomsPlan, *, way: float = 0.01, lost: int = 0, after: int = 0) -> RoomsReport:
    heard = Heard(
        ways=[0.001] * 98 + [way, way],
        lost=lost,
        before=100_000_000,
        after=100_000_000 + after,
        connections=1000,
    )
    return RoomsReport(plan=plan, machine={}, heard=heard, cpu_seconds=1.0, looks=[])


def test_what_is_below_the_bars_is_well() -> None:
    report = a_report(RoomsPlan(), way=0.0999, after=99_000_000)
    assert report.missed() == []
    assert report.connection_kb == 99
    assert any("99th percentile 99.9 ms" in line for line in report.lines())
    assert report.as_json()["connection_kb"] == 99


def test_what_is_above_them_is_missed_and_a_short_run_gives_no_verdict() -> None:
    late: dict[str, float] = {"way": 0.1}
    more = {"after": 100_000_000}
    assert a_report(RoomsPlan(), **late, **more).missed() == [
        "The way of a message takes too long.",
        "A connection takes too much memory.",
    ]
    assert a_report(RoomsPlan.quick(), **late, **more).missed() == []
    assert a_report(RoomsPlan.quick(), lost=2).missed() == ["2 messages never came."]


@pytest.mark.proof
def test_a_short_run_brings_every_message(tmp_path: Path) -> None:
    file = tmp_path / "rooms.json"
    done = CliRunner().invoke(app, ["bench", "--rooms", "--quick", "--json", str(file)])
    assert done.exit_code == os.EX_OK, done.output
    found = json.loads(file.read_text())
    assert (found["lost"], found["missed"]) == (0, [])
    assert found["way_ms"]["50"] > 0
