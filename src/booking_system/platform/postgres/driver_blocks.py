"""Blocks on the driver's own connection, for the hot path.

They are classes: the same as async generators, which Python has to watch until they end, would take
a booking some hundred bytecodes more each.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TypeVar

import asyncpg

from booking_system.platform.postgres.leases import Lease, Leases
from booking_system.platform.postgres.standbys import see_that_it_waited
from booking_system.platform.postgres.whole import WHOLE, Whole, end_if_silent, leave
from booking_system.platform.ticket import storing

Given_co = TypeVar("Given_co", covariant=True)
Explain = Callable[..., None]
"""Takes an error, and `committing`; raises what the error means, or returns."""
InWhole = Callable[[Whole], AbstractAsyncContextManager[asyncpg.Connection]]
"""What a block is where it is a part of a whole."""


async def commit(driver: asyncpg.Connection) -> str:
    """Commit; return PostgreSQL's word for what was done, `ROLLBACK` after an error."""
    done: str = await driver.execute("COMMIT")
    see_that_it_waited(driver)
    return done


class NothingStored(Exception):
    """The block caught an error of the database, after which PostgreSQL commits nothing."""


class DriverTransaction(AbstractAsyncContextManager[Given_co]):
    """A read-committed transaction; see `Database.driver_transaction`.

    Begun by hand, because nothing has begun on a raw connection before its first statement, and
    `FOR UPDATE` outside a transaction locks nothing.
    """

    __slots__ = ("_explain", "_in_whole", "_lease", "_leases", "_made", "_part")

    def __init__(
        self,
        leases: Leases,
        explain: Explain,
        in_whole: InWhole,
        made: Callable[[asyncpg.Connection], Given_co],
    ) -> None:
        """`made` is given the connection, and what it returns is given to the block."""
        self._leases, self._explain, self._in_whole, self._made = leases, explain, in_whole, made
        self._part: AbstractAsyncContextManager[asyncpg.Connection] | None = None

    async def __aenter__(self) -> Given_co:
        """Begin. Raises what the database's refusal means."""
        if (whole := WHOLE.get()) is not None:
            self._part = self._in_whole(whole)
            return self._made(await self._part.__aenter__())
        try:
            self._lease: Lease = await self._leases.take()
            try:
                await self._lease.driver.execute("BEGIN")
            except BaseException as error:
                end_if_silent(self._lease.driver, error)
                await self._leases.give(self._lease)
                raise
        except BaseException as error:
            self._explain(error, committing=False)
            raise
        return self._made(self._lease.driver)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Commit, or undo everything and raise what the error means."""
        if self._part is not None:
            return await self._part.__aexit__(kind, error, trace)
        if error is None:
            await self._commit()
            return None
        try:
            try:
                await leave(self._lease.driver, self._rollback, error)
            finally:
                await self._leases.give(self._lease)
        except BaseException as wrong:
            self._explain(wrong, committing=False)
            raise
        self._explain(error, committing=False)
        return None

    async def _rollback(self) -> None:
        await self._lease.driver.execute("ROLLBACK")

    async def _commit(self) -> None:
        driver = self._lease.driver
        try:
            try:
                storing()
                done = await commit(driver)
            except BaseException:
                # What became of it is unknown, so nobody gets the connection.
                driver.terminate()
                raise
            finally:
                await self._leases.give(self._lease)
        except BaseException as wrong:
            self._explain(wrong, committing=True)
            raise
        if done != "COMMIT":
            raise NothingStored


class DriverReading(AbstractAsyncContextManager[asyncpg.Connection]):
    """A connection for single statements that only read; see `Database.reading`."""

    __slots__ = ("_explain", "_in_whole", "_lease", "_leases", "_part")

    def __init__(self, leases: Leases, explain: Explain, in_whole: InWhole) -> None:
        """In a whole that has begun it is the whole's; it does not begin one."""
        self._leases, self._explain, self._in_whole = leases, explain, in_whole
        self._part: AbstractAsyncContextManager[asyncpg.Connection] | None = None

    async def __aenter__(self) -> asyncpg.Connection:
        """Lease a connection. Raises what the database's refusal means."""
        if (whole := WHOLE.get()) is not None and whole.has_begun:
            self._part = self._in_whole(whole)
            return await self._part.__aenter__()
        try:
            self._lease: Lease = await self._leases.take()
        except BaseException as error:
            self._explain(error, committing=False)
            raise
        return self._lease.driver

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Give the connection back, and raise what the error means."""
        if self._part is not None:
            return await self._part.__aexit__(kind, error, trace)
        if error is None:
            await self._leases.give(self._lease)
            return None
        end_if_silent(self._lease.driver, error)
        await self._leases.give(self._lease)
        self._explain(error, committing=False)
        return None
