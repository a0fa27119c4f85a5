"""Writes down who may do something else from now on, for every process to read."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.records.tables import access_changes, role_grants
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.identifiers import SessionId, UserId


def _staff_changes() -> Statement[Any]:
    doctor_id = an_id("doctor_id")
    staff = select(role_grants.c.user_id).where(
        role_grants.c.clinic_id == an_id("clinic_id"),
        or_(doctor_id.is_(None), role_grants.c.doctor_id == doctor_id),
    )
    changes = insert(access_changes).from_select([access_changes.c.user_id], staff.distinct())
    return Statement(changes.returning(access_changes.c.user_id))


STAFF_CHANGES = _staff_changes()


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
        told = await STAFF_CHANGES.fetch(connection, clinic_id=clinic_id, doctor_id=doctor_id)
        for row in told:
            self.known.doubt(UserId(row["user_id"]))
