"""Tickets and guests in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, select, update

from booking_system.consultations.adapters import statements as sql
from booking_system.consultations.adapters.rows import guest_of
from booking_system.consultations.application.ports import Ticket
from booking_system.consultations.domain.guest import Guest
from booking_system.consultations.domain.refusals import GuestAlreadyInvited
from booking_system.consultations.domain.seat import GuestId, Seat
from booking_system.consultations.records.tables import (
    consultation_guests,
    consultation_instances,
    consultation_tickets,
)
from booking_system.platform.postgres.phrases import ago, an_id, given, instant, row_of
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId, SessionId, UserId

t, g, i = consultation_tickets, consultation_guests, consultation_instances
KEPT = timedelta(hours=1)
"""So long a ticket that opens nothing any more is kept."""

OLD_TICKETS = Chore.deleting(t, over=t.c.expires_at < ago(KEPT), oldest_first=t.c.expires_at)
OLD_INSTANCES = Chore.deleting(i, over=i.c.alive_until < ago(KEPT), oldest_first=i.c.alive_until)

NAMES = ["token_hash", "room_id", "seat", "user_id", "session_id", "guest_id", "expires_at"]
ADD: Statement[Any] = Statement(row_of(t, NAMES))
USE: Statement[Any] = Statement(
    update(t)
    .where(
        t.c.token_hash == given(t.c.token_hash),
        t.c.used_at.is_(None),
        t.c.expires_at > instant("now"),
    )
    .values(used_at=instant("now"))
    .returning(t)
)

INVITED = ["id", "room_id", "kind", "name", "invited_by", "link_hash", "created_at", "expires_at"]
INVITE: Statement[Any] = Statement(row_of(g, INVITED))
RAN_OUT: Statement[Any] = Statement(
    update(g)
    .where(
        g.c.room_id == an_id("room_id"),
        g.c.removed_at.is_(None),
        g.c.used_at.is_(None),
        g.c.expires_at <= instant("now"),
    )
    .values(removed_at=instant("now"))
)
_hash = bindparam("fingerprint", type_=LargeBinary())
COME: Statement[Any] = Statement(
    update(g)
    .where(
        g.c.link_hash == _hash,
        g.c.used_at.is_(None),
        g.c.removed_at.is_(None),
        g.c.expires_at > instant("now"),
    )
    .values(used_at=instant("now"), return_hash=given(g.c.return_hash))
    .returning(g)
)
COME_BACK: Statement[Any] = Statement(
    select(g).where(g.c.return_hash == _hash, g.c.removed_at.is_(None))
)
READ: Statement[Any] = Statement(select(g).where(g.c.id == an_id("guest_id")))


class PostgresTickets:
    """Stores fingerprints only."""

    def __init__(self, database: Database) -> None:
        """Each call is one transaction."""
        self._database = database

    async def add(self, fingerprint: bytes, ticket: Ticket) -> None:
        """Make the room's row first, which its ticket refers to."""
        async with self._database.driver_transaction() as connection:
            await sql.MAKE.execute(connection, room_id=ticket.room_id)
            await ADD.execute(
                connection,
                token_hash=fingerprint,
                room_id=ticket.room_id,
                seat=ticket.seat,
                user_id=ticket.user_id,
                session_id=ticket.session_id,
                guest_id=ticket.guest_id,
                expires_at=ticket.expires_at,
            )

    async def use(self, fingerprint: bytes, *, now: datetime) -> Ticket | None:
        """One statement decides: of two connections with one ticket, one opens."""
        async with self._database.driver_transaction() as connection:
            row = await USE.fetchrow(connection, token_hash=fingerprint, now=now)
        if row is None:
            return None
        user_id, session_id, guest_id = row["user_id"], row["session_id"], row["guest_id"]
        return Ticket(
            room_id=AppointmentId(row["room_id"]),
            seat=Seat(row["seat"]),
            user_id=None if user_id is None else UserId(user_id),
            session_id=None if session_id is None else SessionId(session_id),
            guest_id=None if guest_id is None else GuestId(guest_id),
            expires_at=row["expires_at"],
        )


class PostgresGuests:
    """Further parties; a unique index lets a room have one at a time."""

    def __init__(self, database: Database) -> None:
        """Each call is one transaction, or a part of a whole."""
        self._database = database.knowing({"uq_consultation_guests_one": GuestAlreadyInvited})

    async def invite(self, guest: Guest, *, fingerprint: bytes, now: datetime) -> None:
        """Remove what ran out unused, then insert: the index decides between two at one time."""
        async with self._database.driver_transaction() as connection:
            await sql.MAKE.execute(connection, room_id=guest.room_id)
            await RAN_OUT.execute(connection, room_id=guest.room_id, now=now)
            await INVITE.execute(
                connection,
                id=guest.id,
                room_id=guest.room_id,
                kind=guest.kind,
                name=guest.name,
                invited_by=guest.invited_by,
                link_hash=fingerprint,
                created_at=guest.created_at,
                expires_at=guest.expires_at,
            )

    async def of_room(
        self, room_id: AppointmentId, *, after: UUID | None, limit: int
    ) -> Sequence[Guest]:
        """Read a page by keyset on the id."""
        wanted = select(g).where(g.c.room_id == room_id)
        if after is not None:
            wanted = wanted.where(g.c.id > after)
        async with self._database.transaction() as connection:
            rows = await connection.execute(wanted.order_by(g.c.id).limit(limit + 1))
            return [guest_of(row) for row in rows.mappings()]

    async def read(self, guest_id: GuestId) -> Guest | None:
        """Lock nothing."""
        async with self._database.reading() as connection:
            row = await READ.fetchrow(connection, guest_id=guest_id)
        return None if row is None else guest_of(row)

    async def remove(self, guest_id: GuestId, *, now: datetime) -> bool:
        """Mark it; marked again, it stays as it is."""
        ends = update(g).where(g.c.id == guest_id, g.c.removed_at.is_(None))
        async with self._database.transaction() as connection:
            done = await connection.execute(ends.values(removed_at=now, is_admitted=False))
        return bool(done.rowcount)

    async def come(
        self,
        fingerprint: bytes,
        *,
        return_fingerprint: bytes,
        ticket_fingerprint: bytes,
        ticket_ends_at: datetime,
        now: datetime,
    ) -> Guest | None:
        """One statement decides: a link opens once. Its ticket is stored with that, or neither."""
        async with self._database.driver_transaction() as connection:
            row = await COME.fetchrow(
                connection, fingerprint=fingerprint, return_hash=return_fingerprint, now=now
            )
            if row is None:
                return None
            await ADD.execute(
                connection,
                token_hash=ticket_fingerprint,
                room_id=row["room_id"],
                seat=Seat.GUEST,
                user_id=None,
                session_id=None,
                guest_id=row["id"],
                expires_at=ticket_ends_at,
            )
        return guest_of(row)

    async def come_back(self, return_fingerprint: bytes) -> Guest | None:
        """Read by the unique index."""
        async with self._database.reading() as connection:
            row = await COME_BACK.fetchrow(connection, fingerprint=return_fingerprint)
        return None if row is None else guest_of(row)
