"""What one run of the bench does: how often, how long, on how many rows."""

from dataclasses import dataclass, replace

CONNECTIONS = 32
RIVALS = 64
SLOTS_A_DAY = 8
READ_FROM, RACE_FROM, BOOK_FROM = 7, 14, 21
"""Days from the first one: a week that is read, a week that is raced for, then what is booked.

Kept apart, so that no booking shortens the week that is read or is in a rival's way.
"""
DAYS_READ = 7
FEWEST_ROUNDS = 5
"""Fewer are no verdict: an interval of them is wrong too often."""


class BenchProblem(Exception):
    """The bench cannot run or cannot go on; the text says why in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Lengths in seconds. In a round each way is measured for `seconds`, in so many `turns`.

    A way and its baseline are a few seconds apart then: a machine's speed changes within a minute.
    `warm_up` goes before the first turn of each, `warm_up_bookings` before the first booking that
    counts. `look` is how long the machine is watched before, between and after the rounds. `races`
    are those for one slot in a round. `appointments` are there before anybody books: an empty table
    has other plans than a full one. Where there are `transactions`, each client of pgbench does so
    many in a turn, and all of them count: on few rows time would be no limit.
    """

    rounds: int = 5
    seconds: float = 5
    turns: int = 5
    look: float = 1.0
    warm_up: float = 1.0
    warm_up_bookings: int = 200
    transactions: int | None = None
    races: int = 20
    doctors: int = 200
    days: int = 182
    appointments: int = 20_000

    @classmethod
    def quick(cls) -> "Plan":
        """Return the shortest run that touches everything; its figures say little."""
        return cls(
            rounds=1,
            seconds=0.1,
            turns=2,
            look=0.05,
            warm_up=0.05,
            warm_up_bookings=CONNECTIONS,
            transactions=5,
            races=1,
            doctors=10,
            days=63,
            appointments=200,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadPlan:
    """Lengths in seconds; the flood brings `times` the bookings that the API can make.

    `rows` says what the tables are filled with.
    """

    rows: Plan = Plan()
    seconds: float = 5
    flood_seconds: float = 30
    times: float = 5.0
    connections: int = 500
    warm_up: int = 500
    most_per_second: int = 8_000

    @classmethod
    def quick(cls) -> "OverloadPlan":
        """Return the shortest run that touches everything; its figures say little."""
        return cls(
            # Five times what a quick machine books in half a second, and that twice.
            rows=replace(Plan.quick(), doctors=40),
            seconds=0.2,
            flood_seconds=0.5,
            connections=200,
            warm_up=CONNECTIONS,
        )
