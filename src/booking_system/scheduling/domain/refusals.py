"""How scheduling says no."""

from booking_system.shared_kernel.errors import Conflict, NotFound, RuleViolation


class SlotNotFound(NotFound):
    """There is no such time slot.

    The id is wrong, or the slot was taken back by the clinic. Search again.
    """

    code = "slot_not_found"


class SlotUnavailable(Conflict):
    """This time slot is not open for booking.

    The clinic has closed it, or its doctor or clinic is gone. `alternatives` names free slots
    of the same doctor or clinic.
    """

    code = "slot_unavailable"


class SlotAlreadyBooked(Conflict):
    """Somebody has this time slot already.

    No one else's booking is ever overwritten. `alternatives` names up to five of the nearest
    free slots of the same doctor, then of the same clinic: offer those.
    """

    code = "slot_already_booked"


class SlotHeld(Conflict):
    """Somebody is booking this time slot right now.

    It is kept for them for some minutes. `alternatives` names free slots of the same doctor or
    clinic; the slot itself is free again when they cancel or their time is over.
    """

    code = "slot_held"


class HoldExpired(Conflict):
    """The hold is over, and the time slot is no longer kept.

    `expires_at` of the hold has passed, or it was given back. Where the slot is still free it can
    be booked, or held anew; otherwise offer one of the `alternatives`.
    """

    code = "hold_expired"


class HoldAlreadyExtended(Conflict):
    """This hold was extended before: that can be done once.

    Book before `expires_at`, or hold the slot anew when it is over.
    """

    code = "hold_already_extended"


class SlotOverlap(Conflict):
    """The doctor has another time slot at that time.

    Slots of one doctor never overlap, and none of the request was stored. `errors` names the
    first slot of the request that overlaps with another one of it or with one that exists.
    """

    code = "slot_overlap"


class SlotInPast(RuleViolation):
    """The time slot has begun or is over.

    Only what lies ahead can be offered or booked. Compare with the `Date` header of the answer:
    clocks of devices may be wrong.
    """

    code = "slot_in_past"


class AvailabilityOverlap(Conflict):
    """Another availability rule, or exception, of this doctor holds at the same hours.

    `availability_id` names the rule, `exception_id` the exception. Change or delete that one, or
    choose other hours, weekdays or dates. Hours of a date that stand instead of the rules' overlap
    no rule.
    """

    code = "availability_overlap"


class PlanTooLarge(RuleViolation):
    """These hours would make more time slots than one doctor may have.

    A doctor has at most 40,000 time slots to come by weekly hours and exceptions, within the
    clinic's horizon; `detail` says how many it would be. Choose longer slots, fewer hours, or a
    shorter horizon.
    """

    code = "plan_too_large"


class NonexistentLocalTime(RuleViolation):
    """The clinic's clock never shows that time on that day.

    It is skipped when summer time begins there, so no time slot can be made of it.
    """

    code = "nonexistent_local_time"
