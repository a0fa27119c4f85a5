"""Identity in PostgreSQL: opens its transactions."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.adapters.access_feed import AccessFeed
from booking_system.identity.adapters.links import PostgresLinks
from booking_system.identity.adapters.sessions import PostgresSessions
from booking_system.identity.application.ports import Accounts, IdentityWork
from booking_system.platform.postgres.outbox import PostgresEvents
from booking_system.platform.postgres.transaction import Database

AccountsOf = Callable[[AsyncConnection], Accounts]
"""Gives the accounts inside the transaction that a connection is in, whosever it is."""


class PostgresIdentity:
    """Opens identity's transactions."""

    def __init__(self, database: Database, *, accounts_of: AccountsOf, feed: AccessFeed) -> None:
        """`feed` is the one that `accounts_of` tells its changes to."""
        self._database = database
        self._accounts_of = accounts_of
        self._feed = feed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[IdentityWork]:
        """Open one transaction."""
        async with self._database.transaction() as connection:
            yield self._work_on(connection)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[IdentityWork]:
        """Read something before something slow."""
        async with self._database.looking() as connection:
            yield self._work_on(connection)

    def _work_on(self, connection: AsyncConnection) -> IdentityWork:
        return IdentityWork(
            accounts=self._accounts_of(connection),
            sessions=PostgresSessions(connection, feed=self._feed),
            links=PostgresLinks(connection),
            events=PostgresEvents(connection),
        )
