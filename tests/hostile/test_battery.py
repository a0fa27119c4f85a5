"""Hostile requests at each operation that writes, over real connections: dozens, long hundreds."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.access.table import ROWS
from tests.access.world import a_world
from tests.hostile.battery import CHEAP, STRANGERS, Battery, Report
from tests.hostile.judge import MARKS
from tests.hostile.operations import WRITING, writing_operations
from tests.hostile.stalling import STALLING, metrics_of, stalled
from tests.hostile.victims import Victims
from tests.postgres import TestServer
from tests.servers import serving

FEWEST, FEWEST_LONG = 12, 100
OF_NO_DOCUMENT = {
    *("/v1/unsubscribe/{token}", "/sandbox/checkout/{reference}/{deed}"),
    "/pay/{token}/{provider}",
}
"""They read no body and no query, and are pages for people."""
OF_ONE_ROW = {
    f"DELETE /v1/clinics/{{clinic_id}}/{what}"
    for what in ("email-channel", "sms-channel", "message-templates/{kind}/{language}")
}
"""A clinic has one of each: how many of all who delete it at once find it is left to chance. That
one alone gets as far is asked before and afterwards."""
CHANGING_ONE_ROW = frozenset(
    name.replace("DELETE", method) for name in OF_ONE_ROW for method in ("PUT", "DELETE")
)
NAMES = sorted(
    {
        f"{row.method} {row.path}"
        for row in ROWS
        if row.method in WRITING and row.path not in OF_NO_DOCUMENT
    }
)
PRIVATE_TEXT = re.compile(
    r"\w@\w+\.\w|Example (Patient|Person|Doctor)|First visit|\+4930|eyJ[\w-]{10}|Bearer \S"
)
FAILURES = re.compile(r"internal_error|api_process_restarts|Traceback|\"level\":\s*\"error\"")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(False, id="short"),
        pytest.param(True, id="long", marks=pytest.mark.proof),
    ],
)
async def report(
    request: pytest.FixtureRequest,
    postgres: TestServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    place: Path = tmp_path_factory.mktemp("hostile")
    log = place / "api.log"
    async with postgres.database() as url, a_world(url, place) as world:
        with serving(
            url, place, processes=1, log=log, log_level="debug", log_format="json"
        ) as address:
            host, _, port = address.removeprefix("http://").rpartition(":")
            battery = Battery(
                Victims(world, most=900 if request.param else 40), host, int(port), CHANGING_ONE_ROW
            )
            operations = list(writing_operations())
            kept = postgres.server._cluster.log
            already = kept.stat().st_size
            battery.report.fewest = FEWEST_LONG if request.param else FEWEST
            _, battery.report.stalled = await asyncio.gather(
                battery.fire(operations, long=request.param), stalled(host, int(port))
            )
            battery.report.metrics = await metrics_of(host, int(port))
        battery.report.database_log = kept.read_bytes()[already:].decode(errors="replace")
    battery.report.log = log.read_text(errors="replace")
    return battery.report


def test_every_operation_that_writes_is_shot_at_often(report: Report) -> None:
    assert {name.rpartition(" ")[0] for name in report.sent} == set(NAMES)
    for name, count in report.sent.items():
        assert count >= report.fewest // (1 if name.endswith(" known") else STRANGERS), name


@pytest.mark.parametrize("name", NAMES)
def test_each_is_answered_as_documented_and_repeats_nothing(report: Report, name: str) -> None:
    wrong = report.wrong[name]
    assert not wrong, f"{len(wrong)} answers\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("name", NAMES)
def test_with_credentials_it_gets_as_far_as_the_operation(report: Report, name: str) -> None:
    """Else an answer would say nothing of what stands behind the door."""
    if name.rpartition(" ")[2] not in CHEAP and name not in OF_ONE_ROW:
        done = sum(
            count
            for (seen, group, status), count in report.seen.items()
            if (seen, group) == (f"{name} known", "header") and status < 300
        )
        assert done >= report.fewest // 10


def test_what_is_as_it_should_be_works_before_and_afterwards(report: Report) -> None:
    failed = {name: seen for name, seen in report.well.items() if max(seen) >= 300}
    assert failed == {}


@pytest.mark.parametrize("name", STALLING)
def test_nobody_holds_a_connection_by_stalling(report: Report, name: str) -> None:
    answers = report.stalled[name]
    assert answers is not None, "neither an answer nor the end of the connection"
    for answer in answers:
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        assert answer.status < 400 or is_problem, answer


def test_no_line_of_the_log_repeats_what_came_in(report: Report) -> None:
    lines = report.log.splitlines()
    assert len(lines) > 2
    lines += report.database_log.splitlines()
    assert [line for line in lines if MARKS.search(line.encode())][:5] == []
    assert not MARKS.search(report.metrics)


def test_no_line_of_the_log_names_anybody(report: Report) -> None:
    lines = [*report.log.splitlines(), *report.database_log.splitlines()]
    assert [line for line in lines if PRIVATE_TEXT.search(line)][:5] == []


def test_nothing_broke_on_the_way(report: Report) -> None:
    assert [line for line in report.log.splitlines() if FAILURES.search(line)][:5] == []
