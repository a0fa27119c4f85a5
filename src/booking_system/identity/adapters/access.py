"""Reads from PostgreSQL what decides whether a token holds, and what has changed about it."""

from collections.abc import Sequence
from datetime import datetime

from booking_system.identity.adapters.grants import GRANTS_IN_FORCE, grant_of
from booking_system.identity.application.access_ports import AccessChange, RecentChanges
from booking_system.identity.domain.actor import RoleGrant
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import SessionId, UserId

# The overlap is longer than any transaction can last between its change and its commit.
SINCE = """SELECT now() AS until, c.id, c.user_id
 FROM (VALUES (1)) AS always LEFT JOIN access_changes c
  ON c.changed_at >= $1::timestamptz - interval '15 seconds'"""


class PostgresAccess:
    """Reads on single pooled connections, without transactions of more than one statement."""

    def __init__(self, database: Database) -> None:
        """`database` must be the primary: a replica learns of revocations too late."""
        self._database = database

    async def grants_in_force(
        self, user_id: UserId, session_id: SessionId
    ) -> Sequence[RoleGrant] | None:
        """Judge session, user and roles by one snapshot."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(GRANTS_IN_FORCE, session_id, user_id)
        if not rows:
            return None
        return [grant_of(row) for row in rows if row["role"] is not None]

    async def since(self, moment: datetime | None) -> RecentChanges:
        """Reach back 15 seconds further, by the database's own clock."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(SINCE, moment)
        return RecentChanges(
            until=rows[0]["until"],
            changes=[
                AccessChange(id=row["id"], user_id=UserId(row["user_id"]))
                for row in rows
                if row["id"] is not None
            ],
        )
