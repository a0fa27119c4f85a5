"""How booking says no, beyond what scheduling says of the slot itself."""

from booking_system.shared_kernel.errors import Conflict, NotFound, RuleViolation


class AppointmentNotFound(NotFound):
    """There is no such booking, or not for you."""


class PatientNotFound(NotFound):
    """There is no such patient, or not for you."""


class PatientOverlap(Conflict):
    """The patient has another appointment at that time.

    Nobody can be in two places. The answer says nothing about the other appointment;
    `alternatives` names free slots of the same doctor or clinic.
    """

    code = "patient_overlap"


class BookingNotActive(Conflict):
    """This booking can no longer be changed like that.

    It is cancelled or over, or it is not confirmed any more. Read the booking again: `status` and
    `allowed_actions` say what can still be done with it.
    """

    code = "booking_not_active"


class InvalidTransition(Conflict):
    """The booking cannot be marked like that now.

    Its `status` does not lead there, or it is too early: nobody is checked in more than 24 hours
    before the start, and only what has begun is a no-show, or complete without a check-in. A
    cancellation is not undone. Read the booking again: `allowed_actions` says what is possible.
    """

    code = "invalid_transition"


class HoldNotFound(NotFound):
    """There is no such hold, or not for you, or it is over."""


class TooManyHolds(Conflict):
    """As many time slots as possible are held already: book one or let one go.

    A patient holds three at a time for themselves, a member of staff ten for whomever, and visitors
    who have not signed in ten from one network address. A hold ends by itself at its `expires_at`.
    """

    code = "too_many_holds"


class NoticeTooShort(RuleViolation):
    """The clinic wants to be told earlier.

    The slot begins sooner than the clinic's `policy.min_notice_minutes` from now. Offer a later
    one.
    """

    code = "notice_too_short"


class BeyondHorizon(RuleViolation):
    """The clinic does not take bookings that far ahead.

    The slot begins later than the clinic's `policy.horizon_days` from now. Offer an earlier
    one.
    """

    code = "beyond_horizon"


class TooManyOpenBookings(RuleViolation):
    """The patient has as many open bookings as the clinic allows.

    `policy.max_open_bookings_per_patient` of the clinic is the limit. One of the open bookings
    has to take place or be cancelled first.
    """

    code = "too_many_open_bookings"


class ServiceRequired(RuleViolation):
    """This clinic wants to know which of its services is booked.

    Send `service_id`; `GET /v1/clinics/{clinic_id}/services` lists what the clinic offers.
    """

    code = "service_required"


class ServiceNotOffered(RuleViolation):
    """The doctor does not offer that service in this time slot.

    The service is of another clinic, or deleted, or not among the doctor's. Search slots with
    `service_id` to find only those that fit.
    """

    code = "service_not_offered"


class CancelTooLate(RuleViolation):
    """It is too late to cancel or to move the booking: call the clinic.

    `cancel_until` and `reschedule_until` of the booking are over, or the patient is checked in.
    The clinic's own people can still change it.
    """

    code = "cancel_too_late"
