"""A budget is of all processes together, but for what they have not told each other yet."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from booking_system.platform.http.budgets import MINUTE, Budget
from booking_system.platform.redis.shared import SharedRedis
from booking_system.platform.redis.spending import TOLD_FROM, SharedSpending, sharing
from tests.platform.redis.conftest import NAMES, at_last, connected
from tests.platform.redis.valkey import Valkey

QUOTA = 100
PART = QUOTA // TOLD_FROM
WHO = "203.0.113.7"


class Clock:
    """Seconds since 1970, and the same for a clock of seconds."""

    def __init__(self) -> None:
        self.now = 1_000 * MINUTE

    def __call__(self) -> float:
        return self.now


@dataclass
class Process:
    budget: Budget
    spending: SharedSpending

    def spend(self, count: int, who: str = WHO) -> int:
        """Return how many of so many requests were let in."""
        return sum((self.budget.spend(who) or ([], 0))[1] == 0 for _ in range(count))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def three(server: Valkey, clock: Clock) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(3):
            redis = await connected(server)
            stack.push_async_callback(redis.close)
            budget = Budget("reads", QUOTA, monotonic=clock)
            made.append(Process(budget, SharedSpending(redis, NAMES, [budget], now=clock)))
        yield made


async def told(processes: list[Process]) -> None:
    """All tell, and all hear what the last one has told."""
    for _ in range(2):
        for one in processes:
            await one.spending.once()


async def test_what_is_spent_anywhere_is_spent(three: list[Process]) -> None:
    one, other, third = three
    assert one.spend(60) == 60
    assert other.spend(30) == 30
    await told(three)
    # A process hears of a caller when it has something to tell of them itself.
    assert third.spend(PART) == PART
    await told(three)
    assert third.spend(QUOTA) == QUOTA - 60 - 30 - PART
    assert one.spend(PART) == PART
    await told(three)
    assert one.spend(QUOTA) == 0
    assert third.spend(QUOTA, "198.51.100.1") == QUOTA


async def test_together_they_let_in_little_more_than_the_budget(three: list[Process]) -> None:
    let_in = 0
    for _ in range(QUOTA):
        for process in three:
            let_in += process.spend(2)
            await process.spending.once()
    assert QUOTA <= let_in <= QUOTA + len(three) * (PART + 2)


async def test_it_is_earned_again_with_time(three: list[Process], clock: Clock) -> None:
    one, other, _ = three
    one.spend(QUOTA)
    other.spend(PART)
    await told(three)
    assert other.spend(QUOTA) == 0
    clock.now += MINUTE
    assert other.spend(QUOTA) == QUOTA


async def test_a_new_minute_is_counted_from_its_beginning(
    three: list[Process], clock: Clock
) -> None:
    one, other, _ = three
    one.spend(40)
    other.spend(10)
    await told(three)
    clock.now += MINUTE
    one.spend(50)
    other.spend(PART)
    await told(three)
    assert other.spend(QUOTA) == QUOTA - 50 - PART


async def test_nothing_is_charged_twice(three: list[Process]) -> None:
    one, other, _ = three
    one.spend(40)
    other.spend(10)
    for _ in range(5):
        await told(three)
    other.spend(PART)
    for _ in range(5):
        await told(three)
    assert other.spend(QUOTA) == QUOTA - 40 - 10 - PART


async def test_without_redis_each_goes_on_for_itself(three: list[Process], server: Valkey) -> None:
    one, other, _ = three
    one.spend(60)
    server.stop()
    await told(three)
    assert one.spend(QUOTA) == QUOTA - 60
    assert other.spend(QUOTA) == QUOTA


async def test_redis_is_told_no_address(three: list[Process], server: Valkey) -> None:
    three[0].spend(QUOTA)
    await told(three)
    names = await server.ask("KEYS", "*")
    assert isinstance(names, list)
    assert len(names) == 1
    assert WHO.encode() not in names[0]
    left = await server.ask("TTL", names[0].decode())
    assert isinstance(left, int)
    assert 0 < left <= 2 * MINUTE


async def test_only_with_a_redis_is_anything_noted(redis: SharedRedis) -> None:
    budget = Budget("reads", QUOTA)
    async with sharing(None, NAMES, [budget]):
        budget.spend(WHO)
    assert not budget.is_shared
    assert budget.taken(at_least=1) == []
    async with sharing(redis, NAMES, [budget]):
        budget.spend(WHO)
        assert budget.taken(at_least=1) == [(WHO, 1)]
    await at_last(redis)
