"""Asking until the answer is definite: the same key again, whatever was lost on the way."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from booking_lab.race.door import Door
from booking_lab.race.history import Attempt, Operation, Outcome
from booking_lab.race.plan import Plan

PATIENCE_SECONDS = 30.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.8
QUIET_SECONDS = 1.5
"""Nobody hangs up so long before the end: what still runs for nobody is over by then."""


@dataclass(frozen=True, slots=True)
class Told:
    """The last word on a wish.

    Not `is_sure` where it is no, or none, and a request that nobody waits for may still have an
    effect.
    """

    attempt: Attempt
    is_sure: bool

    @property
    def is_yes(self) -> bool:
        """Say whether the wish was granted."""
        return self.attempt.outcome is Outcome.OK


@dataclass(slots=True, kw_only=True)
class Asking:
    """Asks through one door, in the ways in which clients of the real world do."""

    door: Door
    plan: Plan
    dice: random.Random
    unsure: list[Operation] = field(default_factory=list)
    _usual_seconds: float = 0.05

    async def ask(self, wish: Operation) -> Told:
        """Ask until there is a definite answer or patience ends; keep in mind what is unsure."""
        told = await self._until_definite(wish)
        if not told.is_sure:
            self.unsure.append(wish)
        elif told.is_yes and self.dice.random() < self.plan.repeats:
            await self.door.send(wish)
        return told

    async def finish(self, wish: Operation) -> None:
        """Ask for the last word, when nobody asks for anything new any more."""
        await self._until_definite(wish)

    async def _until_definite(self, wish: Operation) -> Told:
        watch, attempts = self.door.watch, list[Attempt]()
        deadline = watch.seconds() + PATIENCE_SECONDS
        pause = SHORTEST_PAUSE
        while True:
            attempts += await self._once(wish)
            last = _best(attempts)
            if last.outcome in {Outcome.OK, Outcome.REFUSED} or watch.seconds() > deadline:
                break
            await asyncio.sleep(self.dice.uniform(0, pause))
            pause = min(2 * pause, LONGEST_PAUSE)
        is_all_answered = all(one.answer is not None for one in attempts)
        is_definite = last.outcome is Outcome.REFUSED and is_all_answered
        return Told(last, is_sure=last.outcome is Outcome.OK or is_definite)

    async def _once(self, wish: Operation) -> Sequence[Attempt]:
        """Make an attempt, or two at once."""
        roll, plan = self.dice.random(), self.plan
        if roll < plan.twins:
            return await asyncio.gather(self.door.send(wish), self.door.send(wish))
        hang_up_after = None
        may_hang_up = self.door.watch.seconds() < self.door.watch.until - QUIET_SECONDS
        if may_hang_up and roll < plan.twins + plan.hanging_up:
            hang_up_after = self.dice.uniform(0.001, 1.2 * self._usual_seconds)
        attempt = await self.door.send(wish, hang_up_after=hang_up_after)
        if attempt.answer is not None:
            self._usual_seconds += 0.2 * (attempt.ended - attempt.invoked - self._usual_seconds)
        return (attempt,)


def _best(attempts: Sequence[Attempt]) -> Attempt:
    """Return the yes of twins, else the last answer."""
    return next((one for one in attempts if one.outcome is Outcome.OK), attempts[-1])
