"""The model explored: every edge that there is, and the shortest way to each."""

import random
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from booking_lab.weave.model import Model
from booking_lab.weave.states import Ask, State, asks


class Edge(NamedTuple):
    """In a state something is asked; `code` is the answer, `after` what is so then."""

    before: State
    ask: Ask
    code: str
    after: State


def exploring(model: Model) -> Iterator[Edge]:
    """Yield every edge from the first state on, breadth first."""
    seen, todo = {State()}, deque([State()])
    while todo:
        state = todo.popleft()
        for ask in asks(state):
            code, after = model.answer(state, ask)
            yield Edge(state, ask, code, after)
            if after not in seen:
                seen.add(after)
                todo.append(after)


@cache
def explored() -> Sequence[Edge]:
    """Return all of the model as it is."""
    return list(exploring(Model()))


def some_of(edges: Sequence[Edge], *, seed: int, most: int) -> list[Edge]:
    """Return so many of them, chosen by the seed; each code of each ask is among them."""
    mixed = random.Random(seed).sample(edges, len(edges))  # noqa: S311
    kinds = {(edge.ask.what, edge.code): edge for edge in mixed}
    return list(dict.fromkeys([*kinds.values(), *mixed]))[:most]


def tree_of(
    edges: Sequence[Edge], chosen: Collection[Edge]
) -> tuple[dict[State, list[Edge]], set[Edge]]:
    """Return all edges by state, and those by which the states of the chosen ones are reached.

    The edges come breadth first, so each state is reached by the fewest steps.
    """
    tree, first = defaultdict[State, list[Edge]](list), dict[State, Edge]()
    for edge in edges:
        tree[edge.before].append(edge)
        if edge.after != State():
            first.setdefault(edge.after, edge)
    needed = set[Edge]()
    for edge in chosen:
        state = edge.before
        while state != State() and first[state] not in needed:
            needed.add(first[state])
            state = first[state].before
    return tree, needed
