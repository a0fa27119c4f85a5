"""The command `booking-system weave`, without the running."""

import pytest
import typer

from booking_lab.weave.coincidences import SOMETIMES
from booking_lab.weave.command import _range
from booking_lab.weave.many import One, Report


def test_seeds_are_a_range_without_its_end() -> None:
    assert list(_range("3:6")) == [3, 4, 5]
    for wrong in ("", "3", "6:3", "3:3", "a:b", "-1:4"):
        with pytest.raises(typer.BadParameter):
            _range(wrong)


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
