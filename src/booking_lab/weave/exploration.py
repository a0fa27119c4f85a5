"""The model explored: every edge that there is."""

from collections.abc import Iterator, Sequence
from functools import cache

from booking_lab.weave import walking
from booking_lab.weave.model import Model
from booking_lab.weave.states import Ask, State, asks

Edge = walking.Step[State, Ask]


def exploring(model: Model) -> Iterator[Edge]:
    """Yield every edge from the first state on, breadth first."""
    return walking.explore(model.answer, State(), asks)


@cache
def explored() -> Sequence[Edge]:
    """Return all of the model as it is."""
    return list(exploring(Model()))


def some_of(edges: Sequence[Edge], *, seed: int, most: int) -> list[Edge]:
    """Return so many of them, chosen by the seed; each code of each ask is among them."""
    return walking.some_of(edges, seed=seed, most=most, kind=lambda ask: ask.what)
