"""One race from the first step to the last: built, fought, checked, removed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from booking_system.bootstrap.race.arena import Arena, Tell
from booking_system.bootstrap.race.deployment import Deployment
from booking_system.bootstrap.race.fight import fight
from booking_system.bootstrap.race.history import History
from booking_system.bootstrap.race.plan import Plan
from booking_system.bootstrap.race.report import Report

Say = Callable[[str], None]


def race(deployment: Deployment, plan: Plan, *, token: str, tell: Tell, say: Say) -> Report:
    """Race with the token of a platform administrator; raises `RaceProblem`.

    Whatever ends it, what was made is removed again; what is left then is told in the report, or
    through `say` where there is none.
    """
    arena = Arena(token, plan)
    try:
        report = asyncio.run(_raced(deployment, arena, plan, tell))
    except BaseException:
        for sentence in _removed(deployment, arena, tell):
            say(sentence)
        raise
    return replace(report, left=_removed(deployment, arena, tell))


async def _raced(deployment: Deployment, arena: Arena, plan: Plan, tell: Tell) -> Report:
    async with deployment.client() as client:
        await arena.build(client, tell)
    history = History(spans=arena.slots)
    await fight(deployment, arena, plan, history=history, tell=tell)
    return Report.of(history, plan)


def _removed(deployment: Deployment, arena: Arena, tell: Tell) -> list[str]:
    async def remove() -> list[str]:
        async with deployment.client() as client:
            return await arena.remove(client)

    tell(0, 1, "removing it all")
    return asyncio.run(remove())
