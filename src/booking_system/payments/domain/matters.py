"""Matters that people have to look at: what does not fit, and what the program cannot give back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking_system.payments.domain.attempt import PaymentId
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId
from booking_system.shared_kernel.money import Money


class MatterKind(StrEnum):
    """What is the matter."""

    ACCOUNT = "account"
    MODE = "mode"
    CURRENCY = "currency"
    AMOUNT = "amount"
    REFERENCE = "reference"
    REFUND_FAILED = "refund_failed"
    """A refund that the provider did not carry out, or that came back."""
    REFUND_BY_HAND = "refund_by_hand"
    """Money is owed that no provider can give back: paid at the desk, or locked by a complaint."""
    NO_ACCOUNT = "no_account"
    """Its account is set up here no more, so nobody can ask what came of it, or had come."""


MISFITS = frozenset(
    {
        MatterKind.ACCOUNT,
        MatterKind.MODE,
        MatterKind.CURRENCY,
        MatterKind.AMOUNT,
        MatterKind.REFERENCE,
    }
)
"""The provider told something of an attempt that does not fit its row; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One is open once for its payment, kind and what it is `about`.

    `about` is the reference or the refund in question; `money` what is at stake.
    """

    kind: MatterKind
    clinic_id: ClinicId
    appointment_id: AppointmentId
    payment_id: PaymentId
    about: str
    money: Money
    found_at: datetime
