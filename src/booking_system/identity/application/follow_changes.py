"""Keeps what this process remembers about callers true while others change their access."""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime

from booking_system.identity.application.access_ports import AccessChanges
from booking_system.identity.application.known_actors import KnownActors, Monotonic
from booking_system.shared_kernel.background import in_background

PAUSE_SECONDS = 0.25
LOOK_SECONDS = 1.0
LONGEST_GAP_SECONDS = 60.0
"""After a longer gap everything is forgotten: old changes may have been swept away by then."""

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class FollowChanges:
    """Looks at the changes of access four times a second.

    While it cannot, nothing that is remembered is relied on: every request is checked anew.
    """

    known: KnownActors
    changes: AccessChanges
    monotonic: Monotonic = time.monotonic
    _until: datetime | None = field(default=None, init=False)
    _looked_at: float = field(default=float("-inf"), init=False)
    _applied: frozenset[int] = field(default=frozenset(), init=False)
    _is_failing: bool = field(default=False, init=False)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Follow for as long as the block lasts."""
        return in_background(self._follow(), name="access-changes")

    async def look(self) -> None:
        """Apply what has changed since the last look, then vouch for what is remembered."""
        started = self.monotonic()
        if started - self._looked_at > LONGEST_GAP_SECONDS:
            self.known.forget_all()
        recent = await self.changes.since(self._until)
        for change in recent.changes:
            if change.id not in self._applied:
                self.known.doubt(change.user_id)
        self._applied = frozenset(change.id for change in recent.changes)
        self._until = recent.until
        self._looked_at = started
        self.known.trust(started)

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.look()
                self._is_failing = False
            except Exception as error:  # noqa: BLE001  (whatever it was: look again)
                if not self._is_failing:
                    log.warning("access changes cannot be read: %s", type(error).__name__)
                self._is_failing = True
            await asyncio.sleep(PAUSE_SECONDS)
