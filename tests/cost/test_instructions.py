"""PostgreSQL does no more for an operation than `instructions.json` says."""

import json
from pathlib import Path

import pytest

from booking_lab.cost.instructions import can_count
from tests.bootstrap.processes import environment, running

LEDGER = Path(__file__).with_name("instructions.json")
PROGRAM = ("-m", "booking_system.bootstrap.cli", "cost", "--instructions")
SHARE = 0.15
"""Bookings are chosen anew each time, so unchanged code differs by up to half of that."""


@pytest.mark.proof
def test_no_operation_makes_the_database_do_more_than_is_written_down(tmp_path: Path) -> None:
    file, written = tmp_path / "counted.json", json.loads(LEDGER.read_text())
    with running(*PROGRAM, "--json", str(file), env=environment(), cwd=tmp_path) as process:
        told, _ = process.communicate(timeout=1800)
    if not can_count():
        assert (process.returncode, "valgrind" in told) == (1, True)
        return
    assert process.returncode == 0, told
    found = json.loads(file.read_text())
    assert found.keys() == written.keys()
    wrong = {
        name: (count, written[name])
        for name, count in found.items()
        if abs(count - written[name]) > SHARE * written[name]
    }
    assert wrong == {}
