"""Each event of a provider, however often, at the same time and in any order, has one effect."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from booking_system.payments.adapters.work_job import PaymentWorkJob
from tests.payments.emulators.loopback import Delivery
from tests.payments.emulators.several import Several
from tests.payments.histories import AT, BY_LOOK, KINDS, OUTCOMES, History
from tests.payments.own.house import House, a_house
from tests.stage import Stage

Order = tuple[str, ...]
ALL = list(permutations(KINDS))
REVERSED = KINDS[::-1]
"""What is told last is what was done first."""
FEW, MOST = 3, 200
ROUNDS = 8


class Telling:
    """Somebody who tells everything many times at once, while two workers look."""

    def __init__(self, history: History, times: int) -> None:
        self.history, self.times, self.put_off = history, times, 0
        payments = history.house.api.container.payments
        self._workers = [
            PaymentWorkJob(
                queue=payments.queue(),
                do=payments.do_work(),
                events=payments.handle_events(),
                clock=history.house.api.container.clock(),
            )
            for _ in range(2)
        ]

    async def works(self) -> None:
        await asyncio.gather(*(worker.once() for worker in self._workers))

    async def tells(self, deliveries: Sequence[Delivery]) -> None:
        """All of them, each so often, at the same time."""
        transport = ASGITransport(app=self.history.house.api.app)
        path = f"/v1/payment-webhooks/{self.history.hook}"
        async with AsyncClient(transport=transport, base_url="http://test") as client:

            async def one(delivery: Delivery) -> int:
                """A provider that is told to come again does so."""
                told: Any = {"content": delivery.body, "headers": dict(delivery.headers)}
                while (answer := await client.post(path, **told)).status_code == 503:
                    assert answer.json()["code"] == "overloaded", answer.text
                    self.put_off += 1
                    await asyncio.sleep(int(answer.headers["retry-after"]))
                return answer.status_code

            for delivery in deliveries:
                telling = asyncio.gather(*[one(delivery) for _ in range(self.times)])
                while not telling.done():
                    await asyncio.gather(self.works(), asyncio.wait([telling], timeout=0.02))
                assert set(await telling) == {200}

    async def to_the_end(self) -> None:
        for _ in range(ROUNDS):
            await self.works()
            if await self.history.is_done():
                return
        raise AssertionError("there is work left, or an event that nobody knows")


async def told(
    house: House, provider: str, outcome: str, order: Order, *, times: int, at_once: bool
) -> History:
    """Tell in this order; at once: when all has happened, else as soon as it has."""
    history = AT[provider](house, await house.clinic(), outcome)
    await history.begins()
    telling = Telling(history, times)
    if at_once:
        await history.happens(*KINDS)
        history.decided()
    for kind in order:
        await history.happens(*KINDS[: KINDS.index(kind) + 1])
        await telling.tells(history.told[kind])
        await telling.works()
        if kind == "disputed" and not at_once:
            known = len(history.told[kind])
            history.decided()
            await telling.tells(history.told[kind][known:])
    await telling.to_the_end()
    await history.is_as_the_provider_says()
    await history.is_kept_once()
    return history


async def come_to_the_same(
    house: House, provider: str, outcome: str, orders: Sequence[Order], times: Sequence[int]
) -> None:
    """`times` has one number for each order: so often all is told when it has happened."""
    whole: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for order, most in zip(orders, times, strict=True):
        for at_once in (True, False):
            often = most if at_once else FEW
            history = await told(house, provider, outcome, order, times=often, at_once=at_once)
            if at_once:
                whole.append(await history.books())
                assert whole[-1] == whole[0], order
            part = await history.books(without=BY_LOOK)
            seen = {one["dispute"]: one for one in part["told"]}
            if outcome != "open" and None in seen and "open" in seen:
                # Somebody looked while it was open.
                part["told"].remove(seen["open"])
            # Of what one look found, the order in which it is told says nothing.
            part["told"].sort(key=lambda one: str(one["name"]))
            parts.append(part)
            assert parts[-1] == parts[0], (order, at_once)


@pytest.mark.parametrize(("provider", "outcome"), [("stripe", "won"), ("paypal", "lost")])
async def test_what_is_told_twice_and_backwards_has_one_effect(
    house: House, provider: str, outcome: str
) -> None:
    await come_to_the_same(house, provider, outcome, [KINDS, REVERSED], [FEW, FEW])


@pytest.fixture
async def large_house(
    stage: Stage, database_url: str, provider_lines: tuple[Several, Several]
) -> AsyncIterator[House]:
    """There is room for all who tell it at once."""
    del database_url
    async with a_house(
        stage, provider_lines, max_requests_inside=2 * MOST, database_pool_size=64
    ) as house:
        yield house


@pytest.mark.proof
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("provider", AT)
async def test_what_is_told_200_times_in_each_order_has_one_effect(
    large_house: House, provider: str, outcome: str
) -> None:
    """Each order 200 times with one of the outcomes, with the others a few times."""
    turn = OUTCOMES.index(outcome)
    times = [MOST if number % len(OUTCOMES) == turn else FEW for number in range(len(ALL))]
    await come_to_the_same(large_house, provider, outcome, ALL, times)
