"""Accounts and their roles in PostgreSQL, inside a transaction that somebody else opened."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.identity.adapters.access_feed import AccessFeed
from booking_system.identity.adapters.grants import GRANTS_OF, grant_of
from booking_system.identity.adapters.new_sessions import NewSessions
from booking_system.identity.adapters.sessions import PostgresSessions
from booking_system.identity.application.ports import SessionSearch
from booking_system.identity.domain.account import Account, ProfileChange, email_key
from booking_system.identity.domain.actor import Role, RoleGrant, may_manage
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.identity.domain.session import EndedBecause, Session
from booking_system.identity.domain.staff import StaffMember
from booking_system.identity.domain.tokens import Tokens
from booking_system.identity.records.tables import role_grants, sessions, users
from booking_system.platform.postgres.faults import Refusals, meaning_of
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import ClinicId, SessionId, UserId

REFUSALS: Refusals = {"uq_users_email_key": EmailTaken}

LIVE = users.c.deleted_at.is_(None)


FollowProfile = Callable[[AsyncConnection, UserId, Mapping[str, str], datetime], Awaitable[None]]
"""Brings what an owner has changed, by the names of the fields, where else they are known by it."""


async def nobody_follows(*_: object) -> None:
    """Do nothing: where there are accounts alone."""


class PostgresAccounts:
    """The accounts, on a connection that is in a transaction already."""

    def __init__(
        self,
        connection: AsyncConnection,
        *,
        feed: AccessFeed,
        new_sessions: NewSessions,
        follow_profile: FollowProfile,
    ) -> None:
        """The owner of the transaction commits it."""
        self._connection = connection
        self._follow_profile = follow_profile
        self._feed = feed
        self._new_sessions = new_sessions
        self._sessions = PostgresSessions(connection, feed=feed)

    async def by_email(self, email: str) -> Account | None:
        """Compare by `email_key`."""
        return await self._one(_live().where(users.c.email_key == email_key(email)))

    async def read(self, user_id: UserId) -> Account | None:
        """Lock nothing."""
        return await self._one(_live().where(users.c.id == user_id))

    async def lock(self, user_id: UserId) -> Account | None:
        """Take the row `FOR NO KEY UPDATE`: rows that merely refer to the user may be added."""
        wanted = _live().where(users.c.id == user_id)
        return await self._one(wanted.with_for_update(key_share=True))

    async def add(  # noqa: PLR0913  (what an account is made of)
        self,
        *,
        user_id: UserId,
        email: str,
        password_hash: str | None,
        full_name: str,
        locale: str | None,
        time_zone: str | None,
        now: datetime,
        password_is_temporary: bool = False,
    ) -> None:
        """Leave it to the unique index whether the address is free."""
        statement = insert(users).values(
            id=user_id,
            email=email,
            email_key=email_key(email),
            password_hash=password_hash,
            password_is_temporary=password_is_temporary,
            full_name=full_name,
            locale=locale,
            time_zone=time_zone,
            created_at=now,
            updated_at=now,
        )
        try:
            await self._connection.execute(statement)
        except DBAPIError as error:
            # Said here, since the transaction may be one of a context that knows nothing of it.
            meaning = meaning_of(error, REFUSALS, committing=False)
            if meaning is None:
                raise
            raise meaning from error

    async def change(self, user_id: UserId, change: ProfileChange, now: datetime) -> Account:
        """Write the fields that change."""
        fields = ("full_name", "locale", "time_zone")
        given = {name: getattr(change, name) for name in fields}
        changed = {name: value for name, value in given.items() if value is not None}
        statement = (
            update(users)
            .where(users.c.id == user_id)
            .values(**changed, version=users.c.version + 1, updated_at=now)
            .returning(users)
        )
        account = _account_of((await self._connection.execute(statement)).one())
        await self._follow_profile(self._connection, user_id, changed, now)
        return account

    async def set_password(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        """Count as a change of access, and of what the owner's profile shows."""
        await self._store(
            user_id,
            password_hash=password_hash,
            password_is_temporary=False,
            version=users.c.version + 1,
            updated_at=now,
        )

    async def verify_email(self, user_id: UserId, now: datetime) -> None:
        """Leave the first moment as it is."""
        unproved = users.c.id == user_id, users.c.email_verified_at.is_(None)
        proved = {"email_verified_at": now, "version": users.c.version + 1, "updated_at": now}
        await self._connection.execute(update(users).where(*unproved).values(proved))

    async def renew_hash(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        """Leave alone whose password it is."""
        await self._store(user_id, password_hash=password_hash, updated_at=now)

    async def grants_of(self, user_id: UserId) -> Sequence[RoleGrant]:
        """Read them in the order in which they were given."""
        rows = await self._connection.execute(GRANTS_OF, {"user_id": user_id})
        return [grant_of(row) for row in rows.mappings()]

    async def manages(self, user_id: UserId, clinic_id: ClinicId) -> bool:
        """Judge by the roles that hold in this transaction."""
        return may_manage(await self.grants_of(user_id), clinic_id)

    async def grant(self, user_id: UserId, grant: RoleGrant, now: datetime) -> bool:
        """Leave it to the unique constraint whether the user has it already."""
        statement = insert_or_not(role_grants).values(
            id=uuid7(),
            user_id=user_id,
            role=grant.role,
            clinic_id=grant.clinic_id,
            doctor_id=grant.doctor_id,
            patient_id=grant.patient_id,
            created_at=now,
        )
        once = statement.on_conflict_do_nothing(constraint="uq_role_grants_once")
        return await self._changes_roles(once.returning(role_grants.c.id), user_id, now)

    async def revoke(self, user_id: UserId, clinic_id: ClinicId, now: datetime) -> bool:
        """Delete the rows."""
        statement = delete(role_grants).where(
            role_grants.c.user_id == user_id, role_grants.c.clinic_id == clinic_id
        )
        return await self._changes_roles(statement.returning(role_grants.c.id), user_id, now)

    async def staff_of(self, clinic_id: ClinicId) -> Sequence[StaffMember]:
        """Leave out those whose account is gone."""
        statement = (
            select(role_grants, users.c.email, users.c.full_name)
            .join(users, users.c.id == role_grants.c.user_id)
            .where(role_grants.c.clinic_id == clinic_id, LIVE)
            .order_by(role_grants.c.created_at, role_grants.c.id)
        )
        return [_member_of(row) for row in (await self._connection.execute(statement)).mappings()]

    async def start_session(
        self,
        user_id: UserId,
        user_agent: str | None,
        now: datetime,
        *,
        network: bytes | None = None,
    ) -> Tokens:
        """Store the session and the fingerprint of its first refresh token."""
        return await self._new_sessions.start(
            self._connection, user_id, user_agent, now, network=network
        )

    async def living_sessions(
        self,
        user_id: UserId,
        *,
        now: datetime,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Session]:
        """Ask as their owner does."""
        lifetimes = self._new_sessions.lifetimes
        search = SessionSearch.among_living(lifetimes, now, after=after, limit=limit)
        return await self._sessions.living_of(user_id, search)

    async def end_sessions(
        self, user_id: UserId, session_id: SessionId | None, now: datetime
    ) -> bool:
        """Tell the others about each one that ended."""
        because = EndedBecause.ENDED_BY_ADMIN
        if session_id is None:
            return await self._sessions.end_others(user_id, None, because, now)
        return await self._sessions.end(session_id, user_id, because, now)

    async def is_known_in(self, network: bytes, *, email: str, since: datetime) -> bool:
        """Trust no session that was ended because somebody else may have had it."""
        is_trusted = or_(
            sessions.c.ended_at.is_(None), sessions.c.ended_because == EndedBecause.SIGNED_OUT
        )
        statement = (
            select(sessions.c.id)
            .join(users, users.c.id == sessions.c.user_id)
            .where(users.c.email_key == email_key(email), LIVE)
            .where(sessions.c.network == network, sessions.c.last_used_at >= since)
            .where(is_trusted)
            .limit(1)
        )
        return await self._connection.scalar(statement) is not None

    async def _store(self, user_id: UserId, **fields: Any) -> None:
        await self._connection.execute(update(users).where(users.c.id == user_id).values(**fields))
        await self._feed.tell(self._connection, user_id)

    async def _changes_roles(self, statement: Any, user_id: UserId, now: datetime) -> bool:
        if (await self._connection.execute(statement)).first() is None:
            return False
        # The owner's profile shows the roles, so its entity tag has to change.
        shown = update(users).where(users.c.id == user_id)
        await self._connection.execute(shown.values(version=users.c.version + 1, updated_at=now))
        await self._feed.tell(self._connection, user_id)
        return True

    async def _one(self, statement: Select[Any]) -> Account | None:
        row = (await self._connection.execute(statement)).one_or_none()
        return None if row is None else _account_of(row)


def _live() -> Select[Any]:
    return select(users).where(LIVE)


def _account_of(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        email=row.email,
        email_verified=row.email_verified_at is not None,
        password_hash=row.password_hash,
        password_is_temporary=row.password_is_temporary,
        full_name=row.full_name,
        locale=row.locale,
        time_zone=row.time_zone,
        version=row.version,
    )


def _member_of(row: Any) -> StaffMember:
    return StaffMember(
        user_id=row["user_id"],
        email=row["email"],
        full_name=row["full_name"],
        role=Role(row["role"]),
        doctor_id=row["doctor_id"],
    )
