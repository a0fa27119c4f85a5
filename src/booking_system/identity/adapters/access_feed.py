"""Writes down who may do something else from now on, for every process to read."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.records.tables import access_changes
from booking_system.shared_kernel.identifiers import SessionId, UserId

STAFF_CHANGES = """INSERT INTO access_changes (user_id)
 SELECT DISTINCT user_id FROM role_grants
 WHERE clinic_id = $1 AND ($2::uuid IS NULL OR doctor_id = $2) RETURNING user_id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFeed:
    """The changes of access, as those who make them see it."""

    known: KnownActors

    async def tell(
        self, connection: AsyncConnection, user_id: UserId, session_id: SessionId | None = None
    ) -> None:
        """Write the change with its own transaction, and forget the user in this process.

        Forgotten before the commit: nothing about the user is remembered again until no
        transaction that is under way now can still be.
        """
        await connection.execute(
            insert(access_changes).values(user_id=user_id, session_id=session_id)
        )
        self.known.doubt(user_id)

    async def tell_staff(
        self, connection: asyncpg.Connection, clinic_id: UUID, doctor_id: UUID | None = None
    ) -> None:
        """Do so for all who have a role in a clinic that goes or comes back, or as its doctor."""
        told = await connection.fetch(STAFF_CHANGES, clinic_id, doctor_id)
        for row in told:
            self.known.doubt(UserId(row["user_id"]))
