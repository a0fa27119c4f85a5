"""Bars, and what is said of a figure beside one: met, missed, or not decided."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from booking_lab.bench.figures import Estimate


class Verdict(StrEnum):
    """What an interval says of a bar."""

    MET = "met"
    MISSED = "missed"
    UNDECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Bar:
    """How much at most, or at least."""

    limit: float
    is_most: bool

    def judge(self, found: Estimate) -> Verdict:
        """Say on which side the interval is as a whole; across the bar nothing is decided."""
        near, far = (found.low, found.high) if self.is_most else (-found.high, -found.low)
        limit = self.limit if self.is_most else -self.limit
        if far <= limit:
            return Verdict.MET
        return Verdict.MISSED if near > limit else Verdict.UNDECIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure with its bar; `unit` formats a value for people, `verdict` None: no verdict."""

    title: str
    found: Estimate
    bar: Bar
    unit: str
    verdict: Verdict | None

    @property
    def limit(self) -> str:
        """The bar in words."""
        return f"at {'most' if self.bar.is_most else 'least'} {self._told(self.bar.limit)}"

    @property
    def line(self) -> str:
        """The figure as the report begins with it."""
        interval = f"{self._told(self.found.low)} to {self._told(self.found.high)}"
        each = " ".join(self._told(value) for value in self.found.rounds)
        said = self.verdict or "no verdict"
        head = f"{self.title:38}{self._told(self.found.median):>8}  {interval:>14}"
        return f"{head}  {self.limit:>14}  {said:12}  {each}"

    @property
    def sentence(self) -> str:
        """The bar that was missed."""
        low, high = self._told(self.found.low), self._told(self.found.high)
        return f"{self.title}: {low} to {high}, the bar is {self.limit}."

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines."""
        return {
            "median": self.found.median,
            "interval": [self.found.low, self.found.high],
            "rounds": list(self.found.rounds),
            "bar": self.bar.limit,
            "verdict": self.verdict,
        }

    def _told(self, value: float) -> str:
        return format(value, self.unit)


HEAD = f"{'':38}{'median':>8}  {'interval':>14}  {'bar':>14}  {'verdict':12}  each round"
