"""The directory's unit of work on PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.adapters.clinics import PostgresClinics
from booking_system.directory.adapters.doctors import PostgresDoctors
from booking_system.directory.adapters.invitations import PostgresInvitations
from booking_system.directory.adapters.patients import PostgresPatients
from booking_system.directory.adapters.references import PostgresReferences
from booking_system.directory.adapters.services import PostgresServices
from booking_system.directory.application.ports import Accounts, DirectoryWork
from booking_system.directory.domain.references import ExternalIdTaken, Kind
from booking_system.directory.domain.refusals import SlugTaken
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import PostgresEvents
from booking_system.platform.postgres.transaction import Database

REFUSALS: Refusals = {
    "uq_clinics_slug": SlugTaken,
    "uq_users_email_key": EmailTaken,
    **{f"uq_{one}_references_external_id": ExternalIdTaken for one in Kind},
}


class PostgresDirectory:
    """Opens the directory's transactions."""

    def __init__(self, database: Database, accounts: Callable[[AsyncConnection], Accounts]) -> None:
        """`accounts` gives identity's accounts inside a transaction of ours."""
        self._database = database.knowing(REFUSALS)
        self._accounts = accounts

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[DirectoryWork]:
        """Open one transaction."""
        async with self._database.transaction() as connection:
            yield work_on(connection, self._accounts)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[DirectoryWork]:
        """Read something before something slow."""
        async with self._database.looking() as connection:
            yield work_on(connection, self._accounts)


def work_on(
    connection: AsyncConnection, accounts: Callable[[AsyncConnection], Accounts]
) -> DirectoryWork:
    """Return the unit of work on a connection that is in a transaction already."""
    return DirectoryWork(
        clinics=PostgresClinics(connection),
        doctors=PostgresDoctors(connection),
        services=PostgresServices(connection),
        patients=PostgresPatients(connection),
        references=PostgresReferences(connection),
        accounts=accounts(connection),
        invitations=PostgresInvitations(connection),
        events=PostgresEvents(connection),
    )
