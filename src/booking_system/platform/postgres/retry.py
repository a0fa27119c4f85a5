"""Trying again, in one place: around a use case, because a `with` body cannot run twice."""

import inspect
from asyncio import sleep
from collections.abc import Awaitable, Callable
from random import uniform
from time import monotonic
from typing import ParamSpec, TypeVar

from booking_system.platform.postgres.faults import DependencyUnavailable, Overloaded
from booking_system.platform.postgres.whole import WHOLE
from booking_system.shared_kernel.errors import Overtaken, Transient

TRIES = 3
DEADLINE_SECONDS = 4.0
LONGEST_PAUSE_SECONDS = 0.2

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
UseCase = TypeVar("UseCase")


def retried(use_case: type[UseCase]) -> type[UseCase]:
    """Return the same class, whose calls and public coroutines are `retrying`.

    What is made of it is a `use_case` still, so annotations stay true.
    """
    own = {
        name: retrying(method)
        for name, method in inspect.getmembers(use_case, inspect.iscoroutinefunction)
        if name == "__call__" or not name.startswith("_")
    }
    named = {"__module__": use_case.__module__, "__doc__": use_case.__doc__, "__slots__": ()}
    return type(use_case.__name__, (use_case,), {**named, **own})


def retrying(
    use_case: Callable[Arguments, Awaitable[Result]],
) -> Callable[Arguments, Awaitable[Result]]:
    """Run `use_case` at most three times while its failure is `Transient`, with full jitter.

    Where it was `Overtaken`, as often as there is time; behind that the service is `Overloaded`.

    As a part of a whole it runs once: what was locked or read before it has to be done anew, too,
    so the caller who runs the whole tries again.
    """

    async def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if WHOLE.get() is not None:
            return await use_case(*args, **kwargs)
        deadline, failed = monotonic() + DEADLINE_SECONDS, 0
        while True:
            try:
                return await use_case(*args, **kwargs)
            except Transient as error:
                was_overtaken = isinstance(error, Overtaken)
                failed += not was_overtaken
                pause = uniform(0, LONGEST_PAUSE_SECONDS * max(failed, 1))  # noqa: S311
                if failed == TRIES or monotonic() + pause > deadline:
                    refusal = Overloaded if was_overtaken else DependencyUnavailable
                    raise refusal(retry_after=1) from error
                await sleep(pause)

    return run
