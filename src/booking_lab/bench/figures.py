"""Figures of measurements: percentiles, medians, what one request costs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

MILLI, MICRO = 1e3, 1e6
SURE = 0.9
"""So often at least does an interval hold what it is an interval of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Processor time in seconds that a measurement took; None: nothing of that kind ran."""

    api: float | None = None
    database: float | None = None
    redis: float | None = None
    load: float = 0.0

    @property
    def whole(self) -> float:
        """All of it."""
        return (self.api or 0.0) + (self.database or 0.0) + (self.redis or 0.0) + self.load


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement: answers in so many seconds, and the latencies of each in seconds.

    `others` are answers that nobody hoped for; `statuses` counts all.
    """

    answers: int
    seconds: float
    latencies: Sequence[float]
    cpu: Cpu
    statuses: Mapping[int, int]
    others: int = 0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def cpu_us(self) -> float:
        """Processor time of API, database and load for one answer, in microseconds."""
        return self.cpu.whole / self.answers * MICRO

    def latency_ms(self, percent: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return percentile(sorted(self.latencies), percent) * MILLI

    def cost_us(self, seconds: float | None) -> float | None:
        """Return the share of one answer in `seconds`, in microseconds."""
        return None if seconds is None else seconds / self.answers * MICRO


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The medians of all samples of one way; `share` is its part of its ceiling's rate."""

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    api_us: float | None
    database_us: float | None
    load_us: float
    share: float | None
    others: int
    rates: tuple[float, ...]
    statuses: Mapping[int, int]


def joined(samples: Sequence[Sample]) -> Sample:
    """Return several turns of one way as one sample."""

    def total(part: Callable[[Cpu], float | None]) -> float | None:
        parts = [found for sample in samples if (found := part(sample.cpu)) is not None]
        return sum(parts) if parts else None

    return Sample(
        answers=sum(sample.answers for sample in samples),
        seconds=sum(sample.seconds for sample in samples),
        latencies=[latency for sample in samples for latency in sample.latencies],
        cpu=Cpu(
            api=total(lambda cpu: cpu.api),
            database=total(lambda cpu: cpu.database),
            redis=total(lambda cpu: cpu.redis),
            load=sum(sample.cpu.load for sample in samples),
        ),
        statuses=_added(samples),
        others=sum(sample.others for sample in samples),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of the ascending values do not exceed."""
    place = math.ceil(len(ordered) * percent / 100) - 1
    return ordered[max(0, place)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure of each round, their median, and an interval around it.

    At least nine times in ten the interval holds the true median: of five to seven rounds it goes
    from the smallest to the largest, of eight from the second smallest to the second largest.
    """

    median: float
    low: float
    high: float
    rounds: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        """Sum up one value of each round; of fewer than five the interval is less sure."""
        ordered, left_out = sorted(values), _left_out(len(values))
        return cls(
            median=median(ordered),
            low=ordered[left_out],
            high=ordered[-1 - left_out],
            rounds=tuple(values),
        )


def _left_out(count: int) -> int:
    """How many values an interval for the median may leave out at each end."""
    left_out, missing = 0, 2 * (1 + count)
    # Each value is above the true median as often as below it, wherever the values may lie.
    while missing <= (1 - SURE) * 2**count:
        left_out += 1
        missing += 2 * comb(count, left_out + 1)
    return left_out


def cpu_multiple(samples: Sequence[Sample], baselines: Sequence[Sample]) -> Estimate:
    """Return the processor time of an answer as a multiple of the baseline's in the same round."""
    pairs = zip(samples, baselines, strict=True)
    return Estimate.of([sample.cpu_us / baseline.cpu_us for sample, baseline in pairs])


def rate_share(samples: Sequence[Sample], baselines: Sequence[Sample]) -> Estimate:
    """Return the rate as a share of the baseline's in the same round."""
    pairs = zip(samples, baselines, strict=True)
    return Estimate.of([sample.rate / baseline.rate for sample, baseline in pairs])


def row_of(samples: Sequence[Sample], ceilings: Sequence[Sample] = ()) -> Row:
    """Sum up the rounds. The share is taken round by round."""

    def middle(figure: Callable[[Sample], float]) -> float:
        return median(figure(sample) for sample in samples)

    def cost(part: Callable[[Cpu], float | None]) -> float | None:
        costs = [sample.cost_us(part(sample.cpu)) for sample in samples]
        known = [cost for cost in costs if cost is not None]
        return median(known) if known else None

    return Row(
        rate=middle(lambda sample: sample.rate),
        p50_ms=middle(lambda sample: sample.latency_ms(50)),
        p95_ms=middle(lambda sample: sample.latency_ms(95)),
        p99_ms=middle(lambda sample: sample.latency_ms(99)),
        api_us=cost(lambda cpu: cpu.api),
        database_us=cost(lambda cpu: cpu.database),
        load_us=cost(lambda cpu: cpu.load) or 0.0,
        share=rate_share(samples, ceilings).median if ceilings else None,
        others=sum(sample.others for sample in samples),
        rates=tuple(sample.rate for sample in samples),
        statuses=_added(samples),
    )


def _added(samples: Sequence[Sample]) -> dict[int, int]:
    found: dict[int, int] = {}
    for sample in samples:
        for status, count in sample.statuses.items():
            found[status] = found.get(status, 0) + count
    return dict(sorted(found.items()))
