"""The race kit's clients and checker, for tests that put their own trouble in the way."""

import sys

from booking_lab.race.arena import Arena
from booking_lab.race.deployment import Deployment
from booking_lab.race.door import Watch
from booking_lab.race.fight import Fight
from booking_lab.race.history import Attempt, History, Kind
from booking_lab.race.plan import Plan
from booking_lab.race.report import Report


class Race:
    """One race in a clinic of its own; `history` grows while it goes on."""

    def __init__(self, deployment: Deployment, token: str, plan: Plan) -> None:
        self.deployment = deployment
        self.plan = plan
        self.arena = Arena(token, plan)
        self.history = History(spans={})
        self.watch = Watch(until=plan.seconds)

    async def prepare(self) -> None:
        async with self.deployment.client() as client:
            await self.arena.build(client, nobody)
        self.history.spans = self.arena.slots

    async def run(self) -> History:
        fight = Fight(
            deployment=self.deployment,
            arena=self.arena,
            plan=self.plan,
            history=self.history,
            watch=self.watch,
            tell=nobody,
        )
        await fight.run()
        return self.history


def nobody(done: int, total: int, what: str) -> None:
    """Hears it and does nothing."""


def acknowledged(history: History) -> list[Attempt]:
    """The first success of each booking."""
    found: dict[str, Attempt] = {}
    for attempt in history.told(Kind.BOOK):
        found.setdefault(attempt.wish.key, attempt)
    return list(found.values())


def tell(report: Report, *more: str) -> None:
    """Shown with `pytest -s`, and where the test fails."""
    sys.stdout.write("\n".join(["", *report.lines(), *more, ""]))
