"""The command `booking-system weave`, without the running."""

import pytest
import typer

from booking_lab.weave.coincidences import SOMETIMES
from booking_lab.weave.command import _range, weave
from booking_lab.weave.many import One, Report
from booking_lab.weave.progress import Lines, progress


def test_seeds_are_a_range_without_its_end() -> None:
    assert list(_range("3:6")) == [3, 4, 5]
    for wrong in ("", "3", "6:3", "3:3", "a:b", "-1:4"):
        with pytest.raises(typer.BadParameter):
            _range(wrong)


def test_one_subject_is_woven_at_a_time() -> None:
    with pytest.raises(typer.BadParameter, match="one at a time"):
        weave(seeds="0:1", messages=True, payments=True)


def test_a_report_counts_coincidences_and_names_what_never_came() -> None:
    report, (first, *others) = Report(), SOMETIMES
    report.add(One(1, 20, frozenset({first}), ()))
    report.add(One(2, 10, frozenset({first}), ("Ann: something", "Ann: something")))

    lines = list(report.lines())

    assert lines[0] == "2 schedules, 30 steps, 1 went wrong"
    assert lines[1].split() == ["2", *first.split()]
    assert lines[-1] == "seed 2: Ann: something"
    assert report.missed() == others
    assert report.missed(least=3) == [first, *others]


def _grown(report: Report, seeds: int) -> Report:
    for seed in range(report.seeds, seeds):
        report.add(One(seed, 1, frozenset(), ("Ann: something",) if seed == 3 else ()))
    return report


def test_a_line_tells_of_each_tenth_and_of_each_minute_without_one() -> None:
    report, said, moments = Report(), list[str](), iter([0.0, 1.0, 50.0, 61.0, 70.0, 121.0])
    tell = Lines(40, said.append, clock=lambda: next(moments))

    for seeds in (3, 4, 5, 6, 7):
        tell(_grown(report, seeds))

    assert said == [
        "4 of 40 schedules, 1 went wrong",
        "7 of 40 schedules, 1 went wrong",
    ]


def test_without_a_terminal_lines_come_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(10) as tell:
        tell(_grown(Report(), 1))
        told = capsys.readouterr()
        assert (told.out, told.err) == ("", "1 of 10 schedules, 0 went wrong\n")
