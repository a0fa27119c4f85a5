"""Cuts a plan that goes wrong down to the fewest parts and turns that still go wrong alike."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from booking_lab.weave.chance import AsBefore
from booking_lab.weave.deeds import Plan
from booking_lab.weave.weaver import Outcome, Weaver

MOST_TRIES = 400


def kinds_of(outcome: Outcome) -> frozenset[str]:
    """Return what went wrong, by any of them."""
    told = (one.partition(": ") for one in outcome.wrong)
    return frozenset(who if who == "deadlock" else what or who for who, _, what in told)


@dataclass(slots=True)
class Shrinking:
    """Looks for a smaller plan with the same fault."""

    weaver: Weaver
    tries: int = 0
    best: Outcome = field(default_factory=Outcome)

    async def of(self, plan: Plan) -> Plan:
        """Return the smallest plan that was found; `best` is what came of it.

        `plan` has its choices, and goes wrong with them.
        """
        self.best = await self.weaver.run(plan, AsBefore(plan.choices))
        kinds, is_smaller = kinds_of(self.best), True
        while is_smaller and self.tries < MOST_TRIES:
            is_smaller = False
            for smaller in _smaller(plan):
                self.tries += 1
                outcome = await self.weaver.run(smaller, AsBefore(smaller.choices))
                if kinds & kinds_of(outcome):
                    self.best, is_smaller = outcome, True
                    plan = smaller
                    break
        return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Yield plans with less in them, those with much less first."""
    for place in range(len(plan.parts)):
        if len(plan.parts) > 1:
            yield plan._replace(parts=plan.parts[:place] + plan.parts[place + 1 :])
    for place in range(len(plan.before)):
        yield plan._replace(before=plan.before[:place] + plan.before[place + 1 :])
    for place, part in enumerate(plan.parts):
        for number in range(len(part.deeds)):
            if len(part.deeds) > 1:
                fewer = part._replace(deeds=part.deeds[:number] + part.deeds[number + 1 :])
                yield plan._replace(parts=(*plan.parts[:place], fewer, *plan.parts[place + 1 :]))
    length = len(plan.choices)
    while length > 0:
        for start in range(0, len(plan.choices), length):
            left = plan.choices[:start] + plan.choices[start + length :]
            yield plan._replace(choices=left)
        length //= 2
