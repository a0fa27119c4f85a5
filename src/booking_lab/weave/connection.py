"""The one seam: a connection that asks, before each statement and each commit, whose turn it is.

SQLAlchemy and the leases both come through here. Outside of a run, and for anybody who is no thread
of it, it is the driver's own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from booking_lab.weave.names import name_of
from booking_lab.weave.threads import THREAD, Order, Thread

AT_ONCE = ("BEGIN", "SAVEPOINT", "RELEASE")
"""They touch nothing that anybody else could see."""


class WovenConnection(asyncpg.Connection):  # type: ignore[misc]
    """Stops in front of every step."""

    _protocol: Any
    _stmt_cache: Any
    spares: "Spares"
    is_spare = False
    """It goes on with the server's process of a connection that broke, and nobody had it yet."""

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
        """Break off, as far as the program can tell."""
        if not self._passes_on():
            self.break_off()

    def break_off(self) -> None:
        """Break off for the server, too; the run waits for its process."""
        self._is_ending()
        super().terminate()

    async def close(self, **about: Any) -> None:
        """Say goodbye."""
        if not self._passes_on():
            self._is_ending()
            await super().close(**about)

    def _passes_on(self) -> bool:
        """Keep the server's process, if no statement is under way in it, and say so."""
        thread = THREAD.get()
        if thread is None or thread.is_free or thread.is_interrupted or self.is_closed():
            return False
        about = (self._loop, self._addr, self._config, self._params)
        spare = WovenConnection(self._protocol, self._transport, *about)
        self._stmt_cache = spare.knowing(self._stmt_cache)
        self._protocol.set_connection(spare)
        self._aborted, self._protocol = True, None
        self._cleanup()
        thread.undoing.append(self.spares.keep(spare))
        return True

    def knowing(self, statements: Any) -> Any:
        """Take over the prepared statements of another connection, and return its own: none."""
        own, self._stmt_cache = self._stmt_cache, statements
        return own

    def _drop_local_statement_cache(self) -> None:
        """SQLAlchemy tells each connection its codecs; a spare one knows them."""
        if not self.is_spare:
            super()._drop_local_statement_cache()

    def _is_ending(self) -> None:
        thread = THREAD.get()
        if thread is not None and not self.is_closed():
            thread.leaves(self.get_server_pid())

    async def _in_turn(self, thread: Thread, query: str, run: Callable[[], Awaitable[Any]]) -> Any:
        self.is_spare = False
        order = await thread.turn(name_of(query), self.get_server_pid(), self.break_off)
        if order is Order.CUT:
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed before it was asked")
        done = await run()
        if order is Order.LOSE_ANSWER:
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed, the answer is lost")
        return done


class Spares:
    """Processes of the server whose connection broke, so that a run need not start others.

    A new process plans every statement anew, which took two thirds of a run's time. For the program
    the connection is gone; the process undoes its transaction, as it would at its end, and waits
    for the program to open the next connection.
    """

    def __init__(self) -> None:
        """None yet."""
        self._kept = list[WovenConnection]()

    async def connect(self, *args: Any, **about: Any) -> WovenConnection:
        """Return a spare one, or connect."""
        while self._kept:
            spare = self._kept.pop()
            if not spare.is_closed():
                return spare
        opened: WovenConnection = await asyncpg.connect(*args, **about)
        opened.spares = self
        return opened

    def keep(self, spare: WovenConnection) -> asyncio.Task[Any]:
        """Keep it for later; the task is done when its transaction is undone."""
        spare.spares, spare.is_spare = self, True
        self._kept.append(spare)
        return asyncio.create_task(asyncpg.Connection.execute(spare, "ROLLBACK"))
