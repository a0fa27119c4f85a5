"""A model explored whole, and its edges asked of the program on PostgreSQL.

The states are walked as a tree, each step in a savepoint that is undone behind it, so that every
edge is done once, from rows that the program itself has made.
"""

import random
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Sequence,
)
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import asyncpg

from booking_lab.weave.service import Service
from booking_system.shared_kernel.errors import Refusal

OK = "ok"
ROWS_OF = "(SELECT sum(hashtextextended(t::text, 0)) FROM {} t)"
State = TypeVar("State", bound=Hashable)
Ask = TypeVar("Ask", bound=Hashable)


class Step(NamedTuple, Generic[State, Ask]):
    """In a state something is asked; `code` is the answer, `after` what is so then."""

    before: State
    ask: Ask
    code: str
    after: State


def explore(
    answer: Callable[[State, Ask], tuple[str, State]],
    first: State,
    asks: Callable[[State], Iterable[Ask]],
) -> Iterator[Step[State, Ask]]:
    """Yield every edge from the first state on, breadth first.

    A model's `answer` is the code that they are told, and what is so afterwards.
    """
    seen, todo = {first}, deque([first])
    while todo:
        state = todo.popleft()
        for ask in asks(state):
            code, after = answer(state, ask)
            yield Step(state, ask, code, after)
            if after not in seen:
                seen.add(after)
                todo.append(after)


def some_of(
    edges: Sequence[Step[State, Ask]], *, seed: int, most: int, kind: Callable[[Ask], Hashable]
) -> list[Step[State, Ask]]:
    """Return so many of them, chosen by the seed; each code of each kind of ask is among them."""
    mixed = random.Random(seed).sample(edges, len(edges))  # noqa: S311
    kinds = {(kind(edge.ask), edge.code): edge for edge in mixed}
    found = dict.fromkeys(kinds.values())
    for edge in mixed:
        # To compare states takes longer than to draw them.
        if len(found) >= most:
            break
        found.setdefault(edge)
    return list(found)[:most]


def tree_of(
    edges: Sequence[Step[State, Ask]], chosen: Collection[Step[State, Ask]], first: State
) -> tuple[dict[State, list[Step[State, Ask]]], set[Step[State, Ask]]]:
    """Return the chosen edges and their ways by state, and the edges of these ways.

    The edges come breadth first, so each state is reached by the fewest steps.
    """
    reached = dict[State, Step[State, Ask]]()
    for edge in edges:
        if edge.after != first:
            reached.setdefault(edge.after, edge)
    needed = dict[Step[State, Ask], None]()
    for edge in chosen:
        state = edge.before
        while state != first and reached[state] not in needed:
            needed[reached[state]] = None
            state = reached[state].before
    tree = defaultdict[State, list[Step[State, Ask]]](list)
    for edge in dict.fromkeys([*needed, *chosen]):
        tree[edge.before].append(edge)
    return tree, set(needed)


@dataclass(frozen=True, slots=True)
class Difference(Generic[State, Ask]):
    """Where the program does not do what the model says."""

    edge: Step[State, Ask]
    code: str
    after: State
    has_changed: bool = False
    """Rows are others although it was refused."""

    def __str__(self) -> str:
        """In some lines."""
        left = " and left a trace" if self.has_changed else ""
        return (
            f"in {self.edge.before}\nasked: {self.edge.ask}\n"
            f"model: {self.edge.code} {self.edge.after}\nprogram: {self.code} {self.after}{left}"
        )


class Walk(ABC, Generic[State, Ask]):
    """The program, asked what a model was asked. It begins in the `first` state.

    `watched` are the tables that a refusal leaves as they were.
    """

    first: State
    watched: Sequence[str]

    def __init__(self, service: Service) -> None:
        """The scene stands in the service's database."""
        self._service = service
        self._driver: asyncpg.Connection = None
        self._digest = f"SELECT {', '.join(map(ROWS_OF.format, self.watched))}"
        self.replayed = 0

    async def run(
        self, edges: Sequence[Step[State, Ask]], chosen: Iterable[Step[State, Ask]]
    ) -> Difference[State, Ask] | None:
        """Replay the chosen edges; return the first that differs. Nothing is left of it."""
        wanted = dict.fromkeys(chosen)
        tree, needed = tree_of(edges, wanted, self.first)
        self._service.begin()
        async with self._service.database.whole() as whole:
            self._driver = await whole.connection()
            async with self._undone():
                return await self._from(self.first, tree, needed)

    @abstractmethod
    async def asked(self, ask: Ask, names: Any) -> None:
        """Ask the program; `names` are what `looked` has found. Raises its refusals."""

    @abstractmethod
    async def looked(self) -> tuple[State, Any]:
        """Return what is stored in the model's words, and by which ids to name it."""

    def saved(self) -> Callable[[], None]:
        """Remember what is kept outside of the database; return what brings it back."""
        moment = self._service.clock.moment

        def back() -> None:
            self._service.clock.moment = moment

        return back

    async def _from(
        self,
        state: State,
        tree: dict[State, list[Step[State, Ask]]],
        needed: AbstractSet[Step[State, Ask]],
    ) -> Difference[State, Ask] | None:
        _, names = await self.looked()
        for edge in tree[state]:
            async with self._undone():
                found = await self._differs(edge, names)
                if found is None and edge in needed:
                    found = await self._from(edge.after, tree, needed)
                if found is not None:
                    return found
        return None

    @asynccontextmanager
    async def _undone(self) -> AsyncIterator[None]:
        back = self.saved()
        savepoint = self._driver.transaction()
        await savepoint.start()
        try:
            yield
        finally:
            await savepoint.rollback()
            back()

    async def _differs(self, edge: Step[State, Ask], names: Any) -> Difference[State, Ask] | None:
        is_refused = edge.code != OK and edge.after == edge.before
        before = await self._driver.fetchrow(self._digest) if is_refused else None
        try:
            await self.asked(edge.ask, names)
            code = OK
        except Refusal as refusal:
            code = refusal.code
        self.replayed += 1
        after, _ = await self.looked()
        has_changed = is_refused and await self._driver.fetchrow(self._digest) != before
        if (code, after, has_changed) == (edge.code, edge.after, False):
            return None
        return Difference(edge, code, after, has_changed)
