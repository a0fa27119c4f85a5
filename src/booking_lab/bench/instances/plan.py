"""What one run of instances does."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from booking_lab.bench.plan import FEWEST_ROUNDS, Plan


class Kind(StrEnum):
    """What is asked: bookings alone, or what many pages ask around a few bookings."""

    BOOKINGS = "bookings"
    PAGES = "pages"


class Setup(NamedTuple):
    """So many instances of the API with one process each, that share a Redis or nothing."""

    instances: int
    shares: bool

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.instances} {'with' if self.shares else 'without'} Redis"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancesPlan:
    """Each round measures all setups with both kinds for `seconds`, there and back.

    Of `reads` and one booking the pages are made; each read is a week of a doctor's, one of so many
    `weeks` of any: more pages than a process keeps. `look` is how long the machine is watched, in
    seconds.
    """

    rounds: int = FEWEST_ROUNDS
    seconds: float = 2.0
    most: int = 3
    reads: int = 10
    weeks: int = 20
    look: float = 1.0
    rows: Plan = field(default_factory=Plan)

    @property
    def setups(self) -> list[Setup]:
        """All of them."""
        return [
            Setup(instances, shares)
            for shares in (False, True)
            for instances in range(1, self.most + 1)
        ]

    @classmethod
    def quick(cls) -> "InstancesPlan":
        """Return the shortest run that touches everything; its figures say little."""
        rows = replace(Plan.quick(), doctors=40)
        return cls(rounds=1, seconds=0.1, most=2, weeks=2, look=0.05, rows=rows)
