"""A small directory and calendar, with fixed ids, for tests that play one scene in two worlds."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from booking_system.booking.domain.attempt import ClinicFacts, DoctorFacts, ServiceFacts
from booking_system.identity.domain.actor import Actor, Role, RoleGrant
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    PatientId,
    ServiceId,
    SessionId,
    SlotId,
    UserId,
)
from booking_system.shared_kernel.mode import Mode
from tests.booking.builders import NOON, a_clinic, a_doctor, a_need, a_period, a_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    id: ClinicId
    facts: ClinicFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    id: DoctorId
    clinic_id: ClinicId
    facts: DoctorFacts = field(default_factory=a_doctor)
    version: int = 1
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    id: PatientId
    user_id: UserId | None
    full_name: str
    version: int = 1
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`facts` are those for a doctor who offers it."""

    clinic_id: ClinicId
    facts: ServiceFacts
    doctors: frozenset[DoctorId]


def _id(kind: int, number: int) -> UUID:
    return UUID(int=kind << 64 | number)


MINUTE = timedelta(minutes=1)
HERE, ELSEWHERE = ClinicId(_id(1, 0)), ClinicId(_id(1, 1))
CLINICS = [
    Clinic(
        id=HERE,
        facts=a_clinic(
            minimum_notice=timedelta(minutes=15),
            cancel_notice=timedelta(minutes=60),
            horizon=timedelta(days=2),
            most_open_bookings=4,
            offers_services=True,
        ),
    ),
    Clinic(id=ELSEWHERE, facts=a_clinic(takes_anonymous_holds=False)),
]
DOCTORS = [
    Doctor(id=DoctorId(_id(2, 0)), clinic_id=HERE),
    Doctor(id=DoctorId(_id(2, 1)), clinic_id=HERE),
    Doctor(id=DoctorId(_id(2, 2)), clinic_id=ELSEWHERE),
]
PATIENTS = [
    Patient(id=PatientId(_id(3, 0)), user_id=UserId(_id(4, 0)), full_name="Example Patient"),
    Patient(id=PatientId(_id(3, 1)), user_id=UserId(_id(4, 1)), full_name="Another Patient"),
    Patient(id=PatientId(_id(3, 2)), user_id=None, full_name="Patient of the Desk"),
]
KNOWN = {(HERE, PATIENTS[0].id), (HERE, PATIENTS[2].id)}
SERVICE = ServiceId(_id(5, 0))
OF_ONE_DOCTOR = ServiceId(_id(5, 1))
LONG = ServiceId(_id(5, 2))
BUFFERED = ServiceId(_id(5, 3))
UNKNOWN_SERVICE = ServiceId(_id(5, 9))
SERVICES = [
    Service(
        clinic_id=HERE,
        facts=a_service(id=SERVICE),
        doctors=frozenset({DOCTORS[0].id, DOCTORS[1].id}),
    ),
    Service(
        clinic_id=HERE,
        facts=a_service(id=OF_ONE_DOCTOR, price=None),
        doctors=frozenset({DOCTORS[0].id}),
    ),
    Service(
        clinic_id=HERE,
        facts=a_service(id=LONG, need=a_need(50)),
        doctors=frozenset({DOCTORS[0].id, DOCTORS[1].id}),
    ),
    Service(
        clinic_id=HERE,
        facts=a_service(id=BUFFERED, need=a_need(30, before=10, after=20)),
        doctors=frozenset({DOCTORS[0].id, DOCTORS[1].id}),
    ),
]

HOURS = [
    *((0, hours) for hours in (1.5, 2, 3, 26)),
    *((1, hours) for hours in (1.5, 2 + 25 / 60, 2 + 55 / 60, 98)),
    (2, 2),
]
"""Whose, and how many hours after noon; doctors overlap with each other, nobody with themselves."""
SLOTS = [
    TimeSlot(
        id=SlotId(_id(6, number)),
        clinic_id=DOCTORS[whose].clinic_id,
        doctor_id=DOCTORS[whose].id,
        period=a_period(NOON + timedelta(hours=hours)),
        mode=Mode.IN_PERSON,
    )
    for number, (whose, hours) in enumerate(HOURS)
]
SLOTS[2] = replace(SLOTS[2], mode=Mode.ONLINE)
UNKNOWN_SLOT = SlotId(_id(6, 99))


def _actor(number: int, grant: RoleGrant) -> Actor:
    return Actor.of(UserId(_id(4, number)), SessionId(_id(7, number)), [grant])


OWNERS = [
    _actor(number, RoleGrant(role=Role.PATIENT, patient_id=PATIENTS[number].id))
    for number in range(2)
]
DESK = _actor(10, RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=HERE))
COLLEAGUE = _actor(11, RoleGrant(role=Role.RECEPTIONIST, clinic_id=HERE))
DOCTOR = _actor(12, RoleGrant(role=Role.DOCTOR, clinic_id=HERE, doctor_id=DOCTORS[0].id))
STRANGER = _actor(13, RoleGrant(role=Role.RECEPTIONIST, clinic_id=ELSEWHERE))
ACTORS = [*OWNERS, DESK, COLLEAGUE, DOCTOR, STRANGER]
