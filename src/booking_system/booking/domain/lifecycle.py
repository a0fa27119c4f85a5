"""The life of an appointment after booking: which mark leads where, and when.

    pending_payment → confirmed, expired   by money, or for want of it; expired → confirmed by late
    confirmed → checked_in → completed
    confirmed → completed | no_show      once it has begun
    undo: checked_in → confirmed, no_show → confirmed, completed → what it was before

A cancelled appointment stays cancelled. Cancelling, moving and what money does are
`Appointment`'s own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

EARLIEST_CHECK_IN = timedelta(hours=24)
"""So long before the start, and not earlier, somebody can be there already."""


class AppointmentStatus(StrEnum):
    """Where an appointment stands."""

    PENDING_PAYMENT = "pending_payment"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class PaymentStatus(StrEnum):
    """What became of its money: computed from what was paid and given back, and stored here."""

    NOT_REQUIRED = "not_required"
    UNPAID = "unpaid"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


PAYABLE = frozenset({PaymentStatus.UNPAID, PaymentStatus.PARTIALLY_PAID})
"""Something is owed."""


OPEN = frozenset({AppointmentStatus.CONFIRMED, AppointmentStatus.CHECKED_IN})
"""Neither over nor cancelled, and its time is its own."""

WAITING = AppointmentStatus.PENDING_PAYMENT
UNCONFIRMED = frozenset({WAITING, AppointmentStatus.EXPIRED})
"""Money confirms it, where its time can be had."""

COMING = OPEN | {WAITING}
"""The same, or its time is kept while it waits for money."""

ENDED = frozenset({AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW})
"""Over: before its end, the rest of its time is free again."""


class Mark(StrEnum):
    """What the clinic can say of an appointment."""

    CHECK_IN = "check_in"
    COMPLETE = "complete"
    NO_SHOW = "no_show"
    UNDO = "undo"


class NextAction(StrEnum):
    """What somebody can do with an appointment: the marks are for the clinic."""

    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    PAY = "pay"
    CHECK_IN = "check_in"
    COMPLETE = "complete"
    NO_SHOW = "no_show"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Standing:
    """A status, and the one that undoing goes back to; None: there is nothing to undo."""

    status: AppointmentStatus
    previous: AppointmentStatus | None = None

    def after(self, mark: Mark, *, starts_at: datetime, now: datetime) -> "Standing | None":
        """Return where the mark leads; None where it is not possible now."""
        if mark is Mark.UNDO:
            return self._before()
        status = self.status
        is_confirmed = status is AppointmentStatus.CONFIRMED
        has_begun = is_confirmed and starts_at <= now
        if mark is Mark.CHECK_IN and is_confirmed and now >= starts_at - EARLIEST_CHECK_IN:
            return Standing(AppointmentStatus.CHECKED_IN, status)
        if mark is Mark.COMPLETE and (has_begun or status is AppointmentStatus.CHECKED_IN):
            return Standing(AppointmentStatus.COMPLETED, status)
        if mark is Mark.NO_SHOW and has_begun:
            return Standing(AppointmentStatus.NO_SHOW, status)
        return None

    def _before(self) -> "Standing | None":
        if self.previous is None:
            return None
        is_checked_in = self.previous is AppointmentStatus.CHECKED_IN
        return Standing(self.previous, AppointmentStatus.CONFIRMED if is_checked_in else None)
