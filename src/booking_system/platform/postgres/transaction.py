"""The one place where a transaction begins, commits and rolls back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from booking_system.platform.postgres.faults import Refusals, meaning_of

COMMAND_TIMEOUT_SECONDS = 3.0
POOL_WAIT_SECONDS = 0.5
CONNECT_TIMEOUT_SECONDS = 2.0
SERVER_SETTINGS = {
    "application_name": "booking-system",
    "statement_timeout": "2500",
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "5000",
    "timezone": "UTC",
    "jit": "off",
}
"""Deadlines in milliseconds, each shorter than the one around it."""


def engine_for(url: URL, *, pool_size: int) -> AsyncEngine:
    """Make the engine. Parameters never reach an error text: they are patient data."""
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_use_lifo=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT_SECONDS,
            "command_timeout": COMMAND_TIMEOUT_SECONDS,
            "server_settings": SERVER_SETTINGS,
        },
    )


@dataclass(frozen=True, slots=True)
class Database:
    """Opens transactions. Leaving the block commits, an exception undoes everything.

    Errors of the database come out as the refusal that `refusals` names for a broken constraint,
    as `Transient` where nothing was committed and a retry may help, as `OutcomeUnknown` where the
    commit's answer was lost, or as another `Unavailable`.
    """

    engine: AsyncEngine
    refusals: Refusals = field(default_factory=dict)

    def knowing(self, refusals: Refusals) -> "Database":
        """Return the same database with more constraints that it can explain."""
        return Database(self.engine, {**self.refusals, **refusals})

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A read-committed transaction for SQLAlchemy Core statements."""
        committing = False
        try:
            async with self.engine.connect() as connection, connection.begin() as transaction:
                yield connection
                committing = True
                await transaction.commit()
        except BaseException as error:
            self._explain(error, committing=committing)
            raise

    @asynccontextmanager
    async def driver_transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """The same for the hot path: the pooled asyncpg connection itself, explicitly begun.

        Begun by hand, because nothing has begun on a raw connection before its first statement,
        and `FOR UPDATE` outside a transaction locks nothing.
        """
        committing = False
        try:
            async with self.engine.connect() as connection:
                driver = await _driver_of(connection)
                transaction = driver.transaction()
                await transaction.start()
                try:
                    yield driver
                    committing = True
                    await transaction.commit()
                except BaseException:
                    await _leave(connection, driver, transaction, committing=committing)
                    raise
        except BaseException as error:
            self._explain(error, committing=committing)
            raise

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A pooled asyncpg connection for single statements that only read."""
        try:
            async with self.engine.connect() as connection:
                driver = await _driver_of(connection)
                yield driver
        except BaseException as error:
            self._explain(error, committing=False)
            raise

    def _explain(self, error: BaseException, *, committing: bool) -> None:
        """Raise what `error` means; return where it says so itself, so it is not its own cause."""
        meaning = meaning_of(error, self.refusals, committing=committing)
        if meaning is not None:
            raise meaning from error


async def _driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """Return the driver's own connection, a fresh one where it was lost in the pool.

    SQLAlchemy sees no errors of the raw connection, so it would hand out a dead one for ever.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    if driver.is_closed():
        await connection.invalidate()
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)
    return driver


async def _leave(
    connection: AsyncConnection,
    driver: asyncpg.Connection,
    transaction: asyncpg.transaction.Transaction,
    *,
    committing: bool,
) -> None:
    """Roll back; a connection whose state is unknown never goes back to the pool."""
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
            await connection.invalidate()
