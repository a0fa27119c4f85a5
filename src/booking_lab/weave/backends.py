"""What PostgreSQL's processes do: who waits for whom, who is gone; and how each is kept still.

A process that waits for a lock is stopped (SIGSTOP) at once. When the lock is its, it still does
nothing until it is its turn: else all that waited for the same transaction would race, and the
same seed would have several ends. It sleeps in a wait for its latch then, and has no lock of the
kind that others could not be told of.
"""

import os
import signal
from collections.abc import Collection, Sequence
from contextlib import suppress

import asyncpg

WAITED_FOR = "SELECT pg_blocking_pids($1)"
NOT_BLOCKED = "SELECT pid FROM unnest($1::int[]) pid WHERE pg_blocking_pids(pid) = '{}'"
THERE = "SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[])"


class Backends:
    """Looks at them through a connection that is no part of a run."""

    def __init__(self, observer: asyncpg.Connection) -> None:
        """The observer may see all processes, and this program may signal them."""
        self._observer = observer
        self._stopped = set[int]()

    async def waits_for(self, pid: int) -> Sequence[int]:
        """Return whom the process waits for; nobody: it works, or is done."""
        found: list[int] = await self._observer.fetchval(WAITED_FOR, pid)
        return found

    async def awake(self, pids: Collection[int]) -> set[int]:
        """Return those of them that wait for nobody any more."""
        rows = await self._observer.fetch(NOT_BLOCKED, list(pids))
        return {row["pid"] for row in rows}

    async def there(self, pids: Collection[int]) -> set[int]:
        """Return those that have not ended. An ended one has let go of all its locks."""
        rows = await self._observer.fetch(THERE, list(pids))
        return {row["pid"] for row in rows}

    def stop(self, pid: int) -> None:
        """Keep it still."""
        os.kill(pid, signal.SIGSTOP)
        self._stopped.add(pid)

    def go_on(self, pid: int) -> None:
        """Let it go on."""
        if pid in self._stopped:
            self._stopped.discard(pid)
            os.kill(pid, signal.SIGCONT)

    def end(self, pids: Collection[int]) -> None:
        """End these, and let all others go on that were stopped."""
        for pid in set(pids) - {0}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid in list(self._stopped):
            with suppress(ProcessLookupError):
                self.go_on(pid)
        self._stopped.clear()
