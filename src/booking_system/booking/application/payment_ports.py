"""What money needs of booking: a locked appointment, and what may be done to it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.money_first import MoneyTerms
from booking_system.shared_kernel.identifiers import AppointmentId


class PaymentWork(Protocol):
    """What one transaction about an appointment's money can reach."""

    async def lock(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        """Lock its slots, and those around it, then the appointment; None where there is none."""
        ...

    async def terms(self, appointment_id: AppointmentId) -> MoneyTerms | None:
        """Return the clinic's terms of the day of booking; None: not paid for through us."""
        ...

    async def confirm_paid(self, appointment: Appointment, *, was_due: datetime | None) -> None:
        """Store that a locked appointment was paid, and own the slots that were kept for it.

        Where they are not kept any more, from `was_due` on or because it had expired (None), they
        have to be free. Raises `SlotUnavailable`, `SlotAlreadyBooked`, `SlotHeld`, `SlotInPast` or
        `PatientOverlap`.
        """
        ...

    async def keep(self, appointment: Appointment, *, until: datetime, now: datetime) -> None:
        """Have a hold keep its time until then, where it does still, or where the time is free.

        Raises `SlotUnavailable`, `SlotAlreadyBooked`, `SlotHeld` or `SlotInPast`.
        """
        ...

    async def expire(self, appointment: Appointment) -> None:
        """Store that a locked appointment was not paid, and open the slots kept for it."""
        ...

    async def cancelled_at(self, appointment_id: AppointmentId) -> datetime | None:
        """Return when it was cancelled (UTC); None: it was not."""
        ...

    async def note(self, appointment: Appointment) -> None:
        """Store what became of a locked appointment's money."""
        ...


PaymentTransaction = Callable[[], AbstractAsyncContextManager[PaymentWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""


class Overdue(Protocol):
    """Finds what was not paid in time."""

    async def __call__(self, *, now: datetime, most: int) -> Sequence[AppointmentId]:
        """Return appointments that had to be paid by `now` and wait still, the oldest first."""
        ...
