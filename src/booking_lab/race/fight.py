"""The race itself: all clients at once, then what is open is finished, then the list."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from httpx import AsyncClient

from booking_lab.race.arena import Arena
from booking_lab.race.asking import Asking
from booking_lab.race.clients import Ground, Racer
from booking_lab.race.deployment import Deployment
from booking_lab.race.door import Door, Watch
from booking_lab.race.history import History, Kind
from booking_lab.race.holds import Holds
from booking_lab.race.plan import Plan

HOLDING_FIRST = 0.4
SETTLING_SECONDS = 1.0
LOOKING_SECONDS = 0.2
LAST_WORDS = ({Kind.RELEASE, Kind.CANCEL}, {Kind.MOVE}, {Kind.BOOK})
"""What frees slots is finished first, so that a refusal is the last word indeed."""
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fight:
    """Everything is written down in `history`, while it goes on; `watch` says how long it does."""

    deployment: Deployment
    arena: Arena
    plan: Plan
    history: History
    watch: Watch
    tell: Tell

    async def run(self) -> None:
        """Race. Raises `RaceProblem`."""
        watch = self.watch
        async with AsyncExitStack() as opened:
            racers = [
                _racer(
                    self._door(number, await opened.enter_async_context(self.deployment.client())),
                    self.arena,
                    self.plan,
                )
                for number in range(self.plan.clients)
            ]
            watch.started = time.monotonic()
            await asyncio.gather(self._look(), *(_race(one) for one in racers))
            watch.is_late = True
            self.tell(0, 1, "the last words")
            await asyncio.sleep(SETTLING_SECONDS)
            await _finish(racers)
        async with self.deployment.client() as client:
            self.history.rows = await self.arena.rows(client)

    def _door(self, number: int, client: AsyncClient) -> Door:
        desk = number % self.plan.desks
        return Door(
            number=number,
            desk=desk,
            client=client,
            tokens=self.arena.desks[desk],
            history=self.history,
            watch=self.watch,
        )

    async def _look(self) -> None:
        while not self.watch.is_over:
            self.tell(int(self.watch.seconds()), int(self.watch.until), "the race")
            await asyncio.sleep(LOOKING_SECONDS)


def _racer(door: Door, arena: Arena, plan: Plan) -> Racer:
    dice = random.Random(f"{plan.seed}/{door.number}")  # noqa: S311  (a race is no secret)
    ground = Ground(
        slots=sorted(arena.slots, key=lambda one: arena.slots[one].starts),
        shared_patients=arena.shared_patients,
        hot=plan.hot,
    )
    return Racer(
        asking=Asking(door=door, plan=plan, dice=dice),
        dice=dice,
        ground=ground,
        patient=arena.own_patients[door.number],
    )


async def _race(racer: Racer) -> None:
    holds, asking = Holds(racer), racer.asking
    while not asking.door.watch.is_over:
        may_hold = len(racer.mine) < asking.plan.most_owned
        if may_hold and racer.dice.random() < HOLDING_FIRST:
            await holds.step()
        else:
            await racer.step()


async def _finish(racers: list[Racer]) -> None:
    for kinds in LAST_WORDS:
        await asyncio.gather(
            *(
                racer.asking.finish(wish)
                for racer in racers
                for wish in racer.asking.unsure
                if wish.kind in kinds
            )
        )
