"""What is known of an appointment, and the questions that can be asked of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from booking_system.booking.domain.attempt import Override
from booking_system.booking.domain.events import TOLD
from booking_system.booking.domain.history import Entry, SlotTime
from booking_system.booking.domain.lifecycle import (
    COMING,
    PAYABLE,
    WAITING,
    AppointmentStatus,
    Mark,
    PaymentStatus,
    Standing,
)
from booking_system.booking.domain.party import Side
from booking_system.booking.domain.refusals import BookingNotActive, CancelTooLate, PatientOverlap
from booking_system.booking.domain.span import Need
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

NOT_REQUIRED = PaymentStatus.NOT_REQUIRED


@dataclass(eq=False, kw_only=True)
class AppointmentFacts(Aggregate):
    """Instants in UTC; the price and the notice to cancel are those of the day of booking.

    `previous_status` is what undoing the last mark goes back to, `last_change` what was done to it
    since it was read. `override` names the rules that staff set aside for it; a booking that is
    `overbooked` shares some of its time with another appointment. `time_slot_ids` are all its slots
    in time order, the first is `time_slot_id`; `blocked` is when the doctor has no other
    appointment: its period and what is kept free around it. `duration` is what was agreed, the
    period what slots made of it. From `released_at` on its time is free again; at
    `patient_confirmed_at` the patient said they would come. `revision` counts the changes that are
    `REVISING`, `version` all.

    While it waits for `due_first` to be paid, until `pay_by`, its time is not its own: a hold keeps
    it, as long as that is in force by the clock of the reader.
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
    pay_by: datetime | None = None
    due_first: Money | None = None
    version: int = 1
    revision: int = 1
    created_at: datetime
    updated_at: datetime
    last_change: Entry | None = None

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
        """Say whether it was neither cancelled nor left unpaid."""
        return self.status not in {AppointmentStatus.CANCELLED, AppointmentStatus.EXPIRED}

    @property
    def is_waiting(self) -> bool:
        """Say whether it waits for money."""
        return self.status is WAITING

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
        # By identity: this is asked of each row of a list, and a set asks an enum for its hash.
        if self.payment_status is not NOT_REQUIRED and self.may_be_paid(now=now):
            allowed.append("pay")
        if side is Side.CLINIC:
            allowed += [mark.value for mark in Mark if self._after(mark, now) is not None]
        return allowed

    def may_be_cancelled(self, by: Side, *, now: datetime) -> bool:
        """The clinic may until it is over; the patient until the notice begins or they are there.

        A patient who is checked in has to talk to the clinic. No notice binds the system, nor a
        patient who has not paid yet.
        """
        if by is not Side.PATIENT or self.status is WAITING:
            return self.status in COMING
        return self.status is AppointmentStatus.CONFIRMED and now <= self.cancel_until

    def may_be_paid(self, *, now: datetime) -> bool:
        """Something is owed, it is neither over nor cancelled, and not too late to begin."""
        if self.payment_status not in PAYABLE or self.status not in COMING:
            return False
        return now < (self.period.ends_at if self.pay_by is None else self.pay_by)

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

    def _after(self, mark: Mark, now: datetime) -> Standing | None:
        standing = Standing(self.status, self.previous_status)
        return standing.after(mark, starts_at=self.period.starts_at, now=now)
