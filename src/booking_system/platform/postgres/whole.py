"""One transaction around several, begun by the first of them."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import asyncpg
from asyncpg.transaction import Transaction

from booking_system.platform.postgres.leases import Lease, Leases
from booking_system.platform.postgres.standbys import see_that_it_waited
from booking_system.platform.ticket import storing

First = Callable[[asyncpg.Connection], Awaitable[None]]
"""What is done first, on the connection, as soon as the transaction has begun."""

Later = Callable[[], Awaitable[None]]


class Whole:
    """A transaction that holds nothing until somebody needs it.

    Slow work in front of the first inner transaction therefore keeps no transaction open.
    """

    def __init__(self, leases: Leases, first: First | None = None) -> None:
        """Where `first` raises, every inner transaction raises the same."""
        self._leases = leases
        self._first = first
        self._lease: Lease | None = None
        self._transaction: Transaction | None = None
        self._is_committing = False
        self._failure: BaseException | None = None
        self.later: list[Later] = []
        """Jobs for the time behind its end, by commit or by rollback."""

    @property
    def has_begun(self) -> bool:
        """Say whether it has taken a connection."""
        return self._lease is not None

    @property
    def is_committing(self) -> bool:
        """Say whether its outcome may be unknown."""
        return self._is_committing

    async def begun(self) -> Lease:
        """Begin the transaction, if nobody has, and return its lease."""
        if self._failure is not None:
            raise self._failure
        if self._lease is None:
            self._lease = await self._leases.take()
            try:
                await self._begin(self._lease.driver)
            except BaseException as error:
                self._failure = error
                raise
        return self._lease

    async def _begin(self, driver: asyncpg.Connection) -> None:
        self._transaction = driver.transaction()
        await self._transaction.start()
        if self._first is not None:
            await self._first(driver)

    async def connection(self) -> asyncpg.Connection:
        """Return the driver's connection, in the transaction."""
        return (await self.begun()).driver

    async def commit(self) -> None:
        """Commit what was begun."""
        if self._transaction is not None:
            self._is_committing = True
            storing()
            await self._transaction.commit()
            assert self._lease is not None
            see_that_it_waited(self._lease.driver)

    async def undo(self, error: BaseException | None = None) -> None:
        """Roll back what was begun, because of `error`."""
        if self._lease is None or self._transaction is None:
            return
        if self._is_committing:
            # What became of it is unknown.
            self._lease.driver.terminate()
        else:
            await leave(self._lease.driver, self._transaction.rollback, error)

    async def give_back(self) -> None:
        """Give the connection back."""
        if self._lease is not None:
            await self._leases.give(self._lease)


WHOLE: ContextVar[Whole | None] = ContextVar("WHOLE", default=None)
"""The one transaction which all others of this task are part of."""


def end_if_silent(driver: asyncpg.Connection, error: BaseException | None) -> None:
    """Break the connection off where the time for an answer was over.

    A server that is gone would be waited for again, by the rollback or by the next in the queue.
    """
    if isinstance(error, TimeoutError) or isinstance(
        getattr(error, "__cause__", None), TimeoutError
    ):
        driver.terminate()


async def leave(
    driver: asyncpg.Connection,
    rollback: Callable[[], Awaitable[object]],
    error: BaseException | None = None,
) -> None:
    """Roll back; a connection whose state is unknown is broken off, so that nobody gets it."""
    is_clean = False
    end_if_silent(driver, error)
    try:
        if not driver.is_closed():
            await rollback()
            is_clean = True
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        TimeoutError,
    ):
        pass
    finally:
        # Also when the caller was cancelled in the middle of the rollback.
        if not is_clean:
            driver.terminate()
