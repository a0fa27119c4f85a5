"""Invitations in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.adapters.paging import paged
from booking_system.directory.application.ports import Search
from booking_system.directory.domain.invitation import Invitation
from booking_system.directory.records.tables import invitation_links, invitations
from booking_system.identity.domain.account import email_key
from booking_system.identity.domain.actor import Role
from booking_system.platform.postgres.phrases import ago
from booking_system.platform.postgres.tidying import Chore
from booking_system.shared_kernel.identifiers import ClinicId, InvitationId

FIELDS = tuple(invitations.c[name] for name in Invitation.__dataclass_fields__)

OLD_INVITATIONS = Chore.deleting(
    invitations,
    over=invitations.c.expires_at < ago(timedelta(days=90)),
    oldest_first=invitations.c.expires_at,
)
"""What an invitation gave is in the roles; for three months it says who invited whom."""


class PostgresInvitations:
    """The invitations, inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def read(self, invitation_id: InvitationId) -> Invitation | None:
        """Lock nothing."""
        return await self._one(select(*FIELDS).where(invitations.c.id == invitation_id))

    async def lock(self, invitation_id: InvitationId) -> Invitation | None:
        """Take the row `FOR UPDATE`."""
        wanted = select(*FIELDS).where(invitations.c.id == invitation_id)
        return await self._one(wanted.with_for_update())

    async def by_fingerprint(self, fingerprint: bytes, *, lock: bool = False) -> Invitation | None:
        """Find it by the token that was handed over, or by a mailed one."""
        mailed = select(invitation_links.c.invitation_id).where(
            invitation_links.c.token_hash == fingerprint
        )
        wanted = select(*FIELDS).where(
            or_(
                invitations.c.token_hash == fingerprint,
                invitations.c.id == mailed.scalar_subquery(),
            )
        )
        return await self._one(wanted.with_for_update() if lock else wanted)

    async def page(
        self, clinic_id: ClinicId, *, after: UUID | None, limit: int
    ) -> Sequence[Invitation]:
        """Read a page by keyset on the id."""
        wanted = select(*FIELDS).where(invitations.c.clinic_id == clinic_id)
        rows = await self._connection.execute(
            paged(wanted, invitations.c.id, Search(after=after, limit=limit))
        )
        return [_invitation_of(row) for row in rows]

    async def replace_open(self, by: Invitation) -> None:
        """Mark them as taken back."""
        statement = update(invitations).where(
            invitations.c.clinic_id == by.clinic_id,
            invitations.c.email_key == email_key(by.email),
            invitations.c.role == by.role,
            invitations.c.doctor_id.is_not_distinct_from(by.doctor_id),
            invitations.c.revoked_at.is_(None),
            invitations.c.accepted_at.is_(None),
        )
        await self._connection.execute(statement.values(revoked_at=by.created_at))

    async def add(self, invitation: Invitation, *, fingerprint: bytes) -> None:
        """Store the fingerprint beside it."""
        key = email_key(invitation.email)
        statement = insert(invitations).values(
            **asdict(invitation), email_key=key, token_hash=fingerprint
        )
        await self._connection.execute(statement)

    async def add_link(self, invitation_id: InvitationId, *, fingerprint: bytes) -> None:
        """Insert."""
        values = {"token_hash": fingerprint, "invitation_id": invitation_id}
        await self._connection.execute(insert(invitation_links).values(values))

    async def was_mailed(self, fingerprint: bytes) -> bool:
        """Look among the mailed ones: an invitation's own token was shown to its maker."""
        wanted = select(invitation_links.c.token_hash).where(
            invitation_links.c.token_hash == fingerprint
        )
        return (await self._connection.execute(wanted)).one_or_none() is not None

    async def save(self, invitation: Invitation) -> None:
        """Write how it ended."""
        statement = update(invitations).where(invitations.c.id == invitation.id)
        ends = ("revoked_at", "accepted_at", "accepted_by")
        await self._connection.execute(
            statement.values({name: getattr(invitation, name) for name in ends})
        )

    async def _one(self, statement: Select[Any]) -> Invitation | None:
        row = (await self._connection.execute(statement)).one_or_none()
        return None if row is None else _invitation_of(row)


def _invitation_of(row: Row[Any]) -> Invitation:
    about = dict(row._mapping)  # noqa: SLF001  (the documented way to a mapping)
    return Invitation(**{**about, "role": Role(about["role"])})
