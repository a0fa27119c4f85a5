"""The race itself: all clients at once, then what is open is finished, then the list."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from booking_system.bootstrap.race.arena import Arena
from booking_system.bootstrap.race.asking import Asking
from booking_system.bootstrap.race.clients import Ground, Racer
from booking_system.bootstrap.race.deployment import Deployment
from booking_system.bootstrap.race.door import Door, Watch
from booking_system.bootstrap.race.history import History, Kind
from booking_system.bootstrap.race.holds import Holds
from booking_system.bootstrap.race.plan import Plan

HOLDING_FIRST = 0.4
SETTLING_SECONDS = 1.0
LOOKING_SECONDS = 0.2
LAST_WORDS = ({Kind.RELEASE, Kind.CANCEL}, {Kind.MOVE}, {Kind.BOOK})
"""What frees slots is finished first, so that a refusal is the last word indeed."""
Tell = Callable[[int, int, str], None]


async def fight(
    deployment: Deployment, arena: Arena, plan: Plan, *, history: History, tell: Tell
) -> None:
    """Race, and write everything down in `history`. Raises `RaceProblem`."""
    watch = Watch()
    async with AsyncExitStack() as opened:
        racers = []
        for number in range(plan.clients):
            door = Door(
                number=number,
                desk=(desk := number % plan.desks),
                client=await opened.enter_async_context(deployment.client()),
                tokens=arena.desks[desk],
                history=history,
                watch=watch,
            )
            racers.append(_racer(door, arena, plan))
        watch.started = time.monotonic()
        await asyncio.gather(_look(plan, watch, tell), *(_race(one, plan) for one in racers))
        watch.is_late = True
        tell(0, 1, "the last words")
        await asyncio.sleep(SETTLING_SECONDS)
        await _finish(racers)
    async with deployment.client() as client:
        history.rows = await arena.rows(client)


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


async def _race(racer: Racer, plan: Plan) -> None:
    holds, watch = Holds(racer), racer.asking.door.watch
    while watch.seconds() < plan.seconds:
        may_hold = len(racer.mine) < plan.most_owned
        if may_hold and racer.dice.random() < HOLDING_FIRST:
            await holds.step()
        else:
            await racer.step()


async def _look(plan: Plan, watch: Watch, tell: Tell) -> None:
    while watch.seconds() < plan.seconds:
        tell(int(watch.seconds()), int(plan.seconds), "the race")
        await asyncio.sleep(LOOKING_SECONDS)


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
