"""Clinics, doctors, services, weekly hours and accounts: each stored as the program stores one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from booking_lab.scale.size import DOCTORS_PER_CLINIC, Size
from booking_system.directory.application.ports import DirectoryWork
from booking_system.directory.domain.clinic import Clinic, ClinicPolicy
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.service import PaymentTerms, Service
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.application.availability_ports import AvailabilityWork
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    RuleId,
    ServiceId,
    UserId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money

SLOT = timedelta(minutes=30)
EVERY_DAY = frozenset(range(1, 8))
PLACES = (
    ("Europe/Berlin", "de-DE", "EUR", "de"),
    ("America/New_York", "en-US", "USD", "en"),
    ("Europe/London", "en-GB", "GBP", "en"),
    ("America/Los_Angeles", "en-US", "USD", "es"),
    ("Asia/Tokyo", "ja-JP", "JPY", "ja"),
)
SPECIALTIES = (
    "General practice",
    "Cardiology",
    "Dermatology",
    "Paediatrics",
    "Gynaecology",
    "Orthopaedics",
    "Neurology",
    "Ophthalmology",
    "Psychiatry",
    "Urology",
)
OPENING_HOURS = (8, 9, 7)
"""Four hours from then, and four more after one for lunch: sixteen slots of half an hour."""
ONLINE_EVERY = 5
"""So many doctors in a clinic, and one of them sees patients online in the afternoon."""
SERVICES = (("First visit", 4500, 1), ("Check-up", 2500, 2), ("Examination", 9000, 10))
"""Name, price in hundredths, and that every how-manyth doctor offers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A clinic with whom bookings are made by, and the service that fits each mode."""

    clinic: Clinic
    receptionist: UserId
    services: dict[Mode, Service]


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A doctor with the hours that the slots are made of."""

    place: Place
    doctor: Doctor
    rules: tuple[AvailabilityRule, ...]


@dataclass(slots=True, kw_only=True)
class Founding:
    """Makes the clinics of one load. `mark` keeps names of two loads apart."""

    work: DirectoryWork
    availability: AvailabilityWork
    size: Size
    now: datetime
    password_hash: str
    mark: str
    accounts: list[tuple[str, str]] = field(default_factory=list)

    async def everything(self) -> list[Practice]:
        """Store everything but time slots and patients."""
        await self._account("admin", RoleGrant(role=Role.PLATFORM_ADMIN))
        made: list[Practice] = []
        for number in range(self.size.clinics):
            here = min(DOCTORS_PER_CLINIC, self.size.doctors - len(made))
            made += await self._clinic(number, here)
        return made

    async def _clinic(self, number: int, doctors: int) -> list[Practice]:
        zone, locale, currency, _ = PLACES[number % len(PLACES)]
        clinic = Clinic(
            id=ClinicId(uuid7()),
            name=f"Example Clinic {number + 1}",
            slug=f"scale-{self.mark}-{number + 1}",
            time_zone=zone,
            locale=locale,
            currency=currency,
            policy=ClinicPolicy(horizon_days=self.size.days),
            created_at=self.now,
            updated_at=self.now,
        )
        await self.work.clinics.add(clinic)
        staff = [self._doctor(clinic, number, place) for place in range(doctors)]
        for doctor in staff:
            await self.work.doctors.add(doctor)
        grant = RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic.id)
        place = Place(
            clinic=clinic,
            receptionist=await self._account(f"reception-{number + 1}", grant),
            services=await self._services(clinic, staff),
        )
        return [await self._practice(place, doctor, within) for within, doctor in enumerate(staff)]

    def _doctor(self, clinic: Clinic, number: int, within: int) -> Doctor:
        tongue = PLACES[number % len(PLACES)][3]
        return Doctor(
            id=DoctorId(uuid7()),
            clinic_id=clinic.id,
            full_name=f"Example Doctor {number * DOCTORS_PER_CLINIC + within + 1}",
            title="Dr.",
            specialty=SPECIALTIES[within % len(SPECIALTIES)],
            languages=tuple(dict.fromkeys((tongue, "en", *_also(within)))),
            created_at=self.now,
            updated_at=self.now,
        )

    async def _services(self, clinic: Clinic, staff: list[Doctor]) -> dict[Mode, Service]:
        for name, price, every in reversed(SERVICES):
            visit = self._service(clinic, name, price, Mode.IN_PERSON, staff[::every])
            await self.work.services.add(visit)
        online = staff[::ONLINE_EVERY]
        call = self._service(clinic, "Consultation online", 3000, Mode.ONLINE, online)
        await self.work.services.add(call)
        return {Mode.IN_PERSON: visit, Mode.ONLINE: call}

    def _service(
        self, clinic: Clinic, name: str, price: int, mode: Mode, doctors: list[Doctor]
    ) -> Service:
        return Service(
            id=ServiceId(uuid7()),
            clinic_id=clinic.id,
            name=name,
            duration_minutes=SLOT // timedelta(minutes=1),
            price=Money(price, clinic.currency),
            mode=mode,
            payment=PaymentTerms.NONE,
            doctor_ids=tuple(doctor.id for doctor in doctors),
            created_at=self.now,
            updated_at=self.now,
        )

    async def _practice(self, place: Place, doctor: Doctor, within: int) -> Practice:
        today = wall_clock(self.now, place.clinic.time_zone).date()
        rules = tuple(
            AvailabilityRule(
                id=RuleId(uuid7()),
                clinic_id=doctor.clinic_id,
                doctor_id=doctor.id,
                hours=hours,
                created_at=self.now,
                updated_at=self.now,
            )
            for hours in _hours_of(within, today)
        )
        for rule in rules:
            await self.availability.add_rule(rule)
        return Practice(place=place, doctor=doctor, rules=rules)

    async def _account(self, name: str, grant: RoleGrant) -> UserId:
        user_id, email = UserId(uuid7()), f"{name}-{self.mark}@example.com"
        await self.work.accounts.add(
            user_id=user_id,
            email=email,
            password_hash=self.password_hash,
            full_name=f"Demo {grant.role.value}",
            locale=None,
            time_zone=None,
            now=self.now,
        )
        await self.work.accounts.grant(user_id, grant, self.now)
        self.accounts.append((email, grant.role.value))
        return user_id


def _also(within: int) -> Iterator[str]:
    if within % 4 == 0:
        yield "tr"
    if within % 10 == 3:
        yield "fr"


def _hours_of(within: int, today: date) -> Iterator[Hours]:
    opens = OPENING_HOURS[within % len(OPENING_HOURS)]
    afternoon = Mode.ONLINE if within % ONLINE_EVERY == 0 else Mode.IN_PERSON
    for hour, mode in ((opens, Mode.IN_PERSON), (opens + 5, afternoon)):
        yield Hours(
            weekdays=EVERY_DAY,
            start_minute=hour * 60,
            end_minute=(hour + 4) * 60,
            slot=SLOT,
            gap=timedelta(0),
            valid_from=today,
            valid_until=None,
            mode=mode,
        )
