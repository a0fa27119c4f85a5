"""Which bookings wait for money before they are confirmed, how long, and for how much."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking_system.booking.domain.attempt import BookingAttempt, Override
from booking_system.booking.domain.holding import latest_end
from booking_system.shared_kernel.money import Money

GRACE = timedelta(minutes=3)
"""So long after the last moment to pay, the provider's word may still come."""
PAYMENT_REQUIRED = "payment_required"
"""The code by which staff let a booking be confirmed that nothing was paid for yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTerms:
    """What the clinic keeps of the price, in percent, by its policy of the day of booking.

    Of a patient's cancellation less than `late_cancel` before the start, and of a no-show.
    """

    late_cancel: timedelta
    late_cancel_percent: int
    no_show_percent: int


@dataclass(frozen=True, slots=True)
class PaidFirst:
    """What has to be paid, and until when its time is kept (UTC), with the time of grace."""

    amount: Money
    until: datetime


def pays_first(attempt: BookingAttempt, override: Override | None) -> PaidFirst | None:
    """Return what a booking that passed every rule waits for; None: it is confirmed at once.

    What staff book in spite of a rule waits for nothing: time that somebody else has cannot be
    kept by a hold.
    """
    amount, clinic = attempt.agreement.due_first, attempt.clinic
    if amount is None or override is not None:
        return None
    assert clinic is not None, "a slot always has a clinic"
    wanted = attempt.now + clinic.payment_window + GRACE
    return PaidFirst(amount, min(wanted, latest_end(attempt.the_slot, attempt.now)))


def with_payment_waived(attempt: BookingAttempt, needed: Override | None) -> Override | None:
    """Return what of an override was needed, and that the payment was set aside, if it was."""
    override = attempt.override
    if override is None or attempt.agreement.due_first is None:
        return needed
    if PAYMENT_REQUIRED not in override.codes:
        return needed
    codes = frozenset() if needed is None else needed.codes
    return replace(override, codes=codes | {PAYMENT_REQUIRED})
