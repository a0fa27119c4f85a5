"""Use cases: what money does to an appointment, or the want of it."""

from dataclasses import dataclass

from booking_system.booking.application.payment_ports import Overdue, PaymentTransaction
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.lifecycle import PaymentStatus
from booking_system.booking.domain.money_first import MoneyTerms
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId

AT_A_TIME = 100
"""So many unpaid appointments are let go between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAppointment:
    """An appointment that is locked, and on which terms it is paid for; None: not through us."""

    appointment: Appointment
    terms: MoneyTerms | None
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockForPayment:
    """Has nobody else change the appointment or its slots until the caller's transaction ends."""

    transaction: PaymentTransaction

    async def __call__(self, *, appointment_id: AppointmentId) -> OwedAppointment | None:
        """Return it as it is; None where there is none. To be called inside a whole."""
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            if card is None:
                return None
            terms = await work.terms(appointment_id)
        return OwedAppointment(appointment=card.appointment, terms=terms, time_zone=card.time_zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPaid:
    """Gives an appointment that waited for money, or expired, its time, if that can be had."""

    transaction: PaymentTransaction
    clock: Clock

    async def __call__(
        self, *, appointment_id: AppointmentId, status: PaymentStatus
    ) -> Appointment:
        """Return the confirmed appointment.

        Raises `AppointmentNotFound`, `InvalidTransition`, or, where its time is lost,
        `SlotUnavailable`, `SlotAlreadyBooked`, `SlotHeld`, `SlotInPast`, `PatientOverlap`; then
        nothing changed.
        """
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            if card is None:
                raise AppointmentNotFound
            booked = card.appointment
            was_due = booked.pay_by
            booked.payment_status = status
            booked.confirm_paid(now=self.clock.now())
            await work.confirm(booked, was_due=was_due)
        return booked


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePayment:
    """Shows what became of an appointment's money."""

    transaction: PaymentTransaction
    clock: Clock

    async def __call__(self, *, appointment_id: AppointmentId, status: PaymentStatus) -> None:
        """Change nothing where it is shown already. Raises `AppointmentNotFound`."""
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            if card is None:
                raise AppointmentNotFound
            if card.appointment.payment_status is not status:
                card.appointment.note_payment(status, now=self.clock.now())
                await work.note(card.appointment)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireUnpaid:
    """Ends what was not paid in time: each in a transaction of its own, in the order of all locks.

    Nobody is kept waiting by what it has not come to yet: the time of an overdue appointment is
    free for everybody who looks.
    """

    transaction: PaymentTransaction
    overdue: Overdue
    clock: Clock

    async def __call__(self) -> int:
        """Return how many were ended."""
        ended = 0
        for appointment_id in await self.overdue(now=self.clock.now(), most=AT_A_TIME):
            ended += await self._expire(appointment_id)
        return ended

    async def _expire(self, appointment_id: AppointmentId) -> bool:
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            now = self.clock.now()
            booked = None if card is None else card.appointment
            if booked is None or booked.pay_by is None or now < booked.pay_by:
                return False
            booked.expire(now=now)
            await work.expire(booked)
        return True
