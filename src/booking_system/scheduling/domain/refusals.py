"""How scheduling says no."""

from booking_system.shared_kernel.errors import Conflict, NotFound, RuleViolation


class SlotNotFound(NotFound):
    """There is no such time slot."""

    code = "slot_not_found"


class SlotUnavailable(Conflict):
    """This time slot is not open for booking."""

    code = "slot_unavailable"


class SlotAlreadyBooked(Conflict):
    """Somebody has this time slot already."""

    code = "slot_already_booked"


class SlotOverlap(Conflict):
    """The doctor has another time slot at that time."""

    code = "slot_overlap"


class SlotInPast(RuleViolation):
    """The time slot has begun or is over."""

    code = "slot_in_past"
