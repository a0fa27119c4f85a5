"""The job that ends what was not paid in time, beside the requests."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from booking_system.booking.application.settle_payment import AT_A_TIME, ExpireUnpaid
from booking_system.platform.postgres.periodic import PeriodicJob

PAUSE_SECONDS = 10.0
"""Nobody waits for it: the time of what is overdue is free for all who look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpaidJob:
    """Any number of workers may do it: an appointment is judged again behind its lock."""

    expire: ExpireUnpaid

    def running(self) -> AbstractAsyncContextManager[None]:
        """End what is overdue for as long as the block lasts."""
        job = PeriodicJob(
            name="unpaid",
            round=self.once,
            failed="unpaid_failed",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """End all that is overdue."""
        while await self.expire() == AT_A_TIME:
            pass
        return True
