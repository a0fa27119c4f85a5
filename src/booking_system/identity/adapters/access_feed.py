"""Writes down who may do something else from now on, for every process to read."""

from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.adapters.tables import access_changes
from booking_system.identity.application.known_actors import KnownActors
from booking_system.shared_kernel.identifiers import SessionId, UserId


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
