"""A booking attempt: all the facts that a rule may look at, read inside one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking_system.booking.domain.span import Need, Span
from booking_system.directory.domain.service import PaymentTerms
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.hold import Hold, HoldTerms
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked, SlotNotFound
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    HoldId,
    PatientId,
    ServiceId,
)
from booking_system.shared_kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicFacts:
    """The clinic, how it is reached, and the numbers of its policy."""

    name: str
    time_zone: str
    minimum_notice: timedelta
    cancel_notice: timedelta
    horizon: timedelta
    most_open_bookings: int
    offers_services: bool
    hold_length: timedelta
    payment_window: timedelta
    takes_anonymous_holds: bool
    phone: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFacts:
    """The doctor, as the appointment shows one."""

    full_name: str
    title: str | None
    specialty: str | None
    photo_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """The patient, and what else they have booked.

    Of patients who book for themselves `is_known_here` says that the clinic has met them once: no
    rule asks more of them.
    """

    id: PatientId
    full_name: str
    is_known_here: bool
    is_busy: bool
    open_bookings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """The service that was asked for, as the clinic has it today.

    One without `is_live` was deleted: only what was agreed before is booked or moved with it.
    """

    id: ServiceId
    name: str
    need: Need
    price: Money | None
    payment: PaymentTerms
    is_offered_by_doctor: bool
    is_live: bool = True
    deposit: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingFacts:
    """The appointment that is to go elsewhere, as far as rules ask for it.

    `need` is what was agreed when it was booked, even where the service has changed since.
    """

    id: AppointmentId
    doctor_id: DoctorId
    starts_at: datetime
    need: Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The codes of refusals that staff set aside on purpose, and why."""

    codes: frozenset[str]
    reason: str

    @property
    def overbooks(self) -> bool:
        """Say whether another appointment has some of the time already."""
        return SlotAlreadyBooked.code in self.codes


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFacts:
    """What counts for whoever wants to hold a slot: how many they hold, and may hold."""

    open_holds: int
    most_holds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingAttempt:
    """Somebody tries to book, or to hold, a slot for a patient at one instant.

    Everything is None that does not exist; rules that come after `slot_exists` use `the_slot`.
    Where an appointment is moved, `moves` says which: the actor is a party to it already, and what
    else the patient has booked is counted without it. `hold_id` is the hold that they say they
    have, `shown_hold` the one whose token they showed; `holds_another_slot` says that this hold is
    on another slot. Nobody needs to be signed in to hold, and
    none of staff who hold `wants_patient` before they know for whom. `span` is None where only the
    slot is taken; the doctor `is_clear` where no other appointment, nor what is kept free around
    it, meets the time that the booking needs.
    """

    now: datetime
    actor: Actor | None
    slot: TimeSlot | None
    span: Span | None = None
    is_clear: bool = True
    clinic: ClinicFacts | None = None
    doctor: DoctorFacts | None = None
    patient: PatientFacts | None = None
    service_id: ServiceId | None = None
    service: ServiceFacts | None = None
    reason: str | None = None
    moves: MovingFacts | None = None
    holds_another_slot: bool = False
    hold_id: HoldId | None = None
    shown_hold: HoldId | None = None
    override: Override | None = None
    holding: HoldFacts | None = None
    wants_patient: bool = True

    @property
    def kept_by(self) -> HoldId | None:
        """The hold that keeps the slot, if any: a booking ends it."""
        hold = self.the_slot.hold_in_force(self.now)
        return None if hold is None else hold.id

    @property
    def the_slot(self) -> TimeSlot:
        """The slot. Raises `SlotNotFound`."""
        if self.slot is None:
            raise SlotNotFound
        return self.slot

    @property
    def the_span(self) -> Span:
        """All that the booking takes. Raises `SlotNotFound`."""
        return Span(slots=(self.the_slot,)) if self.span is None else self.span

    @property
    def is_by_staff(self) -> bool:
        """Say whether the clinic's desk does it."""
        return self.actor is not None and self.actor.works_at(self.the_slot.clinic_id)

    @property
    def own_hold(self) -> Hold | None:
        """The hold in force by which the slot is kept for them; None where there is none."""
        hold = self.the_slot.hold_in_force(self.now)
        return hold if hold is not None and self.owns(hold) else None

    @property
    def terms(self) -> HoldTerms | None:
        """What was agreed with their hold of this very span and service; None: nothing."""
        hold, span = self.own_hold, self.the_span
        if hold is None or hold.terms is None or hold.terms.service_id != self.service_id:
            return None
        is_kept = span.is_one_slot if hold.blocks is None else hold.blocks == span.blocked
        return hold.terms if is_kept else None

    @property
    def agreement(self) -> HoldTerms:
        """What a booking agrees on: what their hold of it did, or what the clinic offers today."""
        service = self.service
        return self.terms or HoldTerms(
            service_id=self.service_id,
            duration=self.the_slot.period.length if service is None else service.need.duration,
            price=None if service is None else service.price,
            payment=PaymentTerms.NONE if service is None else service.payment,
            deposit=None if service is None else service.deposit,
        )

    @property
    def says_hold_is_over(self) -> bool:
        """Say whether they name a hold that does not keep the slot for them any more."""
        if self.hold_id is None:
            return False
        hold = self.own_hold
        return hold is None or hold.id != self.hold_id

    def owns(self, hold: Hold) -> bool:
        """Say whether the hold is theirs."""
        patient_id = None if self.patient is None else self.patient.id
        return is_owner(
            hold,
            actor=self.actor,
            clinic_id=self.the_slot.clinic_id,
            patient_id=patient_id,
            shown_hold=self.shown_hold,
        )


def is_owner(
    hold: Hold,
    *,
    actor: Actor | None,
    clinic_id: ClinicId,
    patient_id: PatientId | None,
    shown_hold: HoldId | None,
) -> bool:
    """Say whether somebody may book with the hold of a slot of this clinic.

    One for a patient is good for that patient only, whichever member of staff made it. One
    for nobody yet is good for the member of staff who made it, and for a visitor who shows its
    token.
    """
    if hold.patient_id is not None:
        return patient_id == hold.patient_id
    return made_at_desk_by(actor, hold, clinic_id) or hold.id == shown_hold


def made_at_desk_by(actor: Actor | None, hold: Hold, clinic_id: ClinicId) -> bool:
    """Say whether they made the hold as the clinic's desk, and still are: who left has none."""
    return actor is not None and actor.user_id == hold.user_id and actor.works_at(clinic_id)


@dataclass(frozen=True, slots=True)
class BookingRule:
    """One rule: called with an attempt, it returns to let it pass, or raises its `refusal`.

    One that is not `waivable` no override sets aside, whatever codes it names.
    """

    judge: Callable[[BookingAttempt], None]
    refusal: type[Refusal]
    waivable: bool = True

    def __call__(self, attempt: BookingAttempt) -> None:
        """Raise the refusal to turn the attempt away."""
        self.judge(attempt)

    @property
    def says(self) -> str:
        """What holds where the rule lets somebody pass, in a sentence."""
        return (self.judge.__doc__ or "").strip().splitlines()[0]


def refusing(
    refusal: type[Refusal], *, waivable: bool = True
) -> Callable[[Callable[[BookingAttempt], None]], BookingRule]:
    """Make a rule of a function whose first line of documentation is the sentence that holds."""
    return lambda judge: BookingRule(judge, refusal, waivable)


def judged(attempt: BookingAttempt, rules: Sequence[BookingRule]) -> Override | None:
    """Ask one rule after the other; return what of the override was needed, None: nothing.

    Raises the refusal of the first rule that says no and is not set aside.
    """
    override, waived = attempt.override, []
    for rule in rules:
        try:
            rule(attempt)
        except Refusal as refusal:
            is_waived = override is not None and refusal.code in override.codes
            if not (is_waived and rule.waivable):
                raise
            waived.append(refusal.code)
    if override is None or not waived:
        return None
    return replace(override, codes=frozenset(waived))
