"""Valid objects with one line each; a test names only what it is about."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from booking_system.payments.domain.attempt import (
    Attempt,
    AttemptState,
    Frozen,
    PaymentId,
    Presentation,
)
from booking_system.payments.domain.owed import Owed, Standing
from booking_system.payments.domain.receipts import (
    Document,
    DocumentId,
    DocumentKind,
    Occasion,
)
from booking_system.payments.domain.refunds import Refund, RefundReason, nth_refund
from booking_system.payments.domain.sighting import Account, Charge, Sighting, Stage
from booking_system.payments.domain.terms import MoneyTerms
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    PatientId,
    ServiceId,
)
from booking_system.shared_kernel.money import Money
from tests.booking.builders import CLINIC, NOON

ACCOUNT = Account("stripe", "acct_1", is_live=True)
PAYPAL = Account("paypal", "merchant_1", is_live=True)
PRICE = Money(5000, "EUR")
START = NOON + timedelta(days=2)
FIRST = UUID(int=1)


def a_refund(attempt: Attempt, money: Money) -> Refund:
    asked = attempt.asked
    return Refund(
        id=nth_refund(attempt.id, 0),
        payment_id=attempt.id,
        appointment_id=asked.appointment_id,
        clinic_id=asked.clinic_id,
        charge_id="ch_1",
        money=money,
        reason=RefundReason.STAFF,
        created_at=NOON,
    )


def an_owed(**about: Any) -> Owed:
    usual: dict[str, Any] = {
        "appointment_id": AppointmentId(uuid4()),
        "clinic_id": CLINIC,
        "patient_id": PatientId(uuid4()),
        "service_id": ServiceId(uuid4()),
        "reference": "AAAA-0001",
        "status": Standing.CONFIRMED,
        "version": 1,
        "starts_at": START,
        "ends_at": START + timedelta(minutes=30),
        "created_at": NOON,
        "price": PRICE,
        "confirm_at": None,
        "pay_by": None,
        "terms": MoneyTerms(),
    }
    return Owed(**usual | about)


def a_waiting_one(**about: Any) -> Owed:
    usual: dict[str, Any] = {
        "status": Standing.PENDING_PAYMENT,
        "confirm_at": PRICE,
        "pay_by": NOON + timedelta(minutes=33),
    }
    return an_owed(**usual | about)


def an_attempt(state: AttemptState = AttemptState.OPEN, **about: Any) -> Attempt:
    asked: dict[str, Any] = {
        "id": PaymentId(uuid4()),
        "appointment_id": AppointmentId(uuid4()),
        "clinic_id": ClinicId(CLINIC),
        "account": ACCOUNT,
        "amount": PRICE,
        "presentation": Presentation.REDIRECT,
        "title": "Example Service",
        "language": "en",
        "return_url": "https://example.com/back",
        "cancel_url": "https://example.com/left",
        "window_end": NOON + timedelta(minutes=30),
        "ends_at": NOON + timedelta(minutes=31),
        "started_by": None,
        "created_at": NOON,
    }
    mine = {name: about.pop(name) for name in list(about) if name in asked}
    reference = None if state is AttemptState.CREATING else "cs_1"
    return Attempt(asked=Frozen(**asked | mine), state=state, **{"reference": reference, **about})


def a_sighting(attempt: Attempt, stage: Stage = Stage.OPEN, **about: Any) -> Sighting:
    paid = (Charge("ch_1", attempt.asked.amount, NOON),) if stage is Stage.PAID else ()
    usual: dict[str, Any] = {
        "account": attempt.asked.account,
        "reference": attempt.reference or "cs_1",
        "our_id": str(attempt.id),
        "amount": attempt.asked.amount,
        "stage": stage,
        "charges": paid,
    }
    return Sighting(**usual | about)


def an_occasion(**about: Any) -> Occasion:
    usual: dict[str, Any] = {
        "reference": "K7QM-3F9D",
        "starts_at": START,
        "service": "Example Service",
        "recipient": "Example Patient",
        "languages": ("en",),
        "price": 5000,
        "deposit": None,
        "received": 5000,
    }
    return Occasion(**usual | about)


def a_document(**about: Any) -> Document:
    """A receipt; what is of its occasion may be named as well."""
    of_occasion = {one for one in Occasion.__dataclass_fields__ if one in about}
    occasion = an_occasion(**{one: about.pop(one) for one in of_occasion})
    usual: dict[str, Any] = {
        "id": DocumentId(FIRST),
        "kind": DocumentKind.RECEIPT,
        "number": 42,
        "year": 2030,
        "clinic_id": CLINIC,
        "appointment_id": AppointmentId(FIRST),
        "payment_id": PaymentId(FIRST),
        "corrects": None,
        "corrects_name": None,
        "money": PRICE,
        "provider": "desk",
        "method": "cash",
        "title": "Example Clinic, K7QM-3F9D",
        "issuer_name": "Example Clinic",
        "issuer_address": "1 Example Street\n12345 Example Town",
        "issuer_tax_number": "DE123456789",
        "time_zone": "Pacific/Auckland",
        "is_live": True,
        "settled_at": NOON,
        "issued_at": NOON,
        "occasion": occasion,
    }
    return Document(**usual | about)
