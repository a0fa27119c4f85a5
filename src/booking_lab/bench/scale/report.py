"""What the comparison has shown: two tables for people, JSON for machines, and a verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from booking_lab.bench.figures import Row, row_of
from booking_lab.bench.scale.buffers import Touched, plans_of
from booking_lab.bench.scale.plan import CLIENTS, ScalePlan, Which
from booking_lab.bench.scale.searches import NEXT, PATHS, SLOTS
from booking_lab.bench.scale.turns import Samples

MOST_TIMES_BUFFERS = 1.5
MOST_TIMES_SLOWER = 1.5
BARS = (SLOTS, NEXT)
"""Whose 99th percentile has a bar; the calendar is shown beside them."""
BUFFERS_HEAD = ("buffers per search", "small", "large", "times")
TURNS_HEAD = (
    f"{CLIENTS} clients",
    "p50 ms",
    "p50 ms",
    "p99 ms",
    "p99 ms",
    "times",
    "per s",
    "per s",
    "DB µs",
    "DB µs",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A database. `load_seconds` None: it was kept from an earlier run."""

    slots: int
    size_bytes: int
    load_seconds: float | None

    def told(self) -> str:
        """Say it in a line."""
        took = "kept" if self.load_seconds is None else f"loaded in {self.load_seconds:.0f} s"
        return f"{self.slots:,} slots, {self.size_bytes / 1e9:.2f} GB, {took}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleReport:
    """Pages by the title of a kind of search, samples by path and database."""

    machine: Mapping[str, str]
    plan: ScalePlan
    filled: Mapping[Which, Filled]
    touched: Mapping[Which, Mapping[str, Touched]]
    samples: Samples

    def missed(self) -> list[str]:
        """Return a sentence for each bar that was not reached, and for answers not hoped for."""
        verdicts = [self._buffers_verdict(), *map(self._latency_verdict, BARS)]
        return [*(told for is_met, told in verdicts if not is_met), *self._unhoped()]

    def lines(self) -> Iterator[str]:
        """Return the text for the operator."""
        yield from (f"{name}: {value}" for name, value in self.machine.items())
        for which, filled in self.filled.items():
            yield f"{which}: {self.plan.size_of(which).doctors:,} doctors, {filled.told()}"
        yield ""
        yield _line(BUFFERS_HEAD, 32)
        for title, times in self._times_touched().items():
            few, many = (self.touched[which][title].buffers for which in Which)
            yield _line((title, f"{few:,.0f}", f"{many:,.0f}", f"{times:.2f}"), 32)
        yield ""
        yield f"medians of {self.plan.turns} turns of {self.plan.seconds:g} s each; small, large"
        yield _line(TURNS_HEAD, 20)
        for path in PATHS:
            yield _line((path, *self._cells(path)), 20)
        yield ""
        met = [self._buffers_verdict(), *map(self._latency_verdict, BARS)]
        yield from (told for is_met, told in met if is_met)

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines; docs/measurements.md names the keys."""
        return {
            "machine": dict(self.machine),
            "plan": asdict(self.plan),
            "filled": {which.value: asdict(one) for which, one in self.filled.items()},
            "buffers": {
                title: {which.value: self.touched[which][title].buffers for which in Which}
                for title in self._times_touched()
            },
            "plans": {which.value: plans_of(self.touched[which]) for which in Which},
            "turns": {
                path: {which.value: asdict(self._row(path, which)) for which in Which}
                for path in PATHS
            },
            "times": {path: self._times_slower(path) for path in PATHS},
            "bars": {"buffers": MOST_TIMES_BUFFERS, "p99": MOST_TIMES_SLOWER},
            "missed": self.missed(),
        }

    def _times_touched(self) -> dict[str, float]:
        small, large = self.touched[Which.SMALL], self.touched[Which.LARGE]
        return {title: large[title].buffers / small[title].buffers for title in small}

    def _times_slower(self, path: str) -> float:
        return self._p99(path, Which.LARGE) / self._p99(path, Which.SMALL)

    def _p99(self, path: str, which: Which) -> float:
        """The median of the turns, in milliseconds."""
        found = [sample.latency_ms(99) for sample in self.samples[path, which]]
        return median(found)

    def _buffers_verdict(self) -> tuple[bool, str]:
        times = self._times_touched()
        worst = max(times, key=times.__getitem__)
        is_met = times[worst] <= MOST_TIMES_BUFFERS
        return is_met, (
            f"Buffers: the search {worst} touches {times[worst]:.2f} times as many at size, "
            f"more than any other; {_judged(MOST_TIMES_BUFFERS, is_met=is_met)}"
        )

    def _latency_verdict(self, path: str) -> tuple[bool, str]:
        times = self._times_slower(path)
        is_met = times <= MOST_TIMES_SLOWER
        return is_met, (
            f"GET {path}: the 99th percentile at size is {times:.2f} times the other; "
            f"{_judged(MOST_TIMES_SLOWER, is_met=is_met)}"
        )

    def _unhoped(self) -> Iterator[str]:
        for (path, which), samples in self.samples.items():
            if others := sum(sample.others for sample in samples):
                yield f"GET {path}, {which}: {others} answers were not a 200."

    def _row(self, path: str, which: Which) -> Row:
        return row_of(self.samples[path, which])

    def _cells(self, path: str) -> Iterator[str]:
        rows = [self._row(path, which) for which in Which]
        yield from (f"{row.p50_ms:.1f}" for row in rows)
        yield from (f"{row.p99_ms:.1f}" for row in rows)
        yield f"{self._times_slower(path):.2f}"
        yield from (f"{row.rate:,.0f}" for row in rows)
        yield from (f"{row.database_us or 0:,.0f}" for row in rows)


def _judged(bar: float, *, is_met: bool) -> str:
    return f"the bar is {bar} times: {'met' if is_met else 'missed'}."


def _line(cells: Sequence[str], first: int) -> str:
    return f"{cells[0]:{first}}" + "".join(f"{cell:>9}" for cell in cells[1:])
