"""One transaction around several, begun by the first of them."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import asyncpg
from asyncpg.transaction import Transaction

from booking_system.platform.postgres.leases import Lease, Leases
from booking_system.platform.ticket import storing

First = Callable[[asyncpg.Connection], Awaitable[None]]
"""What is done first, on the connection, as soon as the transaction has begun."""

Later = Callable[[], Awaitable[None]]


class Whole:
    """A transaction that holds nothing until somebody needs it.

    So what is slow, and comes before the first transaction inside, is outside of every transaction.
    """

    def __init__(self, leases: Leases, first: First | None = None) -> None:
        """`first` may raise: then nothing inside happens."""
        self._leases = leases
        self._first = first
        self._lease: Lease | None = None
        self._transaction: Transaction | None = None
        self._is_committing = False
        self.later: list[Later] = []
        """What is to be done when it is over, however it ends."""

    @property
    def has_begun(self) -> bool:
        """Say whether it holds a connection."""
        return self._lease is not None

    @property
    def is_committing(self) -> bool:
        """Say whether its outcome may be unknown."""
        return self._is_committing

    async def begun(self) -> Lease:
        """Return the connection, in the transaction."""
        if self._lease is None:
            self._lease = await self._leases.take()
            self._transaction = self._lease.driver.transaction()
            await self._transaction.start()
            if self._first is not None:
                await self._first(self._lease.driver)
        return self._lease

    async def connection(self) -> asyncpg.Connection:
        """Return the driver's connection, in the transaction."""
        return (await self.begun()).driver

    async def commit(self) -> None:
        """Commit what was begun."""
        if self._transaction is not None:
            self._is_committing = True
            storing()
            await self._transaction.commit()

    async def undo(self) -> None:
        """Roll back what was begun."""
        if self._lease is not None and self._transaction is not None:
            await leave(self._lease.driver, self._transaction, committing=self._is_committing)

    async def give_back(self) -> None:
        """Give the connection back."""
        if self._lease is not None:
            await self._leases.give(self._lease)


WHOLE: ContextVar[Whole | None] = ContextVar("WHOLE", default=None)
"""The one transaction which all others of this task are part of."""


async def leave(driver: asyncpg.Connection, transaction: Transaction, *, committing: bool) -> None:
    """Roll back; a connection whose state is unknown is broken off, so that nobody gets it."""
    is_clean = False
    try:
        if not committing and not driver.is_closed():
            await transaction.rollback()
            is_clean = True
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        pass
    finally:
        # Also when the caller was cancelled in the middle of the rollback.
        if not is_clean:
            driver.terminate()
