"""Valid things with one line each; a test names only what it is about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from joserfc.jwk import ECKey

from booking_system.identity.adapters.new_sessions import NewSessions
from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.adapters.tokens import DerivedRefreshTokens, SignedAccessTokens
from booking_system.identity.application.known_actors import KnownActors
from booking_system.identity.domain.actor import Actor, Role, RoleGrant
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import RateLimited
from booking_system.identity.domain.session import Lifetimes
from booking_system.identity.domain.throttling import Allowance
from booking_system.platform.keyring import Keyring
from booking_system.platform.uuid7 import RandomIdentities
from booking_system.shared_kernel.identifiers import PatientId, SessionId, UserId

NOON = datetime(2030, 6, 3, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ISSUER = "https://booking.example.com"
EMAIL = "patient@example.com"
PASSWORD = "three quiet otters"
LIFETIMES = Lifetimes.of_days(absolute=90, idle=30)
HOME, ELSEWHERE = b"h" * 16, b"e" * 16
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PATIENT = RoleGrant(role=Role.PATIENT, patient_id=PatientId(uuid4()))


def a_key() -> str:
    return str(ECKey.generate_key("P-256").as_pem(private=True).decode())


PRIVATE_KEY = a_key()
KEYS = Keyring((PRIVATE_KEY,))


class FixedClock:
    """A clock that tests can set."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, time: timedelta) -> None:
        self.moment += time


class Stopwatch:
    """Monotonic seconds that tests can set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class CountedPasswords:
    """Quick real hashes, and how often each was asked for."""

    real: Argon2Passwords = field(default_factory=lambda: Argon2Passwords(CHEAP, threads=2))
    verified: list[str | None] = field(default_factory=list)
    hashed: int = 0

    async def hash(self, password: str) -> str:
        self.hashed += 1
        return await self.real.hash(password)

    async def hash_chosen(self, password: str, owner: PasswordOwner) -> str:
        hashed = await self.real.hash_chosen(password, owner)
        self.hashed += 1
        return hashed

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.verified.append(password_hash)
        return await self.real.verify(password_hash, password)

    def outdated(self, password_hash: str) -> bool:
        return self.real.outdated(password_hash)


@dataclass
class FakeThrottle:
    """Admits until it is told to refuse, and remembers the keys."""

    refuses: bool = False
    crowded: bool = False
    admitted: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    async def admit(self, *keys: str) -> Allowance:
        if self.refuses:
            raise RateLimited(retry_after=60)
        self.admitted += keys
        return an_allowance()

    async def is_crowded(self, key: str) -> bool:
        self.counted.append(key)
        return self.crowded

    async def check(self, *keys: str) -> None:
        if self.refuses:
            raise RateLimited(retry_after=60)

    async def forgive(self, *keys: str) -> None:
        self.forgiven += keys


@dataclass
class FakeTurns:
    """Gives a turn at once, and remembers who asked."""

    taken: list[tuple[str, int]] = field(default_factory=list)

    async def take(self, key: str, *, tries: int) -> None:
        self.taken.append((key, tries))


def an_allowance(**about: Any) -> Allowance:
    usual: dict[str, Any] = {
        "policy": "account",
        "quota": 10,
        "window": 900,
        "remaining": 9,
        "reset": 900,
    }
    return Allowance(**usual | about)


def access_tokens(**about: Any) -> SignedAccessTokens:
    return SignedAccessTokens(about.get("keys", KEYS), issuer=about.get("issuer", ISSUER))


def new_sessions() -> NewSessions:
    return NewSessions(
        access_tokens=access_tokens(),
        refresh_tokens=DerivedRefreshTokens(KEYS),
        identities=RandomIdentities(),
        lifetimes=LIFETIMES,
    )


def an_actor(*grants: RoleGrant, user_id: UserId | None = None) -> Actor:
    return Actor.of(user_id or UserId(uuid4()), SessionId(uuid4()), grants)


def trusted_actors(stopwatch: Stopwatch, **about: Any) -> KnownActors:
    known = KnownActors(monotonic=stopwatch, **about)
    known.trust(stopwatch())
    return known
