"""What payments knows of an appointment: what it costs, where it stands, and on which terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking_system.booking.domain.party import Side
from booking_system.payments.domain.ledger import Line, charged, given_back, net
from booking_system.payments.domain.terms import MoneyTerms
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    PatientId,
    ServiceId,
)
from booking_system.shared_kernel.money import Money


class Standing(StrEnum):
    """Where an appointment stands, in booking's words."""

    PENDING_PAYMENT = "pending_payment"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TAKES_PLACE = frozenset(
    {Standing.PENDING_PAYMENT, Standing.CONFIRMED, Standing.CHECKED_IN, Standing.COMPLETED}
)
"""It took place or shall: its whole price is due."""
UNCONFIRMED = frozenset({Standing.PENDING_PAYMENT, Standing.EXPIRED})
"""Money confirms it, where its time is free."""


class MoneyStatus(StrEnum):
    """What became of the money of an appointment."""

    NOT_REQUIRED = "not_required"
    UNPAID = "unpaid"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


def asked_for(status: Standing, *, due: int, first: int | None, paid: int) -> int:
    """Return what the next payment is about: `first`, which confirms it, and then the rest.

    All in minor units; `due` is the price.
    """
    if status is Standing.PENDING_PAYMENT and first is not None:
        return max(0, first - paid)
    return max(0, due - paid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An appointment as it is under its lock. Instants in UTC.

    `price` None: nothing is paid for it through the program. `confirm_at` is the sum that confirms
    it, None where it needs none. `pay_by` is there while it waits for money only. `terms` are those
    of the day of booking.
    """

    appointment_id: AppointmentId
    clinic_id: ClinicId
    patient_id: PatientId
    service_id: ServiceId | None
    reference: str
    status: Standing
    version: int
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    price: Money | None
    confirm_at: Money | None
    pay_by: datetime | None
    terms: MoneyTerms
    cancelled_by: Side | None = None
    cancelled_at: datetime | None = None

    @property
    def due(self) -> int:
        """What it costs, in minor units."""
        return 0 if self.price is None else self.price.amount

    @property
    def takes_place(self) -> bool:
        """Say whether it took place or shall."""
        return self.status in TAKES_PLACE

    def is_confirmed_by(self, amount: int) -> bool:
        """Say whether so much money confirms what waits for some, or waited too long."""
        if self.status not in UNCONFIRMED:
            return False
        return amount >= (self.due if self.confirm_at is None else self.confirm_at.amount)

    def asks_for(self, paid: int) -> int:
        """Return what the next payment is about: what confirms it first, then the rest."""
        first = None if self.confirm_at is None else self.confirm_at.amount
        return asked_for(self.status, due=self.due, first=first, paid=paid)

    def most_kept(self) -> int:
        """Return how much of the patient's money it may keep, in minor units.

        What takes place keeps its price. What was cancelled by the clinic or the program, or ran
        out of time, keeps nothing; otherwise the terms of the day of booking say what.
        """
        if self.takes_place:
            return self.due
        if self.price is None or self.status is Standing.EXPIRED:
            return 0
        if self.status is Standing.NO_SHOW:
            return self.terms.fee_of_absence(self.price)
        if self.cancelled_by is not Side.PATIENT or self.cancelled_at is None:
            return 0
        return self.terms.fee_of_cancelling(
            self.price, starts_at=self.starts_at, cancelled_at=self.cancelled_at
        )

    def money_status(self, lines: Sequence[Line]) -> MoneyStatus:
        """Compute it from the ledger. The order of the questions decides."""
        if charged(lines) == 0:
            return MoneyStatus.UNPAID if self.due else MoneyStatus.NOT_REQUIRED
        left = net(lines)
        if self.takes_place:
            if left >= self.due:
                return MoneyStatus.PAID
            return MoneyStatus.PARTIALLY_PAID if left > 0 else MoneyStatus.REFUNDED
        if left <= 0:
            return MoneyStatus.REFUNDED
        if given_back(lines) > 0:
            return MoneyStatus.PARTIALLY_REFUNDED
        return MoneyStatus.PAID
