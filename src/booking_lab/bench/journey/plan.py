"""What one run of the journey does: which requests, how often, how long, on how many rows."""

from dataclasses import dataclass, field
from enum import StrEnum

from booking_lab.bench.plan import CONNECTIONS, FEWEST_ROUNDS, Plan

BOOKABLE = 4_800
"""So many slots behind the weeks that are read have both databases, and patients for them."""


class Step(StrEnum):
    """The requests of a page on its way to a booking, in their order."""

    CLINICS = "clinics"
    DOCTORS = "doctors"
    SERVICES = "services"
    CALENDAR = "calendar"
    SLOTS = "slots"
    NEXT = "next"
    HOLD = "hold"
    BOOK = "book"
    MINE = "mine"


class Which(StrEnum):
    """The two databases: one made over HTTP a moment ago, and the rows of the usual bench."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlan:
    """Each round measures every step of both journeys for `seconds`, and bare FastAPI before it.

    `warm_ups` rounds go before and are not counted. `look` is how long the machine is watched
    before, between and after the rounds, in seconds. `days` of weekly hours are in the small
    database; `most_held` slots are held, and then booked, in a round, unless there are too few.
    """

    rounds: int = FEWEST_ROUNDS
    warm_ups: int = 1
    seconds: float = 0.5
    look: float = 1.0
    days: int = 200
    most_held: int = 800
    large: Plan = field(default_factory=Plan)

    @classmethod
    def quick(cls) -> "JourneyPlan":
        """Return the shortest run that touches everything; its figures say little."""
        return cls(
            rounds=1,
            warm_ups=0,
            seconds=0.02,
            look=0.02,
            days=36,
            most_held=CONNECTIONS,
            large=Plan.quick(),
        )

    @property
    def held(self) -> int:
        """How many slots are held at most in a round."""
        return min(self.most_held, BOOKABLE // (self.warm_ups + self.rounds))

    @property
    def orders(self) -> int:
        """How many bookings are ready for all rounds, and for the first look."""
        return 1 + self.held * (self.warm_ups + self.rounds)
