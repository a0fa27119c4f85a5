"""Messages to be written: an appointment in Mumbai, told to somebody in New York."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from booking_system.notifications.domain.facts import (
    AccountMessage,
    AppointmentFacts,
    AppointmentMessage,
    ChoiceFacts,
    ClinicFacts,
    MoneyFacts,
    ReceiptFacts,
)
from booking_system.notifications.domain.message import (
    ANSWERS,
    ASKING_FOR_MONEY,
    OF_MONEY,
    OF_SEVERAL,
    Kind,
)
from booking_system.payments.domain.receipts import DocumentId
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId
from booking_system.shared_kernel.money import Money

APPOINTMENT_KINDS = (
    Kind.CONFIRMATION,
    Kind.CHANGE,
    Kind.CANCELLATION,
    Kind.REMINDER,
    Kind.STAFF_NOTICE,
    Kind.CANCEL_WORD_NOTICE,
    *sorted(OF_MONEY),
)
BY_SMS = tuple(sorted(ANSWERS))
ACCOUNT_KINDS = tuple(kind for kind in Kind if kind not in (*APPOINTMENT_KINDS, *BY_SMS))
MAILED = (*APPOINTMENT_KINDS, *ACCOUNT_KINDS)
LANGUAGES = ("en", "de")
MANAGE = "https://booking.example.com/a/" + "Abc-123_" * 4
"""A link is as long as its signature makes it."""
LINK = "https://booking.example.com/reset#" + "Abc-123_" * 5 + "xyz"
SERVICE = "Root canal"
CLINIC = ClinicFacts(
    id=ClinicId(UUID(int=1)),
    name="Example Clinic",
    time_zone="Asia/Kolkata",
    locale="en",
    address="12 Hill Road\nMumbai 400050",
    phone="+91 22 5550 1234",
    email="desk@example.com",
)
FACTS = AppointmentFacts(
    id=AppointmentId(UUID(int=7)),
    revision=1,
    starts_at=datetime(2026, 11, 27, 8, 30, tzinfo=UTC),
    ends_at=datetime(2026, 11, 27, 9, 0, tzinfo=UTC),
    booked_at=datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC),
    mode="in_person",
    service_name=SERVICE,
    doctor_name="Asha Rao",
    doctor_title="Dr.",
)


CHOICES = tuple(
    ChoiceFacts(
        number=number,
        starts_at=FACTS.starts_at + timedelta(days=number),
        clinic_id=CLINIC.id,
        clinic_name=CLINIC.name,
        time_zone=CLINIC.time_zone,
    )
    for number in (1, 2, 3)
)


def some_money(kind: Kind, **about: Any) -> MoneyFacts | None:
    """Sums in rupees, with all that a message of this kind can tell."""
    if kind not in OF_MONEY:
        return None
    is_receipt = kind is Kind.PAYMENT_RECEIPT
    usual: dict[str, Any] = {
        "amount": Money(150_000, "INR"),
        "paid": Money(150_000, "INR") if is_receipt else None,
        "left": Money(350_000, "INR") if is_receipt else None,
        "pay_until": FACTS.booked_at + timedelta(minutes=30) if kind in ASKING_FOR_MONEY else None,
        "receipts": [ReceiptFacts(id=DocumentId(UUID(int=9)), number="2026-000042")],
        "happened": {Kind.DISPUTE_NOTICE: "open", Kind.MATTER_NOTICE: "refund_failed"}.get(kind),
    }
    return MoneyFacts(**usual | about)


def an_appointment_message(
    kind: Kind = Kind.CONFIRMATION,
    *,
    clinic: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    **about: Any,
) -> AppointmentMessage:
    """A message to Priya; `clinic` and `facts` change what they say."""
    told = "cancelled" if kind is Kind.STAFF_NOTICE else None
    given = {
        "kind": kind,
        "clinic": replace(CLINIC, **(clinic or {})),
        "appointment": replace(FACTS, **(facts or {})),
        "recipient_name": "Priya Sharma",
        "recipient_email": "priya@example.org",
        "recipient_locale": "en",
        "sender_address": "clinic@mail.example.com",
        "manage_url": MANAGE,
        "told": told,
        "choices": CHOICES if kind in OF_SEVERAL else (),
        "money": some_money(kind),
        "pay_url": MANAGE if kind in ASKING_FOR_MONEY else None,
    }
    return AppointmentMessage(**(given | about))


def an_account_message(kind: Kind = Kind.PASSWORD_RESET, **about: Any) -> AccountMessage:
    is_invitation = kind is Kind.INVITATION
    given = {
        "kind": kind,
        "recipient_name": "Priya Sharma",
        "recipient_locale": "en",
        "time_zone": "Europe/Berlin",
        "link": LINK,
        "expires_at": datetime(2026, 11, 28, 9, 0, tzinfo=UTC),
        "clinic_name": "Example Clinic" if is_invitation else None,
        "role": "receptionist" if is_invitation else None,
    }
    return AccountMessage(**(given | about))


def a_message(kind: Kind, locale: str = "en") -> AppointmentMessage | AccountMessage:
    make = an_account_message if kind in ACCOUNT_KINDS else an_appointment_message
    return make(kind, recipient_locale=locale)
