"""Opt-outs that a provider keeps for itself are asked for, and hold here as well."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from booking_system.notifications.adapters.recipients import Recipients
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.transaction import Database

FIRST_SECONDS, PAUSE_SECONDS, FAILED_SECONDS = 10.0, 600.0, 120.0


class OptOutList(Protocol):
    """A provider's list of numbers that want no SMS."""

    def pages(self) -> AsyncIterator[Sequence[str]]:
        """Return all numbers, page by page."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutsJob:
    """Each worker asks, without a lock: a second answer writes what the first one wrote.

    Without a `listed` there is nobody to ask.
    """

    listed: OptOutList | None
    database: Database
    recipients: Recipients

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        if self.listed is None:
            return nullcontext()
        return PeriodicJob(
            name="opt-outs",
            round=self.once,
            failed="opt_outs_not_read",
            first_pause=FIRST_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        ).running()

    async def once(self) -> bool:
        """Block all that are listed; what was listed for long, and is not now, is let in again."""
        assert self.listed is not None, "there is somebody to ask"
        async for numbers in self.listed.pages():
            async with self.database.driver_transaction() as connection:
                await self.recipients.note_listed(connection, numbers)
        # Only behind a whole list: what is on a page that did not come is not missing from it.
        async with self.database.driver_transaction() as connection:
            await self.recipients.forget_unlisted(connection)
        return True
