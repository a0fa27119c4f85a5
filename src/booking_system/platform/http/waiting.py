"""Awaiting what is nearly always there already: it needs a timer, or a place, only if it is not."""

from collections.abc import Awaitable, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class Begun(Awaitable[T]):
    """An awaitable that was begun and does not have its result yet."""

    def __init__(self, steps: Generator[Any, Any, T], awaited: object) -> None:
        """`steps` have stopped at `awaited`."""
        self._steps = steps
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, T]:
        """Go on until there is a result."""
        steps, awaited = self._steps, self._awaited
        try:
            while True:
                try:
                    sent = yield awaited
                except BaseException as error:  # noqa: BLE001  (handed on to where it is awaited)
                    awaited = steps.throw(error)
                else:
                    awaited = steps.send(sent)
        except StopIteration as done:
            result: T = done.value
            return result


def begin(awaitable: Awaitable[T]) -> T | Begun[T]:
    """Return the result where it is there; else what has to be awaited, and was begun."""
    steps = awaitable.__await__()
    try:
        awaited = next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    return Begun(steps, awaited)
