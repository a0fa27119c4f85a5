"""An appointment: one patient's claim on one time slot, from booking to outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from booking_system.booking.domain.attempt import BookingAttempt, Override
from booking_system.booking.domain.events import (
    TOLD,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    PatientConfirmed,
    SlotInherited,
)
from booking_system.booking.domain.history import REVISING, Action, Entry, SlotTime
from booking_system.booking.domain.lifecycle import (
    ENDED,
    OPEN,
    AppointmentStatus,
    Mark,
    PaymentStatus,
    Standing,
)
from booking_system.booking.domain.outcomes import OUTCOMES
from booking_system.booking.domain.party import Party, Side
from booking_system.booking.domain.refusals import (
    BookingNotActive,
    CancelTooLate,
    InvalidTransition,
    PatientOverlap,
)
from booking_system.booking.domain.span import Need, Span
from booking_system.shared_kernel.aggregate import Aggregate
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    PatientId,
    ServiceId,
    SlotId,
    UserId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period


@dataclass(eq=False, kw_only=True)
class Appointment(Aggregate):
    """Instants in UTC; the price and the notice to cancel are those of the day of booking.

    `previous_status` is what undoing the last mark goes back to, `last_change` what was done to it
    since it was read. `override` names the rules that staff set aside for it; one that is
    `overbooked` shares some of its time with another one. `time_slot_ids` are all its slots in time
    order, the first is `time_slot_id`; `blocked` is when the doctor has no other appointment: its
    period and what is kept free around it. `duration` is what was agreed, the period what slots
    made of it. From `released_at` on its time is free again; at `patient_confirmed_at` the patient
    said they would come. `revision` counts the changes that are `REVISING`, `version` all.
    """

    id: AppointmentId
    reference: str
    status: AppointmentStatus
    payment_status: PaymentStatus
    time_slot_ids: tuple[SlotId, ...]
    clinic_id: ClinicId
    doctor_id: DoctorId
    patient_id: PatientId
    service_id: ServiceId | None
    period: Period
    blocked: Period
    duration: timedelta
    mode: Mode
    reason: str | None
    price: Money | None
    cancel_notice: timedelta
    booked_by: UserId
    previous_status: AppointmentStatus | None = None
    cancelled_by: Side | None = None
    cancel_reason: str | None = None
    override: Override | None = None
    overbooked: bool = False
    released_at: datetime | None = None
    patient_confirmed_at: datetime | None = None
    version: int = 1
    revision: int = 1
    created_at: datetime
    updated_at: datetime
    last_change: Entry | None = None

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
        appointment = cls(
            id=identity,
            reference=reference,
            status=AppointmentStatus.CONFIRMED,
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
            created_at=attempt.now,
            updated_at=attempt.now,
        )
        told = {"occurred_at": attempt.now, "hold_id": attempt.kept_by} | appointment.as_told()
        appointment.record(AppointmentBooked(**told))
        return appointment

    @property
    def time_slot_id(self) -> SlotId:
        """Its first slot."""
        return self.time_slot_ids[0]

    @property
    def reaches_further(self) -> bool:
        """Say whether it claims time outside of its slots: around them, or in gaps between them."""
        return self.blocked != self.period or len(self.time_slot_ids) > 1

    @property
    def need(self) -> Need:
        """What was agreed, which a move keeps."""
        return Need(
            duration=self.duration,
            before=self.period.starts_at - self.blocked.starts_at,
            after=self.blocked.ends_at - self.period.ends_at,
            mode=self.mode,
        )

    @property
    def is_active(self) -> bool:
        """Say whether it still claims its slot."""
        return self.status is not AppointmentStatus.CANCELLED

    @property
    def place(self) -> SlotTime:
        """Where it is in the calendar."""
        return SlotTime(slot_id=self.time_slot_id, starts_at=self.period.starts_at)

    @property
    def cancel_until(self) -> datetime:
        """The last instant at which the patient may cancel."""
        return self.period.starts_at - self.cancel_notice

    @property
    def reschedule_until(self) -> datetime:
        """The same instant: from then on the patient may not move it either."""
        return self.cancel_until

    @property
    def patient_doubled(self) -> bool:
        """Say whether the patient has another appointment at that time, on purpose."""
        return self.override is not None and PatientOverlap.code in self.override.codes

    def as_told(self) -> dict[str, Any]:
        """Return what every event says of it: ids, numbers, status and times (UTC)."""
        told = {"appointment_id": self.id, **{one: getattr(self, one) for one in TOLD}}
        return told | {"starts_at": self.period.starts_at, "ends_at": self.period.ends_at}

    def allowed_actions(self, side: Side, *, now: datetime) -> list[str]:
        """Name what somebody on this side could do now."""
        allowed = []
        if self.may_be_cancelled(side, now=now):
            allowed.append("cancel")
        if self.may_be_rescheduled(side, now=now):
            allowed.append("reschedule")
        if side is Side.CLINIC:
            allowed += [mark.value for mark in Mark if self._after(mark, now) is not None]
        return allowed

    def may_be_cancelled(self, by: Side, *, now: datetime) -> bool:
        """The clinic may until it is over; the patient until the notice begins or they are there.

        A patient who is checked in has to talk to the clinic. No notice binds the system.
        """
        if by is not Side.PATIENT:
            return self.status in OPEN
        return self.status is AppointmentStatus.CONFIRMED and now <= self.cancel_until

    def cancel(self, by: Party, *, reason: str | None, now: datetime) -> None:
        """Let go of the slot. Raises `BookingNotActive`, or `CancelTooLate` for the patient."""
        if self.status not in OPEN:
            raise BookingNotActive
        if not self.may_be_cancelled(by.side, now=now):
            raise CancelTooLate
        self.status, self.previous_status = AppointmentStatus.CANCELLED, None
        self.cancelled_by, self.cancel_reason = by.side, reason
        self._changed(Action.CANCELLED, by, now, reason=reason)
        self.record(AppointmentCancelled(occurred_at=now, cancelled_by=by.side, **self.as_told()))

    def may_be_rescheduled(self, by: Side, *, now: datetime) -> bool:
        """While it is confirmed: the clinic at any time, the patient until the notice begins."""
        if self.status is not AppointmentStatus.CONFIRMED:
            return False
        return by is not Side.PATIENT or now <= self.reschedule_until

    def check_reschedulable(self, by: Side, *, now: datetime) -> None:
        """Raise `BookingNotActive`, or `CancelTooLate` for the patient."""
        if self.status is not AppointmentStatus.CONFIRMED:
            raise BookingNotActive
        if not self.may_be_rescheduled(by, now=now):
            raise CancelTooLate

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

    def _after(self, mark: Mark, now: datetime) -> Standing | None:
        standing = Standing(self.status, self.previous_status)
        return standing.after(mark, starts_at=self.period.starts_at, now=now)

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
