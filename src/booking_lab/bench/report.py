"""What the bench has found: multiples first, a table for people, JSON for machines, a verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from booking_lab.bench.figures import Row, Sample, cpu_multiple, rate_share, row_of
from booking_lab.bench.neighbours import Look, busy_sentences
from booking_lab.bench.plan import FEWEST_ROUNDS, Plan
from booking_lab.bench.rounds import Samples, Way
from booking_lab.bench.verdict import HEAD as MEASURES_HEAD
from booking_lab.bench.verdict import Bar, Measure, Verdict

TITLES = {
    Way.UNGUARDED: "a0 pgbench: the same, unguarded",
    Way.TRANSACTION: "a1 pgbench: bare transaction",
    Way.STATEMENTS: "a2 pgbench: our statements",
    Way.BOOKING: "b  POST /v1/bookings",
    Way.RACE: "c  64 rivals, one slot",
    Way.SLOTS: "d  GET /v1/slots, a week",
    Way.FASTAPI: "e  bare FastAPI, same bytes",
    Way.RAW: "f  raw server, same bytes",
}
CEILINGS = {
    Way.STATEMENTS: Way.TRANSACTION,
    Way.BOOKING: Way.TRANSACTION,
    Way.SLOTS: Way.FASTAPI,
}
CPU_BARS = {Way.BOOKING: Bar(3.5, is_most=True), Way.SLOTS: Bar(3.2, is_most=True)}
"""The most processor time of an answer, as a multiple of its baseline's."""
RATE_BARS = {Way.BOOKING: Bar(0.24, is_most=False), Way.SLOTS: Bar(0.45, is_most=False)}
"""The least share of its baseline's rate that each has to reach."""
OVERLOADED = 503
HEAD = ("", "per s", "others", "p50 ms", "p95 ms", "p99 ms", "API µs", "DB µs", "load µs", "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of all rounds, and what others did meanwhile."""

    machine: Mapping[str, str]
    plan: Plan
    rows: Mapping[Way, Row]
    cpu: Mapping[Way, Measure]
    rate: Mapping[Way, Measure]
    looks: Sequence[Look]
    rounds: int

    @classmethod
    def of(
        cls,
        rounds: Sequence[Samples],
        machine: Mapping[str, str],
        plan: Plan,
        looks: Sequence[Look] = (),
    ) -> "Report":
        """Sum up the rounds."""
        by_way = {way: [samples[way] for samples in rounds] for way in TITLES}
        judges = len(rounds) >= FEWEST_ROUNDS and not any(look.is_busy for look in looks)
        return cls(
            machine=machine,
            plan=plan,
            rows={
                way: row_of(samples, by_way[CEILINGS[way]] if way in CEILINGS else ())
                for way, samples in by_way.items()
            },
            cpu={way: _cpu(way, by_way, judges=judges) for way in CPU_BARS},
            rate={way: _rate(way, by_way, judges=judges) for way in RATE_BARS},
            looks=looks,
            rounds=len(rounds),
        )

    @property
    def has_missed_a_bar(self) -> bool:
        """Say whether a bar was missed."""
        return any(self._missed())

    def missed(self) -> list[str]:
        """Return a sentence for each bar that was missed, and for answers that must not be."""
        return [*(one.sentence for one in self._missed()), *self._unhoped()]

    def busy(self) -> list[str]:
        """Return a sentence where others took too much for a verdict."""
        return list(busy_sentences(self.looks))

    def _missed(self) -> Iterator[Measure]:
        for one in (*self.cpu.values(), *self.rate.values()):
            if one.verdict is Verdict.MISSED:
                yield one

    def _unhoped(self) -> Iterator[str]:
        judges = any(measure.verdict for measure in self.cpu.values())
        for way, row in self.rows.items():
            slow = way is Way.RACE or not judges
            wrong = row.others - (row.statuses.get(OVERLOADED, 0) if slow else 0)
            if wrong:
                counts = ", ".join(f"{count} × {code}" for code, count in row.statuses.items())
                yield f"{_name(way)} had answers that it should not have: {counts}."

    def lines(self) -> Iterator[str]:
        """Return the text for the operator."""
        yield "Processor time of an answer (API + database + load) in multiples of the baseline's:"
        yield MEASURES_HEAD
        yield from (measure.line for measure in self.cpu.values())
        yield from (measure.line for measure in self.rate.values())
        yield "Each round is compared with its own baseline. The interval holds the true median at"
        yield f"least nine times in ten, of {FEWEST_ROUNDS} rounds from the smallest to the largest"
        yield "value; a bar inside of it is not decided."
        if self.rounds > self.plan.rounds:
            yield f"A bar was missed in the first {self.plan.rounds} rounds, so as many followed."
        yield ""
        yield from (f"{name}: {value}" for name, value in self.machine.items())
        plan = self.plan
        yield f"medians of {self.rounds} rounds, in each {plan.seconds:g} s in {plan.turns} turns"
        yield ""
        yield _line(HEAD)
        for way, row in self.rows.items():
            yield _line((TITLES[way], *_cells(row)))
        drive = self.rows[Way.RAW].rate / self.rows[Way.FASTAPI].rate
        yield ""
        yield "Shares: a2 and b of a1, d of e. µs: processor time per answer; others: not counted."
        yield f"The load generator drives {drive:.1f} times the rate of bare FastAPI."

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines; docs/measurements.md names the keys."""
        return {
            "multiples": {
                way.value: {
                    "of": CEILINGS[way].value,
                    "cpu": self.cpu[way].as_json(),
                    "rate": self.rate[way].as_json(),
                }
                for way in self.cpu
            },
            "machine": dict(self.machine),
            "plan": asdict(self.plan),
            "rows": {way.value: asdict(row) for way, row in self.rows.items()},
            "looks": [asdict(look) for look in self.looks],
            "busy": self.busy(),
            "missed": self.missed(),
        }


ByWay = Mapping[Way, Sequence[Sample]]


def _cpu(way: Way, by_way: ByWay, *, judges: bool) -> Measure:
    found = cpu_multiple(by_way[way], by_way[CEILINGS[way]])
    bar = CPU_BARS[way]
    verdict = bar.judge(found) if judges else None
    return Measure(title=f"{_pair(way)}: time", found=found, bar=bar, unit=".2f", verdict=verdict)


def _rate(way: Way, by_way: ByWay, *, judges: bool) -> Measure:
    found = rate_share(by_way[way], by_way[CEILINGS[way]])
    bar = RATE_BARS[way]
    verdict = bar.judge(found) if judges else None
    return Measure(title=f"{_pair(way)}: rate", found=found, bar=bar, unit=".1%", verdict=verdict)


def _pair(way: Way) -> str:
    mark, ceiling = (TITLES[one].split(maxsplit=1)[0] for one in (way, CEILINGS[way]))
    return f"{mark} of {ceiling}, {_name(way)}"


def _name(way: Way) -> str:
    return TITLES[way].split(maxsplit=1)[1]


def _cells(row: Row) -> Iterator[str]:
    yield f"{row.rate:,.0f}"
    yield f"{row.others or ''}"
    yield from (f"{value:.1f}" for value in (row.p50_ms, row.p95_ms, row.p99_ms))
    for cost in (row.api_us, row.database_us, row.load_us):
        yield "" if cost is None else f"{cost:,.0f}"
    yield "" if row.share is None else f"{row.share:.0%}"


def _line(cells: Sequence[str]) -> str:
    return f"{cells[0]:31}" + "".join(f"{cell:>9}" for cell in cells[1:])
