"""What one comparison does: which sizes, how often, how long."""

from dataclasses import dataclass
from enum import StrEnum

from booking_lab.scale.size import Size

CLIENTS = 32
SMALL, LARGE = Size(doctors=100, months=1), Size(doctors=1000, months=12)
FRESH_DAYS = 7
"""A kept database is older by then than the weeks that are booked allow."""


class Which(StrEnum):
    """The two databases."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePlan:
    """`turns` of `seconds` for each path and size; `samples` of each kind of search are explained.

    `warm_ups` more turns go before them and are not counted.
    """

    small: Size = SMALL
    large: Size = LARGE
    warm_ups: int = 1
    turns: int = 9
    seconds: float = 3.0
    samples: int = 40

    @classmethod
    def quick(cls) -> "ScalePlan":
        """Return the shortest run that touches everything; its figures say little."""
        return cls(
            small=Size(doctors=5, months=1),
            large=Size(doctors=10, months=1),
            warm_ups=0,
            turns=1,
            seconds=0.05,
            samples=1,
        )

    def size_of(self, which: Which) -> Size:
        """Return how much the database holds."""
        return self.small if which is Which.SMALL else self.large
