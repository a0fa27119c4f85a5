"""All that the directory needs from the outside world."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.directory.application.invitation_ports import Invitations
from booking_system.directory.application.reference_ports import ReferenceStore
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.patient import Acquaintance, FoundPatient, Patient
from booking_system.directory.domain.service import Service
from booking_system.identity.domain.account import Account
from booking_system.identity.domain.actor import RoleGrant
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.session import Session
from booking_system.identity.domain.staff import StaffMember
from booking_system.identity.domain.throttling import Allowance
from booking_system.identity.domain.tokens import Tokens
from booking_system.shared_kernel.aggregate import Events
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    PatientId,
    ServiceId,
    SessionId,
    UserId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Filters that all have to hold; None: any. `after` is the id of the last one seen.

    `q` is part of a name; doctors of `service_id` offer it; `clinic_ids` bounds patients to the
    clinics that know them. `email` and `phone` (E.164) are whole, and so is `external_id`, which
    is asked for in one clinic.
    """

    q: str | None = None
    email: str | None = None
    phone: str | None = None
    slug: str | None = None
    external_id: str | None = None
    clinic_id: ClinicId | None = None
    service_id: ServiceId | None = None
    specialty: str | None = None
    language: str | None = None
    clinic_ids: Collection[ClinicId] | None = None
    patient_id: PatientId | None = None
    after: UUID | None = None
    limit: int = 50


class Clinics(Protocol):
    """The clinics that are not deleted."""

    async def read(self, clinic_id: ClinicId) -> Clinic | None:
        """Return a clinic."""
        ...

    async def lock(self, clinic_id: ClinicId) -> Clinic | None:
        """Return a clinic and keep other changes of it waiting; bookings go on."""
        ...

    async def add(self, clinic: Clinic) -> None:
        """Store a new clinic. Raises `SlugTaken`."""
        ...

    async def save(self, clinic: Clinic) -> None:
        """Store a changed clinic. Raises `SlugTaken`."""
        ...


class Doctors(Protocol):
    """The doctors that are not deleted, of clinics that are not deleted."""

    async def read(self, doctor_id: DoctorId) -> Doctor | None:
        """Return a doctor."""
        ...

    async def lock(self, doctor_id: DoctorId) -> Doctor | None:
        """Return a doctor and keep other changes waiting; bookings go on."""
        ...

    async def add(self, doctor: Doctor) -> None:
        """Store a new doctor."""
        ...

    async def save(self, doctor: Doctor) -> None:
        """Store a changed doctor."""
        ...


class Services(Protocol):
    """The services of clinics that are not deleted."""

    async def read(self, service_id: ServiceId) -> Service | None:
        """Return a service."""
        ...

    async def lock(self, service_id: ServiceId, *, deleted: bool = False) -> Service | None:
        """Return a service, or a deleted one, and keep other changes waiting."""
        ...

    async def strangers(
        self, clinic_id: ClinicId, doctor_ids: Sequence[DoctorId]
    ) -> Collection[DoctorId]:
        """Return those of the doctors that the clinic does not have."""
        ...

    async def any_has_a_price(self, clinic_id: ClinicId) -> bool:
        """Say whether a service of the clinic costs something, deleted ones included."""
        ...

    async def add(self, service: Service) -> None:
        """Store a new service."""
        ...

    async def save(self, service: Service) -> None:
        """Store a changed service."""
        ...

    async def mark(self, service: Service, *, deleted_at: datetime | None) -> None:
        """Take it out of sight, or bring it back."""
        ...


class Patients(Protocol):
    """The patients that are not deleted."""

    async def read(self, patient_id: PatientId) -> Patient | None:
        """Return a patient."""
        ...

    async def lock(self, patient_id: PatientId) -> Patient | None:
        """Return a patient and keep other changes waiting; bookings go on."""
        ...

    async def acquaintance(self, patient_id: PatientId) -> Acquaintance:
        """Return who knows the patient."""
        ...

    async def page(self, search: Search) -> Sequence[FoundPatient]:
        """Return patients by age, one more than `limit` where there are more.

        Of one clinic also by what it calls them.
        """
        ...

    async def reached_at(self, search: Search) -> Sequence[FoundPatient]:
        """Return patients with this `email` or `phone` by age, and whether `clinic_id` knows them.

        Of those whom it does not know only those with an account; `patient_id`, if given, only.
        """
        ...

    async def alike(self, patient: Patient, clinic_id: ClinicId) -> Sequence[Patient]:
        """Return others whom the clinic knows with the same e-mail or phone, `MOST_ALIKE` at most.

        E-mail is compared without case.
        """
        ...

    async def get_known(
        self, patient_id: PatientId, *, clinic_id: ClinicId, since: datetime
    ) -> None:
        """Write down that the clinic knows the patient for good; twice is as good as once."""
        ...

    async def call(
        self, patient_id: PatientId, *, clinic_id: ClinicId, known_as: str | None
    ) -> FoundPatient | None:
        """Store what the clinic calls the patient; None where it does not know them."""
        ...

    async def add(
        self, patient: Patient, *, user_id: UserId | None, clinic_id: ClinicId | None
    ) -> None:
        """Store a new patient with their account, or as known to a clinic."""
        ...

    async def save(self, patient: Patient) -> None:
        """Store a changed patient."""
        ...


class Accounts(Protocol):
    """The accounts of identity, inside the directory's own transaction."""

    async def by_email(self, email: str) -> Account | None:
        """Return the live account with this address."""
        ...

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
        """Store a new account. Raises `EmailTaken`.

        Where the password is temporary no role holds until its owner has changed it.
        """
        ...

    async def verify_email(self, user_id: UserId, now: datetime) -> None:
        """Note that an account's address is its owner's; again, it changes nothing."""
        ...

    async def grant(self, user_id: UserId, grant: RoleGrant, now: datetime) -> None:
        """Give a role; giving it twice changes nothing."""
        ...

    async def revoke(self, user_id: UserId, clinic_id: ClinicId, now: datetime) -> bool:
        """Take all roles in a clinic away; False where there was none."""
        ...

    async def manages(self, user_id: UserId, clinic_id: ClinicId) -> bool:
        """Say whether a user may change a clinic and its staff, by the roles that hold now."""
        ...

    async def staff_of(self, clinic_id: ClinicId) -> Sequence[StaffMember]:
        """Return who works for a clinic, oldest first."""
        ...

    async def living_sessions(
        self,
        user_id: UserId,
        *,
        now: datetime,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Session]:
        """Return the sessions of a user that are not over, the newest first, `limit` + 1 at most.

        They come after the sort key `after`.
        """
        ...

    async def end_sessions(
        self, user_id: UserId, session_id: SessionId | None, now: datetime
    ) -> bool:
        """End one session of a user, as an administrator does, or all; False: there was none."""
        ...

    async def start_session(
        self, user_id: UserId, user_agent: str | None, now: datetime, *, network: bytes
    ) -> Tokens:
        """Begin a session, on a device in this network, and return its first tokens."""
        ...


class Passwords(Protocol):
    """Hashes passwords; slow on purpose, so never inside a transaction."""

    async def hash_chosen(self, password: str, owner: PasswordOwner) -> str:
        """Return a salted hash of a new password. Raises `PasswordTooWeak`."""
        ...


class Throttle(Protocol):
    """Counts attempts."""

    async def admit(self, *keys: str) -> Allowance | None:
        """Count one attempt for each key. Raises `RateLimited` where a quota is used up."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryWork:
    """What one transaction of the directory can reach."""

    clinics: Clinics
    doctors: Doctors
    services: Services
    patients: Patients
    references: ReferenceStore
    accounts: Accounts
    invitations: Invitations
    events: Events


DirectoryTransaction = Callable[[], AbstractAsyncContextManager[DirectoryWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""

DirectoryLook = Callable[[], AbstractAsyncContextManager[DirectoryWork]]
"""Opens one that only reads and is over with its block, also where a larger one is to follow."""
