"""Use case: somebody makes an account for themselves and is a patient from then on."""

from dataclasses import dataclass

from booking_system.directory.application.ports import (
    DirectoryTransaction,
    Passwords,
    Throttle,
)
from booking_system.directory.domain.patient import Patient
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.events import AccountRegistered
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.identity.domain.throttling import registration_key
from booking_system.identity.domain.tokens import Tokens
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities, PatientId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """What somebody says of themselves."""

    email: str
    password: str
    full_name: str
    phone: str | None = None
    locale: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Who they are now, signed in already."""

    user_id: UserId
    patient_id: PatientId
    tokens: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Makes user, patient, role and session in one transaction."""

    transaction: DirectoryTransaction
    passwords: Passwords
    throttle: Throttle
    clock: Clock
    identities: Identities

    async def __call__(
        self, *, newcomer: Newcomer, network: bytes, user_agent: str | None
    ) -> Registered:
        """Raises `RateLimited`, `EmailTaken`, `PasswordTooWeak`."""
        await self.throttle.admit(registration_key(network))
        async with self.transaction() as work:
            if await work.accounts.by_email(newcomer.email) is not None:
                raise EmailTaken
        owner = PasswordOwner(email=newcomer.email, full_name=newcomer.full_name)
        password_hash = await self.passwords.hash_chosen(newcomer.password, owner)
        return await self._make(newcomer, password_hash, network, user_agent)

    async def _make(
        self, newcomer: Newcomer, password_hash: str, network: bytes, user_agent: str | None
    ) -> Registered:
        now = self.clock.now()
        user_id, patient_id = UserId(self.identities.new()), PatientId(self.identities.new())
        patient = Patient(
            id=patient_id,
            full_name=newcomer.full_name,
            email=newcomer.email,
            phone=newcomer.phone,
            locale=newcomer.locale,
            time_zone=newcomer.time_zone,
            has_account=True,
            created_at=now,
            updated_at=now,
        )
        async with self.transaction() as work:
            await work.accounts.add(
                user_id=user_id,
                email=newcomer.email,
                password_hash=password_hash,
                full_name=newcomer.full_name,
                locale=newcomer.locale,
                time_zone=newcomer.time_zone,
                now=now,
            )
            await work.patients.add(patient, user_id=user_id, clinic_id=None)
            role = RoleGrant(role=Role.PATIENT, patient_id=patient_id)
            await work.accounts.grant(user_id, role, now)
            await work.events.record(AccountRegistered(occurred_at=now, user_id=user_id))
            tokens = await work.accounts.start_session(user_id, user_agent, now, network=network)
        return Registered(user_id=user_id, patient_id=patient_id, tokens=tokens)
