"""What workers do about files, for as long as they run."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from booking_system.files.adapters.links import IMAGES
from booking_system.files.application.ports import FileQueue
from booking_system.files.application.sweep import SHARDS, DoDue, Reconcile
from booking_system.files.domain.stored_file import FileId
from booking_system.platform.postgres.periodic import PeriodicJob

PAUSE_SECONDS = 5.0
FAILED_SECONDS = 15.0
SWEEP_SECONDS = 300.0
"""Between two of the 256 folders: each is compared about once a day."""

log = structlog.get_logger("booking_system.files")


def tell_lost(file_id: FileId) -> None:
    """Tell the operator: somebody has removed it from the storage, and a backup may have it."""
    log.error("file_lost", file_id=str(file_id))


@dataclass(slots=True, kw_only=True)
class FilesJob:
    """Does what is due, and compares rows and objects folder by folder, from any one on."""

    queue: FileQueue
    due: DoDue
    reconcile: Reconcile
    public_url: str
    _has_addressed: bool = field(default=False, init=False)
    _next: int = field(default_factory=lambda: random.randrange(len(SHARDS)), init=False)  # noqa: S311

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do so for as long as the block lasts."""
        due = PeriodicJob(
            name="files",
            round=self.once,
            failed="files_not_worked_on",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        )
        sweep = PeriodicJob(
            name="files_sweep",
            round=self.sweep,
            failed="files_not_swept",
            first_pause=FAILED_SECONDS,
            pause=SWEEP_SECONDS,
            pause_after_failure=FAILED_SECONDS,
        )
        async with due.running(), sweep.running():
            yield

    async def once(self) -> bool:
        """Do all that is due."""
        while await self.due():
            continue
        return True

    async def sweep(self) -> bool:
        """Compare the next folder."""
        if not self._has_addressed:
            await self.queue.readdress(self.public_url, f"{IMAGES}/")
            self._has_addressed = True
        await self.reconcile(SHARDS[self._next])
        self._next = (self._next + 1) % len(SHARDS)
        return True
