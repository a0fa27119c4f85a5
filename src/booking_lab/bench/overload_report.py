"""What the floods have shown: a table for people, JSON for machines, and a verdict."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from booking_lab.bench.figures import MILLI, percentile
from booking_lab.bench.flood import REFUSED, UNANSWERED, Outcome
from booking_lab.bench.plan import OverloadPlan
from booking_lab.bench.pulse import Beat

BOOKED, LIVE = 201, 200
GOOD_SECONDS = 1.0
"""A booking that takes longer is of no use: its client has given up."""
LEAST_GOODPUT = 0.8
MOST_TIMES_SLOWER = 4.0
HEAD = ("", "goodput/s", "share", "p50 ms", "p99 ms", "refused/s", "p99 ms", "late", "others")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flooded:
    """One flood. Rates per second, latencies in milliseconds; `lag` is the generator's own.

    `late`: bookings that came after their second; `others`: neither booked nor refused.
    """

    rate: float
    goodput: float
    p50_ms: float
    p99_ms: float
    refused: float
    refused_p99_ms: float
    late: int
    others: int
    statuses: Mapping[int, int]
    lag_ms: float
    looks: int
    dead: int
    live_ms: float

    @classmethod
    def of(
        cls, outcome: Outcome, *, rate: float, seconds: float, pulse: Sequence[Beat]
    ) -> "Flooded":
        """Sum up what a flood of that `rate` brought back, and what the API said of its life."""
        booked, refused = outcome.latencies_of(BOOKED), outcome.latencies_of(REFUSED)
        statuses = Counter(outcome.statuses)
        good = sum(latency <= GOOD_SECONDS for latency in booked)
        return cls(
            rate=rate,
            goodput=good / seconds,
            p50_ms=percentile(booked, 50) * MILLI if booked else 0.0,
            p99_ms=percentile(booked, 99) * MILLI if booked else 0.0,
            refused=len(refused) / seconds,
            refused_p99_ms=percentile(refused, 99) * MILLI if refused else 0.0,
            late=len(booked) - good,
            others=sum(n for status, n in statuses.items() if status not in {BOOKED, REFUSED}),
            statuses=dict(sorted(statuses.items())),
            lag_ms=outcome.lag * MILLI,
            looks=len(pulse),
            dead=sum(beat.status != LIVE for beat in pulse),
            live_ms=max((beat.seconds for beat in pulse), default=0.0) * MILLI,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadReport:
    """`capacity` in bookings per second, `unloaded` the 99th percentile in seconds."""

    machine: Mapping[str, str]
    plan: OverloadPlan
    capacity: float
    unloaded: float
    bounded: Flooded
    open: Flooded

    def missed(self) -> list[str]:
        """Return a sentence for each bar that was not reached. The open door has none."""
        return list(self._missed())

    def _missed(self) -> Iterator[str]:
        flood = self.bounded
        share = flood.goodput / self.capacity
        slower = flood.p99_ms / MILLI / self.unloaded
        if share < LEAST_GOODPUT:
            yield f"Goodput was {share:.0%} of capacity, the bar is {LEAST_GOODPUT:.0%}."
        if slower > MOST_TIMES_SLOWER:
            yield (
                f"The 99th percentile of bookings was {slower:.1f} times that without load, the "
                f"bar is {MOST_TIMES_SLOWER:.0f} times."
            )
        if flood.others:
            yield f"There were answers other than 201 and 503: {_counts(flood.statuses)}."
        if flood.dead or not flood.looks:
            yield f"Of {flood.looks} looks at /health/live {flood.dead} were not answered."

    def lines(self) -> Iterator[str]:
        """Return the text for the operator."""
        seconds = self.plan.flood_seconds
        yield from (f"{name}: {value}" for name, value in self.machine.items())
        yield f"capacity: {self.capacity:,.0f} bookings/s, before and after, one API process"
        yield f"unloaded: p99 {self.unloaded * MILLI:.1f} ms, at a tenth of that"
        yield f"then {self.bounded.rate:,.0f} requests/s for {seconds:g} s, as they are due"
        yield ""
        yield _line(HEAD)
        for title, flood in (("with admission", self.bounded), ("without admission", self.open)):
            yield _line((title, *self._cells(flood)))
        yield ""
        yield f"Goodput: booked within {GOOD_SECONDS:.0f} s; late: after that; others: neither."
        for title, flood in (("With", self.bounded), ("Without", self.open)):
            yield (
                f"{title}: {flood.looks - flood.dead} of {flood.looks} looks at /health/live "
                f"answered, the slowest in {flood.live_ms:.0f} ms; the generator was never later "
                f"than {flood.lag_ms:.0f} ms."
            )

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines; docs/measurements.md names the keys."""
        return {
            "machine": dict(self.machine),
            "plan": asdict(self.plan),
            "capacity": self.capacity,
            "unloaded_p99_ms": self.unloaded * MILLI,
            "bounded": asdict(self.bounded),
            "open": asdict(self.open),
            "bars": {"goodput": LEAST_GOODPUT, "p99": MOST_TIMES_SLOWER},
            "missed": self.missed(),
        }

    def _cells(self, flood: Flooded) -> Iterator[str]:
        yield f"{flood.goodput:,.0f}"
        yield f"{flood.goodput / self.capacity:.0%}"
        yield f"{flood.p50_ms:,.1f}"
        yield f"{flood.p99_ms:,.1f}"
        yield f"{flood.refused:,.0f}"
        yield f"{flood.refused_p99_ms:,.1f}"
        yield f"{flood.late:,}"
        yield f"{flood.others:,}"


def _counts(statuses: Mapping[int, int]) -> str:
    named = {UNANSWERED: "unanswered"}
    return ", ".join(f"{count} × {named.get(code, code)}" for code, count in statuses.items())


def _line(cells: Sequence[str]) -> str:
    return f"{cells[0]:18}" + "".join(f"{cell:>11}" for cell in cells[1:])
