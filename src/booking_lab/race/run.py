"""One race from the first step to the last: built, fought, checked, removed."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from booking_lab.race.arena import Arena, Tell
from booking_lab.race.deployment import Deployment
from booking_lab.race.door import Watch
from booking_lab.race.fight import Fight
from booking_lab.race.history import History
from booking_lab.race.plan import Plan
from booking_lab.race.report import Report
from booking_system.bootstrap.process import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Say = Callable[[str], None]


def race(deployment: Deployment, plan: Plan, *, token: str, tell: Tell, say: Say) -> Report:
    """Race with the token of a platform administrator; raises `RaceProblem`.

    Whatever ends it, what was made is removed again; what is left then is told in the report, or
    through `say` where there is none.
    """
    arena = Arena(token, plan)
    try:
        report = asyncio.run(_until_interrupted(_raced(deployment, arena, plan, tell)))
    except BaseException:
        for sentence in _removed(deployment, arena, tell):
            say(sentence)
        raise
    return replace(report, left=_removed(deployment, arena, tell))


async def _until_interrupted(work: Coroutine[Any, Any, Report]) -> Report:
    """Raise `Interrupted` where a signal comes, and be deaf to the next ones.

    Raised by the handler of a signal, it would come out of any task, or of the loop itself.
    """
    loop, task, is_interrupted = asyncio.get_running_loop(), asyncio.current_task(), False
    before = {which: signal.getsignal(which) for which in SIGNALS}
    heard = [which for which in SIGNALS if before[which] is not signal.SIG_IGN]

    def interrupt() -> None:
        nonlocal is_interrupted
        is_interrupted = True
        assert task is not None
        task.cancel()

    for which in heard:
        loop.add_signal_handler(which, interrupt)
    try:
        return await work
    except asyncio.CancelledError:
        if is_interrupted:
            raise Interrupted from None
        raise
    finally:
        for which in heard:
            loop.remove_signal_handler(which)
            signal.signal(which, signal.SIG_IGN if is_interrupted else before[which])


async def _raced(deployment: Deployment, arena: Arena, plan: Plan, tell: Tell) -> Report:
    async with deployment.client() as client:
        await arena.build(client, tell)
    history = History(spans=arena.slots)
    fight = Fight(
        deployment=deployment,
        arena=arena,
        plan=plan,
        history=history,
        watch=Watch(until=plan.seconds),
        tell=tell,
    )
    await fight.run()
    return Report.of(history, plan)


def _removed(deployment: Deployment, arena: Arena, tell: Tell) -> list[str]:
    async def remove() -> list[str]:
        async with deployment.client() as client:
            return await arena.remove(client)

    tell(0, 1, "removing it all")
    return asyncio.run(remove())
