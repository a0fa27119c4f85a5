"""The chain that every booking passes, in order. To add a rule: write it, then list it."""

from booking_system.booking.domain.attempt import BookingAttempt, BookingRule
from booking_system.booking.domain.double_booking import patient_is_free, slot_is_not_booked
from booking_system.booking.domain.refusals import (
    BeyondHorizon,
    NoticeTooShort,
    PatientNotFound,
    PatientOverlap,
    ServiceNotOffered,
    ServiceRequired,
    TooManyOpenBookings,
)
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotInPast,
    SlotNotFound,
    SlotUnavailable,
)
from booking_system.shared_kernel.errors import Refusal


def slot_exists(attempt: BookingAttempt) -> None:
    """There is such a slot."""
    _ = attempt.the_slot


def caller_may_book_for_the_patient(attempt: BookingAttempt) -> None:
    """Patients book for themselves, staff for any patient whom their clinic knows.

    Anybody else is told what they would be told of a patient who does not exist. Whoever moves an
    appointment is a party to it.
    """
    patient, actor = attempt.patient, attempt.actor
    if patient is None:
        raise PatientNotFound
    if attempt.moves is not None or patient.id == actor.patient_id:
        return
    if not (actor.works_at(attempt.the_slot.clinic_id) and patient.is_known_here):
        raise PatientNotFound


def slot_is_available(attempt: BookingAttempt) -> None:
    """The slot is not closed."""
    if attempt.the_slot.closed_because is not None:
        raise SlotUnavailable


def slot_is_not_past(attempt: BookingAttempt) -> None:
    """The slot has not begun."""
    if attempt.the_slot.has_begun(attempt.now):
        raise SlotInPast


def notice_is_long_enough(attempt: BookingAttempt) -> None:
    """The clinic has the minutes of notice that its policy asks for."""
    notice = attempt.the_slot.period.starts_at - attempt.now
    if attempt.clinic is not None and notice < attempt.clinic.minimum_notice:
        raise NoticeTooShort


def slot_is_within_the_horizon(attempt: BookingAttempt) -> None:
    """The slot is not further away than the clinic takes bookings."""
    ahead = attempt.the_slot.period.starts_at - attempt.now
    if attempt.clinic is not None and ahead > attempt.clinic.horizon:
        raise BeyondHorizon


def service_is_named(attempt: BookingAttempt) -> None:
    """Where the clinic offers services, one is named."""
    if attempt.clinic is not None and attempt.clinic.offers_services and not attempt.service_id:
        raise ServiceRequired


def service_is_offered(attempt: BookingAttempt) -> None:
    """The doctor offers the service, and the slot is long enough for it."""
    if attempt.service_id is None:
        return
    service = attempt.service
    if service is None or not service.is_offered_by_doctor:
        raise ServiceNotOffered
    if service.duration > attempt.the_slot.period.length:
        raise ServiceNotOffered


def open_bookings_are_few(attempt: BookingAttempt) -> None:
    """The patient has fewer open bookings in this clinic than its policy allows."""
    patient, clinic = attempt.patient, attempt.clinic
    if patient is None or clinic is None:
        return
    if patient.open_bookings >= clinic.most_open_bookings:
        raise TooManyOpenBookings


BOOKING_RULES: tuple[BookingRule, ...] = (
    slot_exists,
    caller_may_book_for_the_patient,
    slot_is_available,
    slot_is_not_booked,
    slot_is_not_past,
    notice_is_long_enough,
    slot_is_within_the_horizon,
    service_is_named,
    service_is_offered,
    patient_is_free,
    open_bookings_are_few,
)
"""The first refusal wins. They run inside the transaction, after the lock."""

REFUSALS_OF_THE_RULES: tuple[type[Refusal], ...] = (
    SlotNotFound,
    PatientNotFound,
    SlotUnavailable,
    SlotAlreadyBooked,
    PatientOverlap,
    SlotInPast,
    NoticeTooShort,
    BeyondHorizon,
    ServiceRequired,
    ServiceNotOffered,
    TooManyOpenBookings,
)
"""How they say no, for whoever documents it."""
