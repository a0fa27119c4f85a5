"""Connections that stay open and are leased out: the pool in front of SQLAlchemy's own.

Taking a connection from SQLAlchemy for each statement costs more than the statement. So each one,
once opened, stays here; the last that came back goes out first, because its caches are warm.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from weakref import WeakSet

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_system.platform.postgres.faults import Overloaded, Said
from booking_system.platform.postgres.hosts import OPTION, Hosts
from booking_system.platform.postgres.standbys import listen
from booking_system.platform.ticket import CONNECTIONS

WAIT_SECONDS = 0.5
FULL_SECONDS = 30.0
"""How long readiness tells of a full disk: nothing but a write can say that it is over."""
MOST_WAITING_PER_CONNECTION = 8
log = structlog.get_logger("booking_system.postgres")


@dataclass(slots=True, eq=False, weakref_slot=True)
class Lease:
    """One connection, as SQLAlchemy sees it and as the driver does.

    `is_over` when its server is not the one any more that is wanted.
    """

    connection: AsyncConnection
    driver: asyncpg.Connection
    is_over: bool = False

    @property
    def is_good(self) -> bool:
        """Say whether it can be used once more."""
        driver = self.driver
        return not (
            self.is_over
            or driver.is_closed()
            or self.connection.invalidated
            or driver.is_in_transaction()
        )


class Leases:
    """At most `size` connections of one engine, and a short queue for them."""

    def __init__(self, engine: AsyncEngine, *, size: int) -> None:
        """Nothing is opened before it is asked for."""
        self.engine = engine
        self.size = size
        self._idle: list[Lease] = []
        self._waiting: deque[asyncio.Future[Lease | None]] = deque()
        self._open = 0
        self._all = WeakSet[Lease]()
        self._hosts: Hosts | None = engine.get_execution_options().get(OPTION)
        self._moved = self.moves
        self._has_to_look = False
        self._full_until = 0.0

    @property
    def moves(self) -> int:
        """How often another server was found than the time before."""
        return 0 if self._hosts is None else self._hosts.moves

    @property
    def is_disk_full(self) -> bool:
        """Say whether the server has refused a write of this process for want of room just now."""
        return monotonic() < self._full_until

    def note_full_disk(self) -> None:
        """Remember that there was no room, and tell the operator."""
        if not self.is_disk_full:
            log.error("database_disk_full")
        self._full_until = monotonic() + FULL_SECONDS

    @property
    def in_use(self) -> int:
        """How many are out at this moment."""
        return self._open - len(self._idle)

    async def take(self) -> Lease:
        """Lease a connection. Raises `Overloaded` where none comes back soon enough."""
        lease = await self._next()
        CONNECTIONS.set(CONNECTIONS.get() + 1)
        return lease

    async def give(self, lease: Lease) -> None:
        """Give it back, in the task that took it.

        One that is broken, or in a transaction still, is thrown away.
        """
        CONNECTIONS.set(CONNECTIONS.get() - 1)
        if lease.is_good:
            self._hand_over(lease)
        else:
            await self._discard(lease)

    @asynccontextmanager
    async def leased(self) -> AsyncIterator[Lease]:
        """Lease a connection for a block. Raises `Overloaded`."""
        lease = await self.take()
        try:
            yield lease
        finally:
            await self.give(lease)

    async def close(self) -> None:
        """Close all that are idle, and the engine."""
        while self._idle:
            await self._discard(self._idle.pop())
        await self.engine.dispose()

    def heard(self, said: Said) -> None:
        """Draw the conclusions from an error; its holder has given the connection back."""
        if said is Said.IS_NO_PRIMARY:
            self.leave_server()
        elif said is Said.MAY_BE_GONE and self._hosts is not None:
            self._hosts.forget()
            self._has_to_look = True

    def leave_server(self) -> None:
        """Lend no connection any more that is open now: the next ones look for the server anew."""
        if self._hosts is not None:
            self._hosts.forget(is_wrong=True)
        self._end_others()

    def _end_others(self) -> None:
        """Those that are idle end now, those that are out once they come back."""
        for lease in self._all:
            lease.is_over = True
        for lease in self._idle:
            # At once: a server that is gone would not answer to a farewell.
            lease.driver.terminate()

    async def _next(self) -> Lease:
        while True:
            if self._has_to_look:
                # A new connection, because only that one looks at all hosts.
                self._has_to_look = False
                if self._idle:
                    await self._discard(self._idle.pop(0))
                if self._open < self.size:
                    return await self._opened()
            if self._idle:
                lease = self._idle.pop()
                if lease.is_good:
                    return lease
                await self._discard(lease)
            elif self._open < self.size:
                return await self._opened()
            elif (handed := await self._queued()) is not None:
                return handed

    async def _opened(self) -> Lease:
        self._open += 1
        try:
            connection = await self.engine.connect()
            driver = (await connection.get_raw_connection()).driver_connection
        except BaseException:
            self._open -= 1
            self._wake(None)
            raise
        assert isinstance(driver, asyncpg.Connection)
        listen(driver)
        if self.moves != self._moved:
            self._moved = self.moves
            self._end_others()
        lease = Lease(connection, driver)
        self._all.add(lease)
        return lease

    async def _queued(self) -> Lease | None:
        """Wait for one that comes back; None: there is room to open one."""
        if len(self._waiting) >= self.size * MOST_WAITING_PER_CONNECTION:
            raise Overloaded(retry_after=1)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Lease | None] = loop.create_future()
        self._waiting.append(turn)
        # A timer of its own costs a fifth of what `asyncio.timeout` does.
        timer = loop.call_later(WAIT_SECONDS, _too_late, turn)
        try:
            return await turn
        except BaseException:
            self._left(turn)
            raise
        finally:
            timer.cancel()

    def _left(self, turn: asyncio.Future[Lease | None]) -> None:
        """Pass on what was handed to somebody who has gone away."""
        with suppress(ValueError):
            self._waiting.remove(turn)
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            lease = turn.result()
            if lease is None:
                self._wake(None)
            else:
                self._hand_over(lease)

    def _hand_over(self, lease: Lease) -> None:
        if not self._wake(lease):
            self._idle.append(lease)

    def _wake(self, lease: Lease | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(lease)
                return True
        return False

    async def _discard(self, lease: Lease) -> None:
        self._open -= 1
        self._wake(None)
        if lease.is_over:
            lease.driver.terminate()
        with suppress(DBAPIError, OSError, asyncpg.InterfaceError):
            await lease.connection.invalidate()
        with suppress(DBAPIError, OSError, asyncpg.InterfaceError):
            await lease.connection.close()


def _too_late(turn: "asyncio.Future[Lease | None]") -> None:
    if not turn.done():
        turn.set_exception(Overloaded(retry_after=1))
