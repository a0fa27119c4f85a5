"""Appointments as payments need them: booking's use cases, inside of payments' transaction."""

from dataclasses import dataclass
from datetime import datetime

from booking_system.booking.application.settle_payment import (
    ConfirmPaid,
    ExpireUnpaid,
    KeepForPayment,
    LockForPayment,
    NotePayment,
    OwedAppointment,
)
from booking_system.booking.domain.lifecycle import PaymentStatus
from booking_system.booking.domain.money_first import MoneyTerms as Agreed
from booking_system.payments.domain.owed import MoneyStatus, Owed, Standing
from booking_system.payments.domain.terms import MoneyTerms, Step
from booking_system.shared_kernel.errors import Refusal, Unavailable
from booking_system.shared_kernel.identifiers import AppointmentId

NOTHING_KEPT = MoneyTerms(no_show_percent_kept=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedAppointments:
    """Every call is a part of the whole that the caller has begun; a part that fails is undone."""

    locking: LockForPayment
    confirming: ConfirmPaid
    keeping: KeepForPayment
    expiring: ExpireUnpaid
    noting: NotePayment

    async def lock(self, appointment_id: AppointmentId) -> Owed | None:
        """Lock its slots, then itself."""
        owed = await self.locking(appointment_id=appointment_id)
        return None if owed is None else _owed(owed)

    async def confirm(self, appointment_id: AppointmentId, *, now: datetime) -> bool:  # noqa: ARG002
        """Confirm it, at the moment of booking's own clock."""
        try:
            await self.confirming(appointment_id=appointment_id)
        except Refusal as refusal:
            return _is_lost(refusal)
        return True

    async def expire(self, appointment_id: AppointmentId, *, now: datetime) -> None:  # noqa: ARG002
        """End it, also before its time is over: payments says so where that is lost."""
        await self.expiring.one(appointment_id, is_lost=True)

    async def keep(
        self,
        appointment_id: AppointmentId,
        *,
        until: datetime,
        now: datetime,  # noqa: ARG002
    ) -> bool:
        """Have its hold last longer, or make it anew."""
        try:
            await self.keeping(appointment_id=appointment_id, until=until)
        except Refusal as refusal:
            return _is_lost(refusal)
        return True

    async def set_payment_status(self, appointment_id: AppointmentId, status: MoneyStatus) -> None:
        """Note it in its row and its history."""
        await self.noting(appointment_id=appointment_id, status=PaymentStatus(status))


def _is_lost(refusal: Refusal) -> bool:
    """Return False: somebody else has the time. Raises what says nothing of that."""
    if isinstance(refusal, Unavailable):
        raise refusal
    return False


def _owed(found: OwedAppointment) -> Owed:
    booked, terms = found.appointment, found.terms
    return Owed(
        appointment_id=booked.id,
        clinic_id=booked.clinic_id,
        patient_id=booked.patient_id,
        service_id=booked.service_id,
        reference=booked.reference,
        status=Standing(booked.status),
        version=booked.version,
        starts_at=booked.period.starts_at,
        ends_at=booked.period.ends_at,
        created_at=booked.created_at,
        price=None if terms is None else booked.price,
        confirm_at=booked.due_first,
        pay_by=booked.pay_by,
        terms=NOTHING_KEPT if terms is None else _terms(terms),
        cancelled_by=booked.cancelled_by,
        cancelled_at=found.cancelled_at,
    )


def _terms(agreed: Agreed) -> MoneyTerms:
    """A cancellation in time costs nothing, a late one its share until the start."""
    late = agreed.late_cancel.total_seconds() // 60
    steps = [Step(until_minutes=0, percent_kept=agreed.late_cancel_percent)]
    if late:
        steps.insert(0, Step(until_minutes=int(late), percent_kept=0))
    return MoneyTerms(steps=tuple(steps), no_show_percent_kept=agreed.no_show_percent)
