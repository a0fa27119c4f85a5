"""What callers have spent of their budgets elsewhere: told by all processes to each other.

A request is judged by what its process knows, without waiting. What a caller has spent here is told
beside the requests, twice a second, once it is a twentieth of the budget; what comes back is what
they spent at all processes in this minute. So a caller may exceed a budget by a twentieth of it for
each process, and by what they ask for in a second.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from booking_system.platform.http.budgets import MINUTE, Budget
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.redis.names import SharedNames
from booking_system.platform.redis.shared import RedisAwayError, SharedRedis

PAUSE_SECONDS = 0.5
TOLD_FROM = 20
"""One of so many parts of a budget."""
MOST_AT_ONCE = 40


@dataclass(slots=True)
class _Told:
    """What of one caller went to Redis in this minute, and what others had told by then."""

    own: int = 0
    elsewhere: int = 0


@dataclass(slots=True)
class _Minute:
    number: int = -1
    told: dict[Hashable, _Told] = field(default_factory=dict)


class SharedSpending:
    """Tells the other processes what was spent here, and the budgets what was spent there."""

    def __init__(
        self,
        redis: SharedRedis,
        names: SharedNames,
        budgets: Iterable[Budget],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` is in seconds since 1970: all processes begin a minute together."""
        self._redis = redis
        self._names = names
        self._budgets = [(budget, _Minute()) for budget in budgets]
        self._now = now
        for budget, _ in self._budgets:
            budget.is_shared = True

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="shared budgets",
            round=self.once,
            failed="budgets_not_shared",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Tell what is new of everybody who has spent enough to be told of."""
        number = int(self._now() // MINUTE)
        for budget, minute in self._budgets:
            if minute.number != number:
                minute.number, minute.told = number, {}
            for some in _parts(budget.taken(at_least=max(1, budget.quota // TOLD_FROM))):
                await self._exchange(budget, minute, some)
        return True

    async def _exchange(
        self, budget: Budget, minute: _Minute, some: list[tuple[Hashable, int]]
    ) -> None:
        commands: list[tuple[object, ...]] = []
        for who, count in some:
            name = self._names.of("spent", budget.name, minute.number, str(who))
            commands += [("INCRBY", name, count), ("EXPIRE", name, int(2 * MINUTE))]
        try:
            answers = await self._redis.ask(*commands)
        except RedisAwayError:
            # Told in vain, perhaps; it was counted here all the same.
            return
        for (who, count), total in zip(some, answers[::2], strict=True):
            told = minute.told.setdefault(who, _Told())
            told.own += count
            elsewhere = max(0, int(total) - told.own)
            if elsewhere > told.elsewhere:
                budget.spent_elsewhere(who, elsewhere - told.elsewhere)
                told.elsewhere = elsewhere


def _parts(all_: list[tuple[Hashable, int]]) -> Iterator[list[tuple[Hashable, int]]]:
    for start in range(0, len(all_), MOST_AT_ONCE):
        yield all_[start : start + MOST_AT_ONCE]


def sharing(
    redis: SharedRedis | None, names: SharedNames, budgets: Iterable[Budget]
) -> AbstractAsyncContextManager[None]:
    """Share them for as long as the block lasts, where there is a Redis."""
    if redis is None:
        return nullcontext()
    return SharedSpending(redis, names, budgets).running()
