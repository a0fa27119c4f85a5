"""Processes that stand still in an open transaction, while time passes."""

from dataclasses import dataclass, field

from booking_lab.weave.threads import THREAD, Thread

STAND_LOCKED = "STAND_LOCKED"
"""Behind the last look, in its open transaction."""


@dataclass(slots=True)
class Sleepers:
    """Who stands still in a transaction, which the server ends when seconds have passed."""

    standing: list[Thread] = field(default_factory=list)

    async def stand(self) -> None:
        """Stand until it is the thread's turn."""
        if (thread := THREAD.get()) is None:
            return
        self.standing.append(thread)
        try:
            await thread.stand(STAND_LOCKED)
        finally:
            if thread in self.standing:
                self.standing.remove(thread)

    def time_passes(self) -> None:
        """End all that they stand in: their locks are gone."""
        while self.standing:
            self.standing.pop().loses_transaction()
