"""Reads from PostgreSQL what decides whether a token holds, and what has changed about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select

from booking_system.identity.adapters.grants import GRANTS_HELD, GRANTS_IN_FORCE, grant_of
from booking_system.identity.application.access_ports import AccessChange, RecentChanges
from booking_system.identity.domain.actor import RoleGrant
from booking_system.identity.records.tables import access_changes
from booking_system.platform.postgres.phrases import instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import SessionId, UserId

OVERLAP = timedelta(seconds=15)
"""Longer than any transaction can last between its change and its commit."""


def _since() -> Statement[Any]:
    c, always = access_changes.alias("c"), select(literal(1).label("one")).subquery("always")
    is_late = c.c.changed_at >= instant("moment") - literal(OVERLAP)
    return Statement(
        select(func.now().label("until"), c.c.id, c.c.user_id).select_from(
            always.outerjoin(c, is_late)
        )
    )


SINCE = _since()


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
            rows = await GRANTS_IN_FORCE.fetch(connection, session_id=session_id, user_id=user_id)
        if not rows:
            return None
        return [grant_of(row) for row in rows if row["role"] is not None]

    async def grants_held(self, user_id: UserId) -> Sequence[RoleGrant]:
        """Read the roles that hold, for what goes on without a session."""
        async with self._database.reading() as connection:
            rows = await GRANTS_HELD.fetch(connection, user_id=user_id)
        return [grant_of(row) for row in rows]

    async def since(self, moment: datetime | None) -> RecentChanges:
        """Reach back 15 seconds further, by the database's own clock."""
        async with self._database.reading() as connection:
            rows = await SINCE.fetch(connection, moment=moment)
        return RecentChanges(
            until=rows[0]["until"],
            changes=[
                AccessChange(id=row["id"], user_id=UserId(row["user_id"]))
                for row in rows
                if row["id"] is not None
            ],
        )
