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
)
from booking_system.notifications.domain.message import Kind
from booking_system.shared_kernel.identifiers import AppointmentId

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
OVERNIGHT: Final = timedelta(hours=20)


def examples(clinic: ClinicFacts, kind: Kind, language: str) -> Sequence[AppointmentMessage]:
    """Return messages of a kind to readers of a language; the first is the one to show."""
    is_notice = kind is Kind.STAFF_NOTICE
    full = AppointmentMessage(
        kind=kind,
        clinic=clinic,
        appointment=FULL,
        recipient_name=clinic.name if is_notice else "Example Patient",
        recipient_email="patient@example.com",
        recipient_locale=language,
        sender_address="clinic@example.com",
        manage_url=None,
        told="moved" if is_notice else None,
    )
    bare = replace(clinic, address=None, phone=None, email=None)
    sparse = replace(full, clinic=bare, appointment=SPARSE, recipient_name="")
    longest = replace(
        full,
        appointment=replace(FULL, mode="online", ends_at=FULL.starts_at + OVERNIGHT),
        manage_url=None if is_notice else f"https://example.com/{'a' * 60}",
        can_reply=not is_notice,
    )
    return full, sparse, longest
