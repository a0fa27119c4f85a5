"""What several instances do: a table, what it says of larger machines, JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from booking_lab.bench.figures import MICRO, Estimate, Sample, cpu_multiple
from booking_lab.bench.instances.plan import InstancesPlan, Kind, Setup
from booking_lab.bench.neighbours import Look, busy_sentences

Samples = dict[tuple[Setup, Kind], list[Sample]]
HEAD = ("", "per s", "p50 ms", "p99 ms", "API µs", "DB µs", "Redis µs", "load µs", "busy",
        "all ×", "interval")  # fmt: skip
WIDTHS = (28, 8, 8, 8, 8, 8, 10, 9, 7, 8, 14)
FIRST = Setup(1, shares=False)
USED = 0.7
"""So much of a processor is used where answers still come soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The medians of a setup; times of processors in microseconds for each answer.

    `busy` is the part of the machine's processors that all of it used, `multiple` the processor
    time of an answer against that of one instance without Redis in the same round.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    api_us: float
    database_us: float
    redis_us: float
    load_us: float
    busy: float
    multiple: Estimate
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancesReport:
    """The figures of all rounds, and what others did meanwhile. There are no bars."""

    plan: InstancesPlan
    machine: Mapping[str, str]
    samples: Samples
    looks: Sequence[Look]

    def line(self, setup: Setup, kind: Kind) -> Line:
        """Sum the rounds of a setup up."""
        samples, first = self.samples[setup, kind], self.samples[FIRST, kind]
        cores = int(self.machine.get("cores", 1))

        def middle(*values: float) -> float:
            return median(values)

        def cost(part: str) -> float:
            return median((getattr(one.cpu, part) or 0.0) / one.answers * MICRO for one in samples)

        return Line(
            rate=middle(*(one.rate for one in samples)),
            p50_ms=middle(*(one.latency_ms(50) for one in samples)),
            p99_ms=middle(*(one.latency_ms(99) for one in samples)),
            api_us=cost("api"),
            database_us=cost("database"),
            redis_us=cost("redis"),
            load_us=cost("load"),
            busy=middle(*(one.cpu.whole / one.seconds / cores for one in samples)),
            multiple=cpu_multiple(samples, first),
            others=sum(one.others for one in samples),
        )

    def lines(self) -> Iterator[str]:
        """Yield the text for the operator."""
        for name, value in self.machine.items():
            yield f"{name}: {value}"
        yield (
            f"{self.plan.rounds} rounds of {self.plan.seconds:g} s; pages: {self.plan.reads}"
            f" searches for one of {self.plan.weeks * self.plan.rows.doctors:,} weeks for each"
            " booking"
        )
        yield _row(HEAD)
        for kind in Kind:
            for setup in self.plan.setups:
                yield _row(_cells(f"{kind}, {setup}", self.line(setup, kind)))
        yield ""
        for kind in Kind:
            yield from self._model(kind)

    def _model(self, kind: Kind) -> Iterator[str]:
        """Say what follows for machines with more processors than this one."""
        for shares in (False, True):
            one = self.line(Setup(self.plan.most, shares), kind)
            api, database = (USED * MICRO / us for us in (one.api_us, one.database_us))
            yield (
                f"{kind}, {'with' if shares else 'without'} Redis: a processor of the API does"
                f" {api:,.0f} a second at {USED:.0%}, one of the database {database:,.0f}:"
                f" {one.api_us / one.database_us:.1f} of the API for each of the database."
            )

    def missed(self) -> list[str]:
        """There are no bars; answers that nobody hoped for are told."""
        others = sum(one.others for some in self.samples.values() for one in some)
        return [f"{others} answers were neither 200 nor 201."] if others else []

    def busy(self) -> list[str]:
        """Say why there is no verdict."""
        return list(busy_sentences(self.looks))

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines."""
        return {
            "machine": dict(self.machine),
            "plan": asdict(self.plan),
            "setups": [
                {
                    "kind": kind,
                    "instances": setup.instances,
                    "redis": setup.shares,
                    **asdict(self.line(setup, kind)),
                }
                for setup, kind in self.samples
            ],
            "missed": self.missed(),
        }


def _cells(title: str, line: Line) -> tuple[str, ...]:
    return (
        title,
        f"{line.rate:,.0f}",
        f"{line.p50_ms:.1f}",
        f"{line.p99_ms:.1f}",
        f"{line.api_us:.0f}",
        f"{line.database_us:.0f}",
        f"{line.redis_us:.0f}",
        f"{line.load_us:.0f}",
        f"{line.busy:.0%}",
        f"{line.multiple.median:.2f}",
        f"{line.multiple.low:.2f}-{line.multiple.high:.2f}",
    )


def _row(cells: Sequence[str]) -> str:
    pairs = zip(cells, WIDTHS, strict=True)
    return "".join(
        f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(pairs)
    )
