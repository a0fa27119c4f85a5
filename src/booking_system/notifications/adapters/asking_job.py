"""Asks a provider about SMS whose answer was lost, for as long as a worker runs."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from booking_system.notifications.application.ask_provider import AskProvider
from booking_system.platform.postgres.periodic import PeriodicJob

PAUSE_SECONDS = 10.0
"""Several times in the seconds in which an answer is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingJob:
    """All workers may: what one has settled, another one's fence does not change."""

    ask: AskProvider

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        return PeriodicJob(
            name="unknown messages",
            round=self.ask,
            failed="provider_not_asked",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        ).running()
