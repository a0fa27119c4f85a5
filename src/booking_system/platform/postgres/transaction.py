"""The one place where a transaction begins, commits and rolls back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from booking_system.platform.postgres.driver_blocks import DriverReading, DriverTransaction
from booking_system.platform.postgres.faults import (
    FULL,
    DependencyUnavailable,
    Refusals,
    meaning_of,
    said_of_the_server,
)
from booking_system.platform.postgres.hosts import engine_options
from booking_system.platform.postgres.leases import Leases
from booking_system.platform.postgres.standbys import see_that_it_waited
from booking_system.platform.postgres.whole import WHOLE, First, Later, Whole, end_if_silent
from booking_system.platform.ticket import storing

Made = TypeVar("Made")

TRACKED = {"application_name": "booking-system", "timezone": "UTC"}
"""What a pooler in transaction mode (PgBouncer) gives each session that it lends out anew."""
DEADLINES = {
    "statement_timeout": "2500",
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "5000",
}
"""In milliseconds, each shorter than the one around it."""
PLANNING = {
    "jit": "off",
    # What is looked for is in memory: with the cost of a spinning disk, three look-ups by index
    # become joins over whole tables.
    "random_page_cost": "1.1",
    # Else each connection decides by the first five values that it meets whether a statement is
    # planned anew each time, which takes longer than most of them.
    "plan_cache_mode": "force_generic_plan",
}
SERVER_SETTINGS = TRACKED | DEADLINES | PLANNING
"""A pooler refuses the last two where they come from us: there they are the role's own."""
PREPARED = {"max_cacheable_statement_size": 32 * 1024, "max_cached_statement_lifetime": 3600}
"""Up to how many bytes, and for how many seconds, a connection keeps a statement that was read and
planned. By itself asyncpg keeps none of more than 15 KiB, and none for more than five minutes: a
search by service is longer, and took ten milliseconds to be read and planned each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """For how many seconds the driver waits for a connection, and for the end of a statement."""

    connect: float
    command: float


USUAL = Deadlines(connect=2.0, command=3.0)


def engine_for(
    url: URL, *, pool_size: int, deadlines: Deadlines | None = None, is_pooled: bool = False
) -> AsyncEngine:
    """Make the engine, with the usual deadlines unless others are given.

    `is_pooled` where the address is that of a pooler in transaction mode. Parameters never reach an
    error text: they are patient data.
    """
    deadlines = deadlines or USUAL
    connect_args = {
        "timeout": deadlines.connect,
        "command_timeout": deadlines.command,
        "server_settings": TRACKED if is_pooled else SERVER_SETTINGS,
        **PREPARED,
    }
    place, options = engine_options(url, connect_args)
    return create_async_engine(
        place,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=deadlines.connect,
        **options,
    )


def _itself(connection: asyncpg.Connection) -> asyncpg.Connection:
    return connection


@dataclass(frozen=True, slots=True)
class Database:
    """Opens transactions. Leaving the block commits, an exception undoes everything.

    Errors of the database come out as the refusal that `refusals` names for a broken constraint,
    as `Transient` where nothing was committed and a retry may help, as `OutcomeUnknown` where the
    commit's answer was lost, or as another `Unavailable`.
    """

    leases: Leases
    refusals: Refusals = field(default_factory=dict)

    @classmethod
    def at(cls, url: URL, *, pool_size: int) -> "Database":
        """Return the database at an address, with connections of its own."""
        return cls(Leases(engine_for(url, pool_size=pool_size), size=pool_size))

    def knowing(self, refusals: Refusals) -> "Database":
        """Return the same database with more constraints that it can explain."""
        return Database(self.leases, {**self.refusals, **refusals})

    async def close(self) -> None:
        """Give all connections back."""
        await self.leases.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A read-committed transaction for SQLAlchemy Core statements."""
        if (whole := WHOLE.get()) is not None:
            # The driver is in a transaction already, so what SQLAlchemy begins is a savepoint.
            async with self._explained():
                connection = (await whole.begun()).connection
                async with connection.begin():
                    yield connection
            return
        committing = False
        try:
            async with self.leases.leased() as lease:
                try:
                    async with lease.connection.begin() as transaction:
                        yield lease.connection
                        committing = True
                        storing()
                        await transaction.commit()
                        see_that_it_waited(lease.driver)
                except BaseException:
                    if committing or lease.connection.in_transaction():
                        lease.driver.terminate()
                    raise
        except BaseException as error:
            self._explain(error, committing=committing)
            raise

    def driver_transaction(self) -> DriverTransaction[asyncpg.Connection]:
        """The same for the hot path: on the leased asyncpg connection itself, explicitly begun."""
        return self.working(_itself)

    def working(self, made: Callable[[asyncpg.Connection], Made]) -> DriverTransaction[Made]:
        """The same; the block is given what is `made` of the connection."""
        return DriverTransaction(self.leases, self._explain, self._savepoint, made)

    def reading(self) -> DriverReading:
        """A leased asyncpg connection for single statements that only read.

        In a whole that has begun it is the whole's; it does not begin one.
        """
        return DriverReading(self.leases, self._explain, self._in_whole)

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[asyncpg.Connection]:
        """A leased asyncpg connection for one statement that is a transaction by itself.

        Two round trips less than a transaction around it. In a whole it is a part of that.
        """
        if WHOLE.get() is not None:
            async with self.driver_transaction() as connection:
                yield connection
            return
        try:
            async with self.leases.leased() as lease:
                storing()
                yield lease.driver
                see_that_it_waited(lease.driver)
        except BaseException as error:
            self._explain(error, committing=True)
            raise

    @asynccontextmanager
    async def _savepoint(self, whole: Whole) -> AsyncIterator[asyncpg.Connection]:
        async with self._in_whole(whole) as driver, driver.transaction():
            try:
                yield driver
            except BaseException as error:
                end_if_silent(driver, error)
                raise

    @asynccontextmanager
    async def _in_whole(self, whole: Whole) -> AsyncIterator[asyncpg.Connection]:
        async with self._explained():
            yield await whole.connection()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[asyncpg.Connection]:
        """A leased asyncpg connection for several statements that see the data of one moment.

        They can only read, so the end has no outcome that could be unknown. No part of a whole.
        """
        try:
            lease = await self.leases.take()
            try:
                async with lease.driver.transaction(isolation="repeatable_read", readonly=True):
                    yield lease.driver
            finally:
                await self.leases.give(lease)
        except BaseException as error:
            self._explain(error, committing=False)
            raise

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[AsyncConnection]:
        """For statements that only read, before anything slow; what they write is undone.

        No part of a whole that has not begun, and it does not begin one.
        """
        if (whole := WHOLE.get()) is not None and whole.has_begun:
            async with self._explained():
                connection = (await whole.begun()).connection
                # A savepoint: else SQLAlchemy would think itself in a transaction for good.
                async with connection.begin() as savepoint:
                    try:
                        yield connection
                    finally:
                        await savepoint.rollback()
            return
        try:
            async with self.leases.leased() as lease, lease.connection.begin() as transaction:
                try:
                    yield lease.connection
                finally:
                    await transaction.rollback()
        except BaseException as error:
            self._explain(error, committing=False)
            raise

    @asynccontextmanager
    async def whole(self, first: First | None = None) -> AsyncIterator[Whole]:
        """One transaction around several: each that this task opens inside becomes a part of it.

        The first of them begins it, and does `first` before anything else. A part that fails undoes
        itself; only the end of the whole commits, and only there can the outcome be unknown. Start
        no other task inside that outlives the block. What is to be kept `apart` follows its end.
        """
        whole = Whole(self.leases, first)
        outside = WHOLE.set(whole)
        try:
            try:
                yield whole
                await whole.commit()
            except BaseException as error:
                await whole.undo(error)
                raise
            finally:
                WHOLE.reset(outside)
                await whole.give_back()
        except BaseException as error:
            self._explain(error, committing=whole.is_committing)
            raise
        finally:
            for work in whole.later:
                await work()

    async def apart(self, work: Later) -> None:
        """Do what stays done although a refusal undoes the whole: now, or behind its end."""
        if (whole := WHOLE.get()) is None:
            await work()
        else:
            whole.later.append(work)

    @asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            self._explain(error, committing=False)
            raise

    def _explain(self, error: BaseException, *, committing: bool) -> None:
        """Raise what `error` means; return where it says so itself, so it is not its own cause."""
        meaning = meaning_of(error, self.refusals, committing=committing)
        if isinstance(meaning, DependencyUnavailable) and meaning.detail == FULL:
            self.leases.note_full_disk()
        if meaning is not None:
            self.leases.heard(said_of_the_server(error))
            raise meaning from error
