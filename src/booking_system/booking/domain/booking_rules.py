"""The chains that every booking and every hold passes. To add a rule: write it, then list it."""

from booking_system.booking.domain.attempt import (
    BookingAttempt,
    BookingRule,
    MovingFacts,
    refusing,
)
from booking_system.booking.domain.double_booking import (
    patient_is_free,
    slot_is_not_booked,
    slot_is_not_held_by_another,
)
from booking_system.booking.domain.refusals import (
    BeyondHorizon,
    NoticeTooShort,
    PatientNotFound,
    ServiceNotOffered,
    ServiceRequired,
    TooManyHolds,
    TooManyOpenBookings,
)
from booking_system.booking.domain.span import Need
from booking_system.scheduling.domain.refusals import (
    SlotInPast,
    SlotNotFound,
    SlotUnavailable,
)
from booking_system.shared_kernel.errors import Invalid, NotPermitted, Refusal, Unauthenticated


@refusing(SlotNotFound)
def slot_exists(attempt: BookingAttempt) -> None:
    """There is such a slot."""
    _ = attempt.the_slot


@refusing(PatientNotFound)
def caller_may_book_for_the_patient(attempt: BookingAttempt) -> None:
    """Patients book for themselves, staff for any patient whom their clinic knows.

    Anybody else is told what they would be told of a patient who does not exist. Whoever moves an
    appointment is a party to it.
    """
    patient, actor = attempt.patient, attempt.actor
    if patient is None or actor is None:
        raise PatientNotFound
    if attempt.moves is not None or patient.id == actor.patient_id:
        return
    if not (attempt.is_by_staff and patient.is_known_here):
        raise PatientNotFound


@refusing(NotPermitted)
def only_staff_override(attempt: BookingAttempt) -> None:
    """Only the clinic's desk sets rules aside."""
    if attempt.override is not None and not attempt.is_by_staff:
        raise NotPermitted


@refusing(ServiceNotOffered, waivable=False)
def override_makes_no_service(attempt: BookingAttempt) -> None:
    """What is set aside is how a service is offered, not that the clinic has it.

    What is moved keeps one that the clinic has no longer.
    """
    is_new = attempt.service_id is not None and attempt.moves is None
    if attempt.override is not None and is_new and attempt.service is None:
        raise ServiceNotOffered


@refusing(NotPermitted)
def caller_may_hold(attempt: BookingAttempt) -> None:
    """Patients hold for themselves, staff for a patient or for whoever they talk to.

    A visitor who has not signed in may hold where the clinic's policy lets them.
    """
    if attempt.actor is None:
        is_welcome = attempt.clinic is not None and attempt.clinic.takes_anonymous_holds
        if attempt.wants_patient or not is_welcome:
            raise Unauthenticated
    elif attempt.wants_patient:
        caller_may_book_for_the_patient(attempt)
    elif not attempt.is_by_staff:
        raise NotPermitted


@refusing(Invalid, waivable=False)
def hold_is_of_the_slot(attempt: BookingAttempt) -> None:
    """The hold that is named, if any, is not one of another slot."""
    if attempt.holds_another_slot:
        raise Invalid.field("/hold_id", "is a hold of another time slot", "other_slot")


@refusing(SlotUnavailable)
def slot_is_available(attempt: BookingAttempt) -> None:
    """The slot is not closed, nor any other that is needed."""
    if any(slot.is_closed(attempt.now) for slot in attempt.the_span.slots):
        raise SlotUnavailable


@refusing(SlotInPast)
def slot_is_not_past(attempt: BookingAttempt) -> None:
    """The slot has not begun; staff may still book one that runs."""
    slot, now = attempt.the_slot, attempt.now
    if slot.is_over(now) or (slot.has_begun(now) and not attempt.is_by_staff):
        raise SlotInPast


@refusing(NoticeTooShort)
def notice_is_long_enough(attempt: BookingAttempt) -> None:
    """The clinic has the minutes of notice that its policy asks for.

    It needs none for a slot that has begun: only its own staff get as far as that. A hold had
    notice enough when it was made.
    """
    slot, clinic = attempt.the_slot, attempt.clinic
    if clinic is None or slot.has_begun(attempt.now) or attempt.own_hold is not None:
        return
    if slot.period.starts_at - attempt.now < clinic.minimum_notice:
        raise NoticeTooShort


@refusing(BeyondHorizon)
def slot_is_within_the_horizon(attempt: BookingAttempt) -> None:
    """The slot is not further away than the clinic takes bookings.

    An appointment that is further away already can be moved to any earlier time.
    """
    starts_at = attempt.the_slot.period.starts_at
    if attempt.clinic is None or attempt.own_hold is not None:
        return
    if attempt.moves is not None and starts_at <= attempt.moves.starts_at:
        return
    if starts_at - attempt.now > attempt.clinic.horizon:
        raise BeyondHorizon


@refusing(ServiceRequired)
def service_is_named(attempt: BookingAttempt) -> None:
    """Where the clinic offers services, one is named.

    What was agreed without a service, before there were any, needs none.
    """
    is_agreed = attempt.moves is not None or attempt.terms is not None
    if attempt.clinic is None or attempt.service_id is not None or is_agreed:
        return
    if attempt.clinic.offers_services:
        raise ServiceRequired


@refusing(ServiceNotOffered)
def service_is_offered(attempt: BookingAttempt) -> None:
    """The doctor offers the service in the slot's mode, and there is enough time in a row.

    A hold for the service, and an appointment that is moved, keep what was agreed, even where the
    clinic has changed about the service since.
    """
    if attempt.moves is not None:
        _check_move(attempt, attempt.moves)
    elif attempt.service_id is not None and attempt.terms is None:
        service = attempt.service
        if service is None or not service.is_live or not service.is_offered_by_doctor:
            raise ServiceNotOffered
        _check_need(attempt, service.need)


def _check_move(attempt: BookingAttempt, moves: MovingFacts) -> None:
    service, is_with_another = attempt.service, attempt.the_slot.doctor_id != moves.doctor_id
    is_offered = service is not None and service.is_offered_by_doctor
    if is_with_another and attempt.service_id is not None and not is_offered:
        raise ServiceNotOffered
    _check_need(attempt, moves.need)


def _check_need(attempt: BookingAttempt, need: Need) -> None:
    is_long_enough = need.duration <= attempt.the_span.period.length
    if need.mode is not attempt.the_slot.mode or not is_long_enough:
        raise ServiceNotOffered


@refusing(TooManyOpenBookings)
def open_bookings_are_few(attempt: BookingAttempt) -> None:
    """The patient has fewer open bookings in this clinic than its policy allows.

    A move adds none, and a hold for the patient was counted when it was made.
    """
    patient, clinic, hold = attempt.patient, attempt.clinic, attempt.own_hold
    if patient is None or clinic is None or attempt.moves is not None:
        return
    if hold is not None and hold.patient_id is not None:
        return
    if patient.open_bookings >= clinic.most_open_bookings:
        raise TooManyOpenBookings


@refusing(TooManyHolds)
def holds_are_few(attempt: BookingAttempt) -> None:
    """The caller holds fewer slots than anybody may at a time."""
    if attempt.holding is not None and attempt.holding.open_holds >= attempt.holding.most_holds:
        raise TooManyHolds


SLOT_RULES: tuple[BookingRule, ...] = (
    slot_is_available,
    slot_is_not_held_by_another,
    slot_is_not_booked,
    slot_is_not_past,
    notice_is_long_enough,
    slot_is_within_the_horizon,
)
SERVICE_RULES: tuple[BookingRule, ...] = (service_is_named, service_is_offered)
PATIENT_RULES: tuple[BookingRule, ...] = (open_bookings_are_few, patient_is_free)
"""What tells staff of other clinics comes last: who is told that they are free has booked them."""

BOOKING_RULES: tuple[BookingRule, ...] = (
    slot_exists,
    caller_may_book_for_the_patient,
    only_staff_override,
    override_makes_no_service,
    hold_is_of_the_slot,
    *SLOT_RULES,
    *SERVICE_RULES,
    *PATIENT_RULES,
)
"""The first refusal wins. They run inside the transaction, after the lock."""

MOVE_RULES: tuple[BookingRule, ...] = tuple(
    rule for rule in BOOKING_RULES if rule not in {service_is_named, open_bookings_are_few}
)
"""The same for a move, which adds no booking and keeps the service that was agreed, or none."""

HOLD_RULES: tuple[BookingRule, ...] = (
    slot_exists,
    caller_may_hold,
    *SLOT_RULES,
    service_is_offered,
    *PATIENT_RULES,
    holds_are_few,
)
"""The same for a hold, which need not say what for."""

EXPLAINED = tuple(rule.refusal.code for rule in (*SLOT_RULES, *SERVICE_RULES, *PATIENT_RULES))
"""The codes by which a slot is explained."""

OVERRIDABLE = tuple(
    rule.refusal.code
    for rule in (*SLOT_RULES, *SERVICE_RULES, *PATIENT_RULES)
    if rule is not service_is_named
)
"""What staff may set aside: there is no sense in a booking without a slot, or for nobody."""


def refusals_of(rules: tuple[BookingRule, ...]) -> list[type[Refusal]]:
    """Return how they say no, for whoever documents it."""
    return list(dict.fromkeys(rule.refusal for rule in rules))


REFUSALS_OF_THE_RULES = refusals_of(BOOKING_RULES)
REFUSALS_OF_MOVES = refusals_of(MOVE_RULES)
REFUSALS_OF_HOLDS = [*refusals_of(HOLD_RULES), PatientNotFound, Unauthenticated]
