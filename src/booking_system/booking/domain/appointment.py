"""An appointment: one patient's claim on one time slot, from booking to outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from booking_system.booking.domain.appointment_facts import AppointmentFacts
from booking_system.booking.domain.attempt import BookingAttempt, Override
from booking_system.booking.domain.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentRescheduled,
    PatientConfirmed,
    SlotInherited,
)
from booking_system.booking.domain.history import REVISING, Action, Entry
from booking_system.booking.domain.lifecycle import (
    COMING,
    ENDED,
    UNCONFIRMED,
    WAITING,
    AppointmentStatus,
    Mark,
    PaymentStatus,
)
from booking_system.booking.domain.money_first import pays_first
from booking_system.booking.domain.outcomes import OUTCOMES
from booking_system.booking.domain.party import SYSTEM, Party
from booking_system.booking.domain.refusals import (
    BookingNotActive,
    CancelTooLate,
    InvalidTransition,
)
from booking_system.booking.domain.span import Span
from booking_system.shared_kernel.identifiers import AppointmentId


@dataclass(eq=False, kw_only=True)
class Appointment(AppointmentFacts):
    """What is done to an appointment. Each change makes a version, an entry and mostly an event."""

    @classmethod
    def book(
        cls,
        attempt: BookingAttempt,
        *,
        identity: AppointmentId,
        reference: str,
        override: Override | None = None,
    ) -> Self:
        """Make the appointment of an attempt that has passed every rule but the overridden."""
        slot, span, patient = attempt.the_slot, attempt.the_span, attempt.patient
        agreed = attempt.agreement
        assert patient is not None, "the rules let no attempt without a patient pass"
        assert attempt.clinic is not None, "a slot always has a clinic"
        assert attempt.actor is not None, "the rules let nobody book who is not signed in"
        owed = agreed.price is not None and agreed.price.amount > 0 and agreed.is_paid_for
        first = pays_first(attempt, override) if owed else None
        appointment = cls(
            id=identity,
            reference=reference,
            status=AppointmentStatus.CONFIRMED if first is None else WAITING,
            payment_status=PaymentStatus.UNPAID if owed else PaymentStatus.NOT_REQUIRED,
            time_slot_ids=span.slot_ids,
            clinic_id=slot.clinic_id,
            doctor_id=slot.doctor_id,
            patient_id=patient.id,
            service_id=attempt.service_id,
            period=span.period,
            blocked=span.blocked,
            duration=agreed.duration,
            mode=slot.mode,
            reason=attempt.reason,
            price=agreed.price,
            cancel_notice=attempt.clinic.cancel_notice,
            booked_by=attempt.actor.user_id,
            override=override,
            overbooked=override is not None and override.overbooks,
            released_at=None if first is None else span.blocked.starts_at,
            pay_by=None if first is None else first.until,
            due_first=None if first is None else first.amount,
            created_at=attempt.now,
            updated_at=attempt.now,
        )
        told = {"occurred_at": attempt.now, "hold_id": attempt.kept_by} | appointment.as_told()
        appointment.record(AppointmentBooked(**told))
        return appointment

    def cancel(self, by: Party, *, reason: str | None, now: datetime) -> None:
        """Let go of the slot. Raises `BookingNotActive`, or `CancelTooLate` for the patient."""
        if self.status not in COMING:
            raise BookingNotActive
        if not self.may_be_cancelled(by.side, now=now):
            raise CancelTooLate
        self.status, self.previous_status = AppointmentStatus.CANCELLED, None
        self.cancelled_by, self.cancel_reason = by.side, reason
        self._changed(Action.CANCELLED, by, now, reason=reason)
        self.record(AppointmentCancelled(occurred_at=now, cancelled_by=by.side, **self.as_told()))

    def reschedule(
        self,
        span: Span,
        by: Party,
        *,
        reason: str | None,
        now: datetime,
        override: Override | None = None,
    ) -> None:
        """Go to other slots of the same clinic that have passed every rule but the overridden.

        What was agreed stays: reference, service, duration, price and notice. Raises as
        `check_reschedulable` does.
        """
        self.check_reschedulable(by.side, now=now)
        left, slot = self.place, span.slots[0]
        told: dict[str, Any] = {
            "left_time_slot_id": left.slot_id,
            "left_time_slot_ids": self.time_slot_ids,
            "left_doctor_id": self.doctor_id,
            "left_starts_at": left.starts_at,
        }
        self.time_slot_ids, self.doctor_id, self.mode = span.slot_ids, slot.doctor_id, slot.mode
        self.period, self.blocked = span.period, span.blocked
        self.override, self.patient_confirmed_at = override, None
        self.overbooked = override is not None and override.overbooks
        self._changed(Action.RESCHEDULED, by, now, reason=reason, left=left, entered=self.place)
        told |= {"occurred_at": now, "rescheduled_by": by.side} | self.as_told()
        self.record(AppointmentRescheduled(**told))

    def confirm(self, by: Party, *, now: datetime) -> None:
        """Note that the patient will come; again, it changes nothing. Raises `BookingNotActive`."""
        if self.status is not AppointmentStatus.CONFIRMED:
            raise BookingNotActive
        if self.patient_confirmed_at is None:
            self.patient_confirmed_at = now
            self._changed(Action.PATIENT_CONFIRMED, by, now)
            self.record(PatientConfirmed(occurred_at=now, **self.as_told()))

    def confirm_paid(self, *, now: datetime) -> None:
        """Have its time for its own, because what had to be paid first was. It waited, or expired.

        Raises `InvalidTransition`.
        """
        if self.status not in UNCONFIRMED:
            raise InvalidTransition
        self.status, self.released_at, self.pay_by = AppointmentStatus.CONFIRMED, None, None
        self._changed(Action.CONFIRMED, SYSTEM, now)
        self.record(AppointmentConfirmed(occurred_at=now, **self.as_told()))

    def wait_until(self, until: datetime, *, now: datetime) -> bool:
        """Have longer to be paid, because the money is on its way; say whether that is longer."""
        if self.pay_by is None or until <= self.pay_by:
            return False
        self.pay_by = until
        self._changed(Action.PAYMENT, SYSTEM, now)
        return True

    def expire(self, *, now: datetime) -> None:
        """Be over because nobody paid. Raises `InvalidTransition`."""
        if not self.is_waiting:
            raise InvalidTransition
        self.status, self.pay_by = AppointmentStatus.EXPIRED, None
        self._changed(Action.EXPIRED, SYSTEM, now)
        self.record(AppointmentExpired(occurred_at=now, **self.as_told()))

    def note_payment(self, status: PaymentStatus, *, now: datetime) -> None:
        """Show what became of its money by now."""
        self.payment_status = status
        self._changed(Action.PAYMENT, SYSTEM, now)

    def inherit_slot(self, change: Entry) -> None:
        """Share its time with nobody any more: by this change the other appointment has left it."""
        self.overbooked = False
        self._changed(Action.SLOT_INHERITED, change, change.occurred_at)
        self.record(SlotInherited(occurred_at=change.occurred_at, **self.as_told()))

    def mark(self, mark: Mark, by: Party, *, now: datetime) -> None:
        """Say how it goes. Raises `InvalidTransition` where that is not possible now."""
        standing = self._after(mark, now)
        if standing is None:
            raise InvalidTransition
        self.status, self.previous_status = standing.status, standing.previous
        is_early = standing.status in ENDED and now < self.period.ends_at
        self.released_at = now if is_early else None
        outcome = OUTCOMES[mark]
        self._changed(outcome.action, by, now)
        self.record(outcome.event(occurred_at=now, **self.as_told()))

    def _changed(self, action: Action, by: Party | Entry, now: datetime, **about: Any) -> None:
        self.version, self.updated_at = self.version + 1, now
        self.revision += action in REVISING
        self.last_change = Entry(
            version=self.version,
            action=action,
            occurred_at=now,
            side=by.side,
            user_id=by.user_id,
            **about,
        )
