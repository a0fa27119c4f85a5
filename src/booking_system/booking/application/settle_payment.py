"""Use cases: what money does to an appointment, or the want of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_system.booking.application.payment_ports import Overdue, PaymentTransaction
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.lifecycle import UNCONFIRMED, AppointmentStatus, PaymentStatus
from booking_system.booking.domain.money_first import MoneyTerms
from booking_system.booking.domain.refusals import AppointmentNotFound, BookingNotActive
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId

LEFT_ALONE = timedelta(minutes=5)
AT_A_TIME = 100
"""So many unpaid appointments are let go between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAppointment:
    """An appointment that is locked, and on which terms it is paid for; None: not through us.

    `cancelled_at` in UTC.
    """

    appointment: Appointment
    terms: MoneyTerms | None
    cancelled_at: datetime | None


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
            booked, cancelled_at = card.appointment, None
            terms = await work.terms(appointment_id)
            if booked.status is AppointmentStatus.CANCELLED:
                cancelled_at = await work.cancelled_at(appointment_id)
        return OwedAppointment(appointment=booked, terms=terms, cancelled_at=cancelled_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPaid:
    """Gives an appointment that waited for money, or expired, its time, if that can be had."""

    transaction: PaymentTransaction
    clock: Clock

    async def __call__(
        self, *, appointment_id: AppointmentId, status: PaymentStatus | None = None
    ) -> Appointment:
        """Return the confirmed appointment, which shows that status of its money from now on.

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
            booked.payment_status = status or booked.payment_status
            booked.confirm_paid(now=self.clock.now())
            await work.confirm_paid(booked, was_due=was_due)
        return booked


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepForPayment:
    """Keeps the time of an appointment whose money is on its way."""

    transaction: PaymentTransaction
    clock: Clock

    async def __call__(self, *, appointment_id: AppointmentId, until: datetime) -> None:
        """Of what is confirmed nothing changes.

        Raises `AppointmentNotFound`, `BookingNotActive` for what is not to take place, or, where
        its time is lost, `SlotUnavailable`, `SlotAlreadyBooked`, `SlotHeld`, `SlotInPast`.
        """
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            if card is None:
                raise AppointmentNotFound
            booked = card.appointment
            if booked.status in UNCONFIRMED:
                await work.keep(booked, until=until, now=self.clock.now())
            elif not booked.is_active:
                raise BookingNotActive


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
    free for everybody who looks. So callers who ask providers first have a while before it.
    """

    transaction: PaymentTransaction
    overdue: Overdue
    clock: Clock

    async def __call__(self) -> int:
        """Return how many were ended."""
        ended = 0
        since = self.clock.now() - LEFT_ALONE
        for appointment_id in await self.overdue(now=since, most=AT_A_TIME):
            ended += await self.one(appointment_id)
        return ended

    async def one(self, appointment_id: AppointmentId, *, is_lost: bool = False) -> bool:
        """End it, if it is overdue, or its time `is_lost` before that; say whether it was."""
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            now = self.clock.now()
            booked = None if card is None else card.appointment
            if booked is None or booked.pay_by is None:
                return False
            if now < booked.pay_by and not is_lost:
                return False
            booked.expire(now=now)
            await work.expire(booked)
        return True
