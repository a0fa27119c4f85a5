"""How booking says no, beyond what scheduling says of the slot itself."""

from booking_system.shared_kernel.errors import Conflict, NotFound, RuleViolation


class AppointmentNotFound(NotFound):
    """There is no such booking, or not for you."""


class PatientNotFound(NotFound):
    """There is no such patient, or not for you."""


class PatientOverlap(Conflict):
    """The patient has another appointment at that time."""

    code = "patient_overlap"


class BookingNotActive(Conflict):
    """This booking is cancelled or over already."""

    code = "booking_not_active"


class BookingsAffected(Conflict):
    """There are booked appointments that this would leave behind: keep or cancel them."""

    code = "bookings_affected"


class RestoreConflict(Conflict):
    """Something else stands in its place by now."""

    code = "restore_conflict"


class NoticeTooShort(RuleViolation):
    """The clinic wants to be told earlier."""

    code = "notice_too_short"


class BeyondHorizon(RuleViolation):
    """The clinic does not take bookings that far ahead."""

    code = "beyond_horizon"


class TooManyOpenBookings(RuleViolation):
    """The patient has as many open bookings as the clinic allows."""

    code = "too_many_open_bookings"


class ServiceRequired(RuleViolation):
    """This clinic wants to know which of its services is booked."""

    code = "service_required"


class ServiceNotOffered(RuleViolation):
    """The doctor does not offer that service in this time slot."""

    code = "service_not_offered"


class CancelTooLate(RuleViolation):
    """It is too late to cancel: call the clinic."""

    code = "cancel_too_late"
