"""Valid objects with one line each; a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from booking_system.booking.domain.attempt import (
    BookingAttempt,
    ClinicFacts,
    DoctorFacts,
    PatientFacts,
    ServiceFacts,
)
from booking_system.booking.domain.party import SYSTEM, Party, Side
from booking_system.booking.domain.span import Need
from booking_system.directory.domain.service import PaymentTerms
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
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period

NOON = datetime(2030, 6, 3, 12, tzinfo=UTC)
CLINIC = ClinicId(uuid4())


class FixedClock:
    """A clock that tests can set."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def a_period(starts_at: datetime = NOON + timedelta(days=1), minutes: int = 30) -> Period:
    return Period(starts_at, starts_at + timedelta(minutes=minutes))


def a_slot(**about: Any) -> TimeSlot:
    usual: dict[str, Any] = {
        "id": SlotId(uuid4()),
        "clinic_id": CLINIC,
        "doctor_id": DoctorId(uuid4()),
        "period": a_period(),
        "mode": Mode.IN_PERSON,
    }
    return TimeSlot(**usual | about)


def an_actor(*grants: RoleGrant) -> Actor:
    return Actor.of(UserId(uuid4()), SessionId(uuid4()), grants)


def a_patient_actor(patient_id: PatientId | None = None) -> Actor:
    return an_actor(RoleGrant(role=Role.PATIENT, patient_id=patient_id or PatientId(uuid4())))


def a_receptionist(clinic_id: ClinicId = CLINIC) -> Actor:
    return an_actor(RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic_id))


def a_party(side: Side = Side.CLINIC) -> Party:
    return SYSTEM if side is Side.SYSTEM else Party(side=side, user_id=UserId(uuid4()))


def a_clinic(**about: Any) -> ClinicFacts:
    usual: dict[str, Any] = {
        "name": "Example Clinic",
        "time_zone": "Europe/Berlin",
        "minimum_notice": timedelta(0),
        "cancel_notice": timedelta(0),
        "horizon": timedelta(days=180),
        "most_open_bookings": 10,
        "offers_services": False,
        "hold_length": timedelta(minutes=10),
        "payment_window": timedelta(minutes=30),
        "takes_anonymous_holds": True,
    }
    return ClinicFacts(**usual | about)


def a_patient(**about: Any) -> PatientFacts:
    usual: dict[str, Any] = {
        "id": PatientId(uuid4()),
        "full_name": "Example Patient",
        "is_known_here": True,
        "is_busy": False,
        "open_bookings": 0,
    }
    return PatientFacts(**usual | about)


def a_need(minutes: int = 30, *, before: int = 0, after: int = 0) -> Need:
    return Need(
        duration=timedelta(minutes=minutes),
        before=timedelta(minutes=before),
        after=timedelta(minutes=after),
        mode=Mode.IN_PERSON,
    )


def a_service(**about: Any) -> ServiceFacts:
    usual: dict[str, Any] = {
        "id": ServiceId(uuid4()),
        "name": "Example Service",
        "need": a_need(),
        "price": Money(4500, "EUR"),
        "payment": PaymentTerms.NONE,
        "is_offered_by_doctor": True,
    }
    return ServiceFacts(**usual | about)


def a_doctor() -> DoctorFacts:
    return DoctorFacts(
        full_name="Example Doctor", title=None, specialty="Cardiology", photo_url=None
    )


def an_attempt(**about: Any) -> BookingAttempt:
    patient = about.get("patient", a_patient())
    usual: dict[str, Any] = {
        "now": NOON,
        "slot": a_slot(),
        "clinic": a_clinic(),
        "doctor": a_doctor(),
        "patient": patient,
        "actor": a_patient_actor(None if patient is None else patient.id),
    }
    return BookingAttempt(**usual | about)
