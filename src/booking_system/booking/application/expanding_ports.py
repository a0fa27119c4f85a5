"""What showing more than an appointment needs from the outside world, and what it is told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.payment_state import PaymentState
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.service import Service
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Clinic, doctor and service as they are today, also where one was removed since."""

    clinic: Clinic
    doctor: Doctor
    service: Service | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestPayment:
    """The payment that is under way, else the newest, as all who see the appointment may see it.

    `refunded` is in minor units. `checkout_url` and `expires_at` (UTC) are there while it can be
    paid.
    """

    id: UUID
    provider: str
    status: PaymentState
    amount: Money
    refunded: int
    checkout_url: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyAround:
    """What is to be paid now (None: nothing), until when (UTC; None: no limit), what was tried."""

    due_now: Money | None
    pay_until: datetime | None
    latest: LatestPayment | None


class AroundReader(Protocol):
    """Reads what is around an appointment."""

    async def around(self, appointment: Appointment) -> Around:
        """Return it."""
        ...


class MoneyReader(Protocol):
    """Reads how the money of an appointment stands: a port that payments fill."""

    async def __call__(self, appointment_id: AppointmentId, /) -> MoneyAround | None:
        """Return it; None where nothing is paid through this system."""
        ...


class NoMoney:
    """Stands where there are no payments."""

    async def __call__(self, _: AppointmentId, /) -> MoneyAround | None:
        """Return None, of each appointment."""
        return None
