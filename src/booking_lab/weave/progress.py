"""Tells how far many seeds have come: by a bar, or by lines where there is no terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from booking_lab.weave.many import Report

SECONDS = 60.0
Tell = Callable[[Report], None]


class Lines:
    """A line for each tenth of the whole, and for each minute in which there was none."""

    def __init__(
        self,
        total: int,
        say: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`say` is given each line; `clock` counts seconds."""
        self._total, self._say, self._clock = total, say, clock
        self._tenths, self._last = 0, clock()

    def __call__(self, report: Report) -> None:
        """Say how far it is, if it is time to."""
        tenths, now = 10 * report.seeds // self._total, self._clock()
        if tenths > self._tenths or now - self._last >= SECONDS:
            self._tenths, self._last = tenths, now
            wrong = len(report.wrong)
            self._say(f"{report.seeds} of {self._total} schedules, {wrong} went wrong")


@contextmanager
def progress(total: int) -> Iterator[Tell]:
    """Give what tells of the report each time that it has grown, to people who wait for it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(total, lambda line: console.print(line, highlight=False))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("schedules", total=total)
        yield lambda report: bar.update(task, completed=report.seeds)
