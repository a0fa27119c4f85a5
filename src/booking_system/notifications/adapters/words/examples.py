"""Examples that templates of clinics are tried on: made up, and of nobody.

One has all that a message can have, the other as little as there may be: what fails for one patient
in a hundred shall not be found then.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from booking_system.notifications.domain.facts import (
    AppointmentFacts,
    AppointmentMessage,
    ClinicFacts,
    MoneyFacts,
    ReceiptFacts,
)
from booking_system.notifications.domain.gate import TO_CLINIC
from booking_system.notifications.domain.message import ASKING_FOR_MONEY, OF_MONEY, Kind
from booking_system.payments.domain.receipts import DocumentId
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.money import Money

FULL: Final = AppointmentFacts(
    id=AppointmentId(UUID(int=1)),
    revision=1,
    starts_at=datetime(2027, 3, 1, 9, 30, tzinfo=UTC),
    ends_at=datetime(2027, 3, 1, 10, tzinfo=UTC),
    booked_at=datetime(2027, 2, 15, 9, tzinfo=UTC),
    mode="in_person",
    service_name="Example Service",
    doctor_name="Example Doctor",
    doctor_title="Dr.",
)
SPARSE: Final = replace(FULL, mode=None, service_name=None, doctor_title=None)
PAY_URL: Final = f"https://example.com/pay/{'a' * 43}"
TIME_TO_PAY: Final = timedelta(minutes=30)
OVERNIGHT: Final = timedelta(hours=20)


def examples(clinic: ClinicFacts, kind: Kind, language: str) -> Sequence[AppointmentMessage]:
    """Return messages of a kind to readers of a language; the first is the one to show."""
    is_notice = kind in TO_CLINIC
    full = AppointmentMessage(
        kind=kind,
        clinic=clinic,
        appointment=FULL,
        recipient_name=clinic.name if is_notice else "Example Patient",
        recipient_email="patient@example.com",
        recipient_locale=language,
        sender_address="clinic@example.com",
        manage_url=None,
        told="moved" if kind is Kind.STAFF_NOTICE else None,
        money=_money(kind),
        pay_url=PAY_URL if kind in ASKING_FOR_MONEY else None,
    )
    bare = replace(clinic, address=None, phone=None, email=None)
    sparse = replace(
        full,
        clinic=bare,
        appointment=SPARSE,
        recipient_name="",
        money=full.money and replace(full.money, paid=None, left=None, receipts=()),
    )
    longest = replace(
        full,
        appointment=replace(FULL, mode="online", ends_at=FULL.starts_at + OVERNIGHT),
        manage_url=None if is_notice else f"https://example.com/{'a' * 60}",
        can_reply=not is_notice,
        money=full.money and replace(full.money, is_correction=True),
    )
    return full, sparse, longest


def _money(kind: Kind) -> MoneyFacts | None:
    """Return made-up sums for what tells of money."""
    if kind not in OF_MONEY | {Kind.CONFIRMATION}:
        return None
    tells_balance = kind in {Kind.CONFIRMATION, Kind.PAYMENT_RECEIPT}
    return MoneyFacts(
        amount=None if kind is Kind.CONFIRMATION else Money(1500, "EUR"),
        paid=Money(1500, "EUR") if tells_balance else None,
        left=Money(3500, "EUR") if tells_balance else None,
        pay_until=FULL.booked_at + TIME_TO_PAY if kind in ASKING_FOR_MONEY else None,
        receipts=[ReceiptFacts(id=DocumentId(UUID(int=2)), number="2027-000042")],
        happened={Kind.DISPUTE_NOTICE: "open", Kind.MATTER_NOTICE: "refund_failed"}.get(kind),
    )
