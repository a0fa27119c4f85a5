"""No request costs more than `ledger.json` says, and none less without a word.

`make costs` writes the file anew: a figure that rises is a line there, and a sentence in the commit
that says what it buys. Calls and bytecodes belong to a version of Python; of another one, only what
does not depend on Python is compared.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bootstrap.processes import environment, running
from tests.forked import forked
from tests.postgres import TestServer

LEDGER = Path(__file__).with_name("ledger.json")
SHARE = 0.01
"""So much more, or less, is another cost; unchanged code differs by a tenth of that."""
SOME_MORE = {"reads": 1, "wal_records": 1, "wal_bytes": 64}
"""What one more page, or an answer in two pieces, makes of unchanged code."""
OF_PYTHON = {"calls", "bytecodes"}


def counted(url: str, place: Path, *program: str) -> dict[str, Any]:
    """`program` stands where the command that an operator has would be, in a process of its own."""
    file = place / "counted.json"
    told_where = ("--database", url, "--json", str(file))
    with (
        running(*program, *told_where, env=environment(), cwd=place)
        if program
        else forked("cost", *told_where, env=environment(), cwd=place) as process
    ):
        assert process.stdout is not None
        told = process.stdout.read()
        assert process.wait() == 0, told
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def differences(found: dict[str, Any], ledger: dict[str, Any]) -> Iterator[str]:
    """A line for each figure that is not as it is written down."""
    if found["operations"].keys() != ledger["operations"].keys():
        yield "the ledger has other operations: make costs"
        return
    for operation, figures in found["operations"].items():
        written = ledger["operations"][operation]
        for name, figure in figures.items():
            if name in OF_PYTHON and found["python"] != ledger["python"]:
                continue
            slack = max(SHARE * written[name], SOME_MORE.get(name, 0))
            if abs(figure - written[name]) > slack:
                word = "more" if figure > written[name] else "less"
                yield f"{operation}: {figure:,} {name}, {word} than {written[name]:,}"
    for table, counts in found["tables"].items():
        for name, count in counts.items():
            if count != ledger["tables"][table][name]:
                yield f"{table}: {count} {name}, not {ledger['tables'][table][name]}"


async def test_no_request_costs_another_sum_than_is_written_down(
    postgres: TestServer, tmp_path: Path
) -> None:
    ledger = json.loads(LEDGER.read_text())
    async with postgres.database() as url:
        found = counted(url, tmp_path)
    told = list(differences(found, ledger))
    assert told == [], "`make costs` writes it down"


@pytest.mark.parametrize(
    ("name", "figure", "expected"),
    [
        ("calls", 1011, "booking: 1,011 calls, more than 1,000"),
        ("calls", 989, "booking: 989 calls, less than 1,000"),
        ("calls", 1010, None),
        ("writes", 8, "booking: 8 writes, more than 7"),
        ("wal_records", 23, None),
        ("wal_records", 24, "booking: 24 wal_records, more than 22"),
    ],
)
def test_a_hundredth_more_or_less_is_told(name: str, figure: int, expected: str | None) -> None:
    written = {"calls": 1000, "writes": 7, "wal_records": 22}
    ledger = {"python": "3.11", "operations": {"booking": written}, "tables": {}}
    found = {"python": "3.11", "operations": {"booking": written | {name: figure}}, "tables": {}}
    assert list(differences(found, ledger)) == ([expected] if expected else [])
    other = list(differences(found | {"python": "3.99"}, ledger))
    assert other == ([expected] if expected and name not in OF_PYTHON else [])


def test_each_constraint_and_index_is_a_line() -> None:
    ledger = {"python": "3.11", "operations": {}, "tables": {"outbox": {"indexes": 1}}}
    found = {"python": "3.11", "operations": {}, "tables": {"outbox": {"indexes": 2}}}
    assert list(differences(found, ledger)) == ["outbox: 2 indexes, not 1"]
    more = found | {"operations": {"another": {}}}
    assert list(differences(more, ledger)) == ["the ledger has other operations: make costs"]
