"""Blocks on the driver's own connection, for the hot path.

They are classes: the same as async generators, which Python has to watch until they end, would take
a booking some hundred bytecodes more each.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import asyncpg

from booking_system.platform.postgres.leases import Lease, Leases
from booking_system.platform.postgres.pipelining import PipeliningConnection, pipelining
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.whole import WHOLE, Whole, leave
from booking_system.platform.ticket import not_stored, storing
from booking_system.shared_kernel.errors import Transient

Given_co = TypeVar("Given_co", covariant=True)
Explain = Callable[..., None]
"""Takes an error, and `committing`; raises what the error means, or returns."""
InWhole = Callable[[Whole], AbstractAsyncContextManager[asyncpg.Connection]]
"""What a block is where it is a part of a whole."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last statement of a transaction.

    Where it has an `if_none` and returns no row, `Transient` is raised with that text. It has to be
    the only one of the transaction that writes then: it may be committed already.
    """

    statement: Statement[Any]
    values: tuple[Any, ...]
    if_none: str | None = None

    async def run(self, driver: asyncpg.Connection) -> None:
        """Run it by itself."""
        self.check(await self.statement.fetch(driver, self.values))

    def check(self, rows: list[asyncpg.Record]) -> None:
        """Raise where nothing was written."""
        if self.if_none is not None and not rows:
            raise Transient(self.if_none)


Leave = Callable[[Last], Awaitable[None]]
"""Leaves a statement to the end of the transaction, where it costs no round trip of its own; or
runs it now."""


async def commit(driver: asyncpg.Connection, last: Last | None = None) -> str:
    """Commit; return PostgreSQL's word for what was done, `ROLLBACK` after an error."""
    if (pipe := pipelining(driver)) is not None:
        if last is not None:
            statement, values = last.statement, last.statement.in_places(last.values)
            rows = await pipe.run_and_commit(statement.text, values, seconds=statement.seconds)
            last.check(rows)
            if not pipe.is_in_transaction():
                return COMMIT
        elif pipe.forget_begin():
            return COMMIT
    done: str = await driver.execute(COMMIT)
    return done


COMMIT = "COMMIT"


class NothingStored(Exception):
    """The block caught an error of the database, after which PostgreSQL commits nothing."""


class DriverTransaction(AbstractAsyncContextManager[Given_co]):
    """A read-committed transaction; see `Database.working`.

    Begun by hand, because nothing has begun on a raw connection before its first statement, and
    `FOR UPDATE` outside a transaction locks nothing. Where the connection can, BEGIN goes out with
    the first statement, and COMMIT with the last, if that is left to the end.
    """

    __slots__ = ("_driver", "_explain", "_in_whole", "_last", "_lease", "_leases", "_made", "_part")

    def __init__(
        self,
        leases: Leases,
        explain: Explain,
        in_whole: InWhole,
        made: Callable[[asyncpg.Connection, Leave], Given_co],
    ) -> None:
        """`made` is given the connection, and what it returns is given to the block."""
        self._leases, self._explain, self._in_whole, self._made = leases, explain, in_whole, made
        self._part: AbstractAsyncContextManager[asyncpg.Connection] | None = None
        self._last: Last | None = None
        self._driver: asyncpg.Connection

    async def __aenter__(self) -> Given_co:
        """Begin. Raises what the database's refusal means."""
        if (whole := WHOLE.get()) is not None:
            self._part = self._in_whole(whole)
            self._driver = await self._part.__aenter__()
            return self._made(self._driver, self._leave)
        try:
            self._lease: Lease = await self._leases.take()
            self._driver = driver = self._lease.driver
            try:
                if (pipe := self._lease.pipelining) is not None:
                    pipe.begin()
                else:
                    await driver.execute("BEGIN")
            except BaseException:
                await self._leases.give(self._lease)
                raise
        except BaseException as error:
            self._explain(error, committing=False)
            raise
        return self._made(driver, self._leave)

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
                await leave(self._driver, self._rollback)
            finally:
                await self._leases.give(self._lease)
        except BaseException as wrong:
            self._explain(wrong, committing=False)
            raise
        self._explain(error, committing=False)
        return None

    async def _leave(self, last: Last) -> None:
        if self._part is None and self._lease.pipelining is not None:
            self._last = last
        else:
            await last.run(self._driver)

    async def _rollback(self) -> None:
        pipe = self._lease.pipelining
        if pipe is None or not pipe.forget_begin():
            await self._driver.execute("ROLLBACK")

    async def _commit(self) -> None:
        driver, pipe = self._driver, self._lease.pipelining
        stored_before, is_undone = storing(), False
        try:
            try:
                done = await commit(driver, self._last)
            except BaseException as wrong:
                if self._last is not None and pipe is not None:
                    is_undone = await _is_undone(pipe, wrong)
                if is_undone:
                    not_stored(before=stored_before)
                    if driver.is_in_transaction():
                        await leave(driver, self._rollback)
                else:
                    # What became of it is unknown, so nobody gets the connection.
                    driver.terminate()
                raise
            finally:
                await self._leases.give(self._lease)
        except BaseException as wrong:
            self._explain(wrong, committing=not is_undone)
            raise
        if done != COMMIT:
            raise NothingStored


async def _is_undone(connection: PipeliningConnection, wrong: BaseException) -> bool:
    """Say whether it is certain that a statement failed and COMMIT behind it was not done.

    It is where PostgreSQL says that the transaction is open still. A caller who goes away, or whose
    time is over, had the driver cancel the statement: its answer is awaited for a moment.
    """
    if isinstance(wrong, Transient):
        return True
    if not isinstance(wrong, asyncpg.PostgresError | TimeoutError | asyncio.CancelledError):
        return False
    try:
        await connection.settle()
    except BaseException:
        connection.terminate()
        raise
    return not connection.is_closed() and connection.is_in_transaction()


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
        await self._leases.give(self._lease)
        if error is not None:
            self._explain(error, committing=False)
        return None
