"""What the bench has found: a table for people, JSON for machines, and a verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from booking_lab.bench.figures import Row, row_of
from booking_lab.bench.plan import Plan
from booking_lab.bench.rounds import Samples, Way

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
BARS = {Way.BOOKING: 0.25, Way.SLOTS: 0.30}
"""The least share of its ceiling that each has to reach."""
HEAD = ("", "per s", "others", "p50 ms", "p95 ms", "p99 ms", "API µs", "DB µs", "load µs", "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The medians of all rounds."""

    machine: Mapping[str, str]
    plan: Plan
    rows: Mapping[Way, Row]

    @classmethod
    def of(cls, rounds: Sequence[Samples], machine: Mapping[str, str], plan: Plan) -> "Report":
        """Sum up the rounds."""
        by_way = {way: [samples[way] for samples in rounds] for way in TITLES}
        rows = {
            way: row_of(samples, by_way[CEILINGS[way]] if way in CEILINGS else ())
            for way, samples in by_way.items()
        }
        return cls(machine=machine, plan=plan, rows=rows)

    def missed(self) -> list[str]:
        """Return a sentence for each bar that was not reached, and for answers not hoped for."""
        return [*self._too_slow(), *self._unhoped()]

    def _too_slow(self) -> Iterator[str]:
        for way, bar in BARS.items():
            share = self.rows[way].share or 0.0
            if share < bar:
                yield f"{_name(way)} reached {share:.0%} of its ceiling, the bar is {bar:.0%}."

    def _unhoped(self) -> Iterator[str]:
        for way, row in self.rows.items():
            if row.others:
                counts = ", ".join(f"{count} × {code}" for code, count in row.statuses.items())
                yield f"{_name(way)} had answers that it should not have: {counts}."

    def lines(self) -> Iterator[str]:
        """Return the text for the operator."""
        yield from (f"{name}: {value}" for name, value in self.machine.items())
        yield f"medians of {self.plan.rounds} rounds of {self.plan.seconds:g} s each"
        yield ""
        yield _line(HEAD)
        for way, row in self.rows.items():
            yield _line((TITLES[way], *_cells(row)))
        drive = self.rows[Way.RAW].rate / self.rows[Way.FASTAPI].rate
        yield ""
        yield "Shares: a2 and b of a1, d of e. µs: processor time per answer; others: not counted."
        yield f"The load generator drives {drive:.1f} times the rate of bare FastAPI."

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines; docs/performance.md names the keys."""
        return {
            "machine": dict(self.machine),
            "plan": asdict(self.plan),
            "rows": {way.value: asdict(row) for way, row in self.rows.items()},
            "bars": {way.value: bar for way, bar in BARS.items()},
            "missed": self.missed(),
        }


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
    return f"{cells[0]:29}" + "".join(f"{cell:>9}" for cell in cells[1:])
