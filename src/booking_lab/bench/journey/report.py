"""What the journey has cost: its sum first, a table for people, JSON for machines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from booking_lab.bench.figures import MILLI, Estimate, Row, cpu_multiple, row_of
from booking_lab.bench.journey.plan import JourneyPlan, Step, Which
from booking_lab.bench.journey.walk import PATHS, Pair
from booking_lab.bench.neighbours import Look, busy_sentences
from booking_lab.bench.processes import TICKS
from booking_lab.bench.report import OVERLOADED

Pairs = dict[tuple[Which, Step], list[Pair]]
WRITES = {Step.HOLD, Step.BOOK}
MARKED_FROM = 8.0
"""A step whose API takes more than so many times as long as bare FastAPI needs a reason."""
TITLES = {step: f"{'POST' if step in WRITES else 'GET'} {path}" for step, path in PATHS.items()}
HEAD = ("", "per s", "others", "p50 ms", "p99 ms", "API µs", "DB µs", "load µs",
        "bare API", "API ×", "", "all ×", "interval")  # fmt: skip
WIDTHS = (44, 9, 8, 8, 8, 8, 8, 9, 10, 8, 2, 8, 17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step: its medians, those of bare FastAPI, and the processor times as multiples.

    `api` compares the two API processes, `cpu` all of API, database and load.
    """

    row: Row
    bare: Row
    api: Estimate
    cpu: Estimate

    @property
    def is_marked(self) -> bool:
        """Say whether the API takes so long that a reason has to be given."""
        return self.api.median > MARKED_FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Each step once, as a multiple of bare FastAPI's answers, and in milliseconds."""

    multiple: Estimate
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyReport:
    """The figures of all rounds, and what others did meanwhile. There are no bars."""

    machine: Mapping[str, str]
    plan: JourneyPlan
    sums: Mapping[Which, Sum]
    stages: Mapping[Which, Mapping[Step, Stage]]
    looks: Sequence[Look]

    @classmethod
    def of(
        cls,
        pairs: Pairs,
        machine: Mapping[str, str],
        plan: JourneyPlan,
        looks: Sequence[Look] = (),
    ) -> "JourneyReport":
        """Sum up the rounds."""
        return cls(
            machine=machine,
            plan=plan,
            sums={which: _sum([pairs[which, step] for step in Step]) for which in Which},
            stages={which: {step: _stage(pairs[which, step]) for step in Step} for which in Which},
            looks=looks,
        )

    def missed(self) -> list[str]:
        """Return a sentence for each step with answers that must not be."""
        return list(self._unhoped())

    def busy(self) -> list[str]:
        """Return a sentence where others took too much for figures to go by."""
        return list(busy_sentences(self.looks))

    def _unhoped(self) -> Iterator[str]:
        for which, stages in self.stages.items():
            for step, stage in stages.items():
                row = stage.row
                if row.others > row.statuses.get(OVERLOADED, 0):
                    counts = ", ".join(f"{count} × {code}" for code, count in row.statuses.items())
                    yield f"{TITLES[step]}, {which}: answers that should not be: {counts}."

    def lines(self) -> Iterator[str]:
        """Return the text for the operator."""
        yield f"A journey of {len(Step)} requests, in multiples of what bare FastAPI takes for as"
        yield "many answers of the same lengths (processor time of API, database and load):"
        for which, whole in self.sums.items():
            found = whole.multiple
            yield (
                f"{which:6}{found.median:7.2f}  ({found.low:.2f} to {found.high:.2f})"
                f"  {whole.cpu_ms:.1f} ms"
            )
        yield "The interval holds the true median at least nine times in ten, of five rounds from"
        yield "the smallest to the largest value."
        yield ""
        yield from (f"{name}: {value}" for name, value in self.machine.items())
        yield f"medians of {self.plan.rounds} rounds of {self.plan.seconds:g} s each"
        for which, stages in self.stages.items():
            yield ""
            yield _line((f"{which} database", *HEAD[1:]))
            for step, stage in stages.items():
                yield _line((_title(step), *_cells(stage)))
        yield ""
        yield "µs: processor time per answer. API ×: of the API alone, all ×: with database and"
        yield f"load. *: more than {MARKED_FROM:g} × the API time of bare FastAPI."

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines; docs/measurements.md names the keys."""
        return {
            "journeys": {
                which.value: {
                    "multiple": asdict(whole.multiple),
                    "cpu_ms": whole.cpu_ms,
                    "rows": {
                        step.value: {**asdict(stage), "is_marked": stage.is_marked}
                        for step, stage in self.stages[which].items()
                    },
                }
                for which, whole in self.sums.items()
            },
            "machine": dict(self.machine),
            "plan": asdict(self.plan),
            "looks": [asdict(look) for look in self.looks],
            "busy": self.busy(),
            "missed": self.missed(),
        }


def _sum(steps: Sequence[Sequence[Pair]]) -> Sum:
    """Add up the steps round by round."""
    rounds = list(zip(*steps, strict=True))
    ours = [sum(own.cpu_us for own, _ in pairs) for pairs in rounds]
    theirs = [sum(bare.cpu_us for _, bare in pairs) for pairs in rounds]
    return Sum(
        multiple=Estimate.of([one / other for one, other in zip(ours, theirs, strict=True)]),
        cpu_ms=median(ours) / MILLI,
    )


def _stage(pairs: Sequence[Pair]) -> Stage:
    own, bare = [one for one, _ in pairs], [other for _, other in pairs]
    return Stage(
        row=row_of(own),
        bare=row_of(bare),
        api=Estimate.of([_api_multiple(pair) for pair in pairs]),
        cpu=cpu_multiple(own, bare),
    )


def _api_multiple(pair: Pair) -> float:
    # Less than a tick of the kernel's clock cannot be told from nothing.
    own, bare = (max(one.cpu.api or 0.0, 1 / TICKS) / one.answers for one in pair)
    return own / bare


def _title(step: Step) -> str:
    return f"{list(Step).index(step) + 1}  {TITLES[step]}"


def _cells(stage: Stage) -> Iterator[str]:
    row = stage.row
    yield f"{row.rate:,.0f}"
    yield f"{row.others or ''}"
    yield f"{row.p50_ms:.1f}"
    yield f"{row.p99_ms:.1f}"
    for cost in (row.api_us, row.database_us, row.load_us, stage.bare.api_us):
        yield f"{cost or 0.0:,.0f}"
    yield f"{stage.api.median:.1f}"
    yield "*" if stage.is_marked else ""
    yield f"{stage.cpu.median:.1f}"
    yield f"{stage.cpu.low:.1f} to {stage.cpu.high:.1f}"


def _line(cells: Sequence[str]) -> str:
    first, *others = zip(cells, WIDTHS, strict=True)
    return f"{first[0]:{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in others)
