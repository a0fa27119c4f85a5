"""Identity in memory: the fake that use cases are tried with, held to the same contract."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.application.ports import IdentityWork, SessionSearch
from booking_system.identity.domain.account import Account, ProfileChange, email_key
from booking_system.identity.domain.actor import RoleGrant
from booking_system.identity.domain.links import AccountLink, LinkPurpose
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.identity.domain.session import EndedBecause, Session
from booking_system.identity.domain.staff import StaffMember
from booking_system.identity.domain.tokens import RefreshToken, Tokens
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import ClinicId, SessionId, UserId
from tests.identity.builders import LIFETIMES, new_sessions


@dataclass
class Rows:
    """All that is stored."""

    accounts: dict[UserId, Account] = field(default_factory=dict)
    grants: list[tuple[UserId, RoleGrant]] = field(default_factory=list)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    ended: dict[SessionId, EndedBecause] = field(default_factory=dict)
    past: list[Session] = field(default_factory=list)
    networks: dict[SessionId, bytes | None] = field(default_factory=dict)
    tokens: dict[bytes, tuple[SessionId, RefreshToken]] = field(default_factory=dict)
    changes: list[UserId] = field(default_factory=list)
    links: dict[bytes, AccountLink] = field(default_factory=dict)
    events: list[DomainEvent] = field(default_factory=list)


class MemoryAccounts:
    def __init__(self, rows: Rows, known: KnownActors) -> None:
        self._rows, self._known, self._new = rows, known, new_sessions()

    async def by_email(self, email: str) -> Account | None:
        accounts = self._rows.accounts.values()
        return next((a for a in accounts if email_key(a.email) == email_key(email)), None)

    async def read(self, user_id: UserId) -> Account | None:
        return self._rows.accounts.get(user_id)

    lock = read

    async def add(self, **about: Any) -> None:
        if await self.by_email(about["email"]) is not None:
            raise EmailTaken
        del about["now"]
        account = Account(id=about.pop("user_id"), email_verified=False, version=1, **about)
        self._rows.accounts[account.id] = account

    async def change(self, user_id: UserId, change: ProfileChange, now: datetime) -> Account:
        given = {name: getattr(change, name) for name in ProfileChange.__slots__}
        changed = {name: value for name, value in given.items() if value is not None}
        return self._replace(user_id, **changed)

    async def set_password(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        account = self._rows.accounts[user_id]
        self._rows.accounts[user_id] = replace(
            account,
            password_hash=password_hash,
            password_is_temporary=False,
            version=account.version + 1,
        )
        self._tell(user_id)

    async def verify_email(self, user_id: UserId, now: datetime) -> None:
        if not self._rows.accounts[user_id].email_verified:
            self._replace(user_id, email_verified=True)

    async def renew_hash(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        account = self._rows.accounts[user_id]
        self._rows.accounts[user_id] = replace(account, password_hash=password_hash)
        self._tell(user_id)

    async def grants_of(self, user_id: UserId) -> Sequence[RoleGrant]:
        return [grant for owner, grant in self._rows.grants if owner == user_id]

    async def grant(self, user_id: UserId, grant: RoleGrant, now: datetime) -> bool:
        if (user_id, grant) in self._rows.grants:
            return False
        self._rows.grants.append((user_id, grant))
        self._replace(user_id)
        self._tell(user_id)
        return True

    async def revoke(self, user_id: UserId, clinic_id: ClinicId, now: datetime) -> bool:
        kept = [
            (owner, grant)
            for owner, grant in self._rows.grants
            if owner != user_id or grant.clinic_id != clinic_id
        ]
        if len(kept) == len(self._rows.grants):
            return False
        self._rows.grants = kept
        self._replace(user_id)
        self._tell(user_id)
        return True

    async def staff_of(self, clinic_id: ClinicId) -> Sequence[StaffMember]:
        found = [(self._rows.accounts[owner], grant) for owner, grant in self._rows.grants]
        return [
            StaffMember(
                user_id=account.id,
                email=account.email,
                full_name=account.full_name,
                role=grant.role,
                doctor_id=grant.doctor_id,
            )
            for account, grant in found
            if grant.clinic_id == clinic_id
        ]

    async def start_session(
        self,
        user_id: UserId,
        user_agent: str | None,
        now: datetime,
        *,
        network: bytes | None = None,
    ) -> Tokens:
        session_id, token = SessionId(self._new.identities.new()), self._new.refresh_tokens.first()
        self._rows.sessions[session_id] = Session(
            id=session_id, user_id=user_id, created_at=now, last_used_at=now, user_agent=user_agent
        )
        self._rows.networks[session_id] = network
        stored = RefreshToken(expires_at=LIFETIMES.end_of(now, now), used_at=None)
        self._rows.tokens[self._new.refresh_tokens.fingerprint(token)] = session_id, stored
        access_token = self._new.access_tokens.sign(user_id, session_id, now)
        return Tokens(access_token=access_token, refresh_token=token)

    async def living_sessions(
        self,
        user_id: UserId,
        *,
        now: datetime,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Session]:
        search = SessionSearch.among_living(LIFETIMES, now, after=after, limit=limit)
        return await MemorySessions(self._rows, self._known).living_of(user_id, search)

    async def end_sessions(
        self, user_id: UserId, session_id: SessionId | None, now: datetime
    ) -> bool:
        sessions, because = MemorySessions(self._rows, self._known), EndedBecause.ENDED_BY_ADMIN
        if session_id is None:
            return await sessions.end_others(user_id, None, because, now)
        return await sessions.end(session_id, user_id, because, now)

    async def is_known_in(self, network: bytes, *, email: str, since: datetime) -> bool:
        account = await self.by_email(email)
        rows = self._rows
        return account is not None and any(
            session.user_id == account.id
            and rows.networks[session.id] == network
            and session.last_used_at >= since
            and rows.ended.get(session.id) in {None, EndedBecause.SIGNED_OUT}
            for session in (*rows.sessions.values(), *rows.past)
        )

    def _replace(self, user_id: UserId, **changed: Any) -> Account:
        account = self._rows.accounts[user_id]
        account = replace(account, version=account.version + 1, **changed)
        self._rows.accounts[user_id] = account
        return account

    def _tell(self, user_id: UserId) -> None:
        self._rows.changes.append(user_id)
        self._known.doubt(user_id)


class MemorySessions:
    def __init__(self, rows: Rows, known: KnownActors) -> None:
        self._rows, self._known = rows, known

    async def living_of(self, user_id: UserId, search: SessionSearch) -> Sequence[Session]:
        newest_first = sorted(
            self._rows.sessions.values(), key=lambda s: (s.created_at, s.id), reverse=True
        )
        found = [
            session
            for session in newest_first
            if session.user_id == user_id
            and session.last_used_at > search.used_since
            and (search.begun_since is None or session.created_at > search.begun_since)
            and (search.after is None or (session.created_at, session.id) < search.after)
        ]
        return found[: search.limit + 1]

    async def owner_of(self, fingerprint: bytes) -> SessionId | None:
        found = self._rows.tokens.get(fingerprint)
        return None if found is None else found[0]

    async def lock(self, session_id: SessionId) -> Session | None:
        return self._rows.sessions.get(session_id)

    async def token(self, fingerprint: bytes) -> RefreshToken | None:
        found = self._rows.tokens.get(fingerprint)
        return None if found is None else found[1]

    async def rotate(
        self,
        session_id: SessionId,
        used: bytes,
        successor: bytes,
        now: datetime,
        *,
        expires_at: datetime,
        network: bytes | None = None,
    ) -> None:
        token = self._rows.tokens[used][1]
        self._rows.tokens[used] = session_id, replace(token, used_at=now)
        following = RefreshToken(expires_at=expires_at, used_at=None)
        self._rows.tokens[successor] = session_id, following
        session = self._rows.sessions[session_id]
        self._rows.sessions[session_id] = replace(session, last_used_at=now)
        if network is not None:
            self._rows.networks[session_id] = network

    async def end(
        self, session_id: SessionId, user_id: UserId, because: EndedBecause, now: datetime
    ) -> bool:
        session = self._rows.sessions.get(session_id)
        if session is None or session.user_id != user_id:
            return False
        self._rows.past.append(self._rows.sessions.pop(session_id))
        self._rows.ended[session_id] = because
        self._rows.changes.append(user_id)
        self._known.doubt(user_id)
        return True

    async def end_others(
        self, user_id: UserId, keep: SessionId | None, because: EndedBecause, now: datetime
    ) -> bool:
        others = [one for one in self._rows.sessions if one != keep]
        return any([await self.end(one, user_id, because, now) for one in others])


class MemoryLinks:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def add(self, fingerprint: bytes, **about: Any) -> None:
        self._rows.links[fingerprint] = AccountLink(used_at=None, **about)

    async def find(self, fingerprint: bytes, purpose: LinkPurpose) -> AccountLink | None:
        link = self._rows.links.get(fingerprint)
        return link if link is not None and link.purpose is purpose else None

    async def use_up(self, user_id: UserId, purpose: LinkPurpose, now: datetime) -> None:
        for fingerprint, link in self._rows.links.items():
            if (link.user_id, link.purpose, link.used_at) == (user_id, purpose, None):
                self._rows.links[fingerprint] = replace(link, used_at=now)


class MemoryEvents:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def record(self, *events: DomainEvent) -> None:
        self._rows.events += events


@dataclass
class MemoryIdentity:
    """Transactions that see their own changes and undo them on an exception."""

    known: KnownActors
    rows: Rows = field(default_factory=Rows)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[IdentityWork]:
        before = deepcopy(self.rows)
        try:
            yield IdentityWork(
                accounts=MemoryAccounts(self.rows, self.known),
                sessions=MemorySessions(self.rows, self.known),
                links=MemoryLinks(self.rows),
                events=MemoryEvents(self.rows),
            )
        except BaseException:
            self.rows.__dict__.update(before.__dict__)
            raise
