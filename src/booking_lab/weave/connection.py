"""The one seam: a connection that asks, before each statement and each commit, whose turn it is.

SQLAlchemy and the leases both come through here. Outside of a run, and for anybody who is no thread
of it, it is the driver's own.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from booking_lab.weave.names import name_of
from booking_lab.weave.threads import THREAD, Order, Thread

AT_ONCE = ("BEGIN", "SAVEPOINT", "RELEASE")
"""They touch nothing that anybody else could see."""


class WovenConnection(asyncpg.Connection):  # type: ignore[misc]
    """Stops in front of every step."""

    async def execute(self, query: str, *args: Any, **about: Any) -> Any:
        """Run a command; with values it is a statement, which is asked for below."""
        thread = THREAD.get()
        if args or thread is None or query.startswith(AT_ONCE):
            return await super().execute(query, *args, **about)

        async def run() -> Any:
            return await super(WovenConnection, self).execute(query, **about)

        return await self._in_turn(thread, query, run)

    async def _execute(self, query: str, args: Sequence[Any], *more: Any, **about: Any) -> Any:
        thread = THREAD.get()
        if thread is None:
            return await super()._execute(query, args, *more, **about)

        async def run() -> Any:
            return await super(WovenConnection, self)._execute(query, args, *more, **about)

        return await self._in_turn(thread, query, run)

    async def prepare(self, query: str, **about: Any) -> Any:
        """SQLAlchemy prepares each statement right before it runs it."""
        thread = THREAD.get()
        if thread is None:
            return await super().prepare(query, **about)

        async def run() -> Any:
            return await super(WovenConnection, self).prepare(query, **about)

        return await self._in_turn(thread, query, run)

    def terminate(self) -> None:
        """Break off; the server's process is waited for by the run."""
        self._is_ending()
        super().terminate()

    async def close(self, **about: Any) -> None:
        """Say goodbye."""
        self._is_ending()
        await super().close(**about)

    def _is_ending(self) -> None:
        thread = THREAD.get()
        if thread is not None and not self.is_closed():
            thread.leaves(self.get_server_pid())

    async def _in_turn(self, thread: Thread, query: str, run: Callable[[], Awaitable[Any]]) -> Any:
        order = await thread.turn(name_of(query), self.get_server_pid(), self.terminate)
        if order is Order.CUT:
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed before it was asked")
        done = await run()
        if order is Order.LOSE_ANSWER:
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed, the answer is lost")
        return done
