"""Everything that a use case of identity needs, over memory or over real PostgreSQL."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from booking_system.directory.records.own_patient import follow_profile
from booking_system.identity.adapters.access import PostgresAccess
from booking_system.identity.adapters.access_feed import AccessFeed
from booking_system.identity.adapters.accounts import PostgresAccounts
from booking_system.identity.adapters.postgres import PostgresIdentity
from booking_system.identity.adapters.tokens import DerivedRefreshTokens, SignedAccessTokens
from booking_system.identity.application.change_password import ChangePassword
from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.application.ports import IdentityTransaction
from booking_system.identity.application.refresh_session import RefreshSession
from booking_system.identity.application.sign_in import SignIn
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.session import Lifetimes
from booking_system.identity.domain.tokens import Tokens
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, UserId
from tests.identity.builders import (
    CHEAP,
    EMAIL,
    KEYS,
    LIFETIMES,
    NOON,
    PASSWORD,
    CountedPasswords,
    FakeThrottle,
    FakeTurns,
    FixedClock,
    access_tokens,
    new_sessions,
)
from tests.identity.memory import MemoryIdentity

CLINIC = """INSERT INTO clinics (id, name, slug, time_zone, locale, currency, embed_origins,
 min_notice_minutes, cancel_notice_minutes, horizon_days, hold_minutes,
 max_open_bookings_per_patient, anonymous_holds, reminder_offsets_minutes, created_at, updated_at)
 VALUES (:id, 'Example Clinic', :slug, 'Europe/Berlin', 'de-DE', 'EUR', '{}', 0, 0, 180, 10, 10,
 true, '{}', now(), now())"""
DOCTOR = """INSERT INTO doctors (id, clinic_id, full_name, languages, created_at, updated_at)
 VALUES (:id, :clinic_id, 'Demo Doctor 1', '{}', now(), now())"""


@dataclass
class World:
    """Where a test of identity takes place."""

    transaction: IdentityTransaction
    known: KnownActors
    database: Database | None = None
    clock: FixedClock = field(default_factory=FixedClock)
    passwords: CountedPasswords = field(default_factory=CountedPasswords)
    throttle: FakeThrottle = field(default_factory=FakeThrottle)
    turns: FakeTurns = field(default_factory=FakeTurns)
    lifetimes: Lifetimes = LIFETIMES
    access_tokens: SignedAccessTokens = field(default_factory=access_tokens)
    refresh_tokens: DerivedRefreshTokens = field(default_factory=lambda: DerivedRefreshTokens(KEYS))

    @classmethod
    def in_memory(cls) -> "World":
        known = KnownActors()
        return cls(transaction=MemoryIdentity(known).transaction, known=known)

    @classmethod
    def over(cls, database: Database) -> "World":
        known = KnownActors()
        feed = AccessFeed(known=known)
        accounts_of = partial(
            PostgresAccounts,
            feed=feed,
            new_sessions=new_sessions(),
            follow_profile=follow_profile,
        )
        identity = PostgresIdentity(database, accounts_of=accounts_of, feed=feed)
        return cls(transaction=identity.transaction, known=known, database=database)

    async def account(self, email: str = EMAIL, password: str | None = PASSWORD) -> UserId:
        user_id = UserId(uuid7())
        known = None if password is None else await self.passwords.real.hash(password)
        async with self.transaction() as work:
            await work.accounts.add(
                user_id=user_id,
                email=email,
                password_hash=known,
                full_name="Example Patient",
                locale=None,
                time_zone=None,
                now=self.clock.now(),
            )
        return user_id

    async def session(
        self, user_id: UserId, user_agent: str | None = None, network: bytes | None = None
    ) -> Tokens:
        async with self.transaction() as work:
            return await work.accounts.start_session(
                user_id, user_agent, self.clock.now(), network=network
            )

    def actor_of(self, tokens: Tokens) -> Actor:
        claims = self.access_tokens.verify(tokens.access_token)
        return Actor.of(claims.user_id, claims.session_id, [])

    async def clinic(self) -> tuple[ClinicId, DoctorId]:
        """A clinic with one doctor."""
        clinic_id, doctor_id = ClinicId(uuid4()), DoctorId(uuid4())
        if self.database is not None:
            async with self.database.transaction() as connection:
                about: dict[str, Any] = {"id": clinic_id, "slug": clinic_id.hex}
                await connection.execute(text(CLINIC), about)
                await connection.execute(text(DOCTOR), {"id": doctor_id, "clinic_id": clinic_id})
        return clinic_id, doctor_id

    @property
    def access(self) -> PostgresAccess:
        assert self.database is not None
        return PostgresAccess(self.database)

    def sign_in(self) -> SignIn:
        return SignIn(
            transaction=self.transaction,
            passwords=self.passwords,
            throttle=self.throttle,
            turns=self.turns,
            clock=self.clock,
        )

    def refresh(self) -> RefreshSession:
        return RefreshSession(
            transaction=self.transaction,
            access_tokens=self.access_tokens,
            refresh_tokens=self.refresh_tokens,
            lifetimes=self.lifetimes,
            clock=self.clock,
        )

    def change_password(self) -> ChangePassword:
        return ChangePassword(
            looking=self.transaction,
            transaction=self.transaction,
            passwords=self.passwords,
            throttle=self.throttle,
            clock=self.clock,
        )


@dataclass
class RacingPasswords(CountedPasswords):
    """Somebody else changes the password while the old one is being checked."""

    world: World | None = None
    times: int = 1

    async def verify(self, password_hash: str | None, password: str) -> bool:
        is_right = await super().verify(password_hash, password)
        if self.world is not None and self.times > 0:
            self.times -= 1
            async with self.world.transaction() as work:
                account = await work.accounts.by_email(EMAIL)
                assert account is not None
                await work.accounts.set_password(account.id, CHEAP.hash(PASSWORD), NOON)
        return is_right
