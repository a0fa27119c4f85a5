"""Whether a message that is due may go: asked before it is written, and again before it goes.

One gate for all kinds and channels. It looks at the appointment, and not at how that was changed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_system.booking.domain.lifecycle import OPEN, AppointmentStatus
from booking_system.notifications.domain.message import (
    ALWAYS_TRUE,
    ANSWERS,
    ASKING_FOR_MONEY,
    OF_ONE_CAUSE,
    Channel,
    Kind,
    State,
)
from booking_system.notifications.domain.money import MoneyDue
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.preferences import Preferences

ACCOUNTS = frozenset(
    {Kind.INVITATION, Kind.EMAIL_VERIFICATION, Kind.PASSWORD_RESET, Kind.PASSWORD_CHANGED}
)
FALLS_BACK = frozenset(
    {
        Skipped.NO_ADDRESS,
        Skipped.NOT_WANTED,
        Skipped.OPTED_OUT,
        Skipped.BOUNCED,
        Skipped.COMPLAINED,
        Skipped.UNUSABLE,
        Skipped.NO_CHANNEL,
    }
)
"""What is no reason against the other channel."""
EXPECTS: dict[Kind, frozenset[AppointmentStatus]] = {
    Kind.CONFIRMATION: OPEN,
    Kind.CHANGE: OPEN,
    Kind.REMINDER: frozenset({AppointmentStatus.CONFIRMED}),
    Kind.CANCELLATION: frozenset({AppointmentStatus.CANCELLED}),
    Kind.STAFF_NOTICE: frozenset(AppointmentStatus),
    Kind.CONFIRMED_ANSWER: OPEN,
    Kind.CANCEL_QUESTION: frozenset({AppointmentStatus.CONFIRMED}),
    Kind.WHICH_TO_CONFIRM: OPEN,
    Kind.WHICH_TO_CANCEL: OPEN,
    Kind.TOO_LATE_ANSWER: OPEN,
    Kind.CANCEL_WORD_NOTICE: OPEN,
    Kind.PAYMENT_REQUEST: frozenset({AppointmentStatus.PENDING_PAYMENT}),
    Kind.PAYMENT_REMINDER: frozenset({AppointmentStatus.PENDING_PAYMENT}),
    Kind.PAYMENT_EXPIRED: frozenset({AppointmentStatus.EXPIRED}),
    Kind.PAYMENT_LATE: frozenset({AppointmentStatus.EXPIRED}),
    Kind.PAYMENT_RECEIPT: frozenset(AppointmentStatus),
    Kind.REFUND: frozenset(AppointmentStatus),
    Kind.REFUND_FAILED: frozenset(AppointmentStatus),
    Kind.DISPUTE_NOTICE: frozenset(AppointmentStatus),
    Kind.MATTER_NOTICE: frozenset(AppointmentStatus),
}
"""In which states of the appointment a message is true."""
TO_CLINIC = frozenset(
    {Kind.STAFF_NOTICE, Kind.CANCEL_WORD_NOTICE, Kind.DISPUTE_NOTICE, Kind.MATTER_NOTICE}
)
REMINDING = frozenset({Kind.REMINDER, Kind.PAYMENT_REMINDER})
"""A patient may want none of them, and nobody is woken up by them."""
SENT = frozenset({State.SENT, State.DELIVERED})
UNDER_WAY = frozenset({State.PLANNED, State.CLAIMED, State.SENDING, State.UNKNOWN})
LOOKED_AGAIN = timedelta(seconds=30)
"""So long a message about money waits for what makes it needless."""


@dataclass(frozen=True, slots=True)
class Block:
    """Why an address is let be; it `has_end` where that is only so for a while."""

    reason: Skipped
    has_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A message whose time has come, with what stands about it now; times in UTC.

    `revision` and `status` are the appointment's, None without one. `address` is where it would go.
    `blocked`: why the address is not to be written to. `is_gone`: recipient or clinic was removed.
    `is_over`: what an account's message is about was done already, or taken back; the answer to a
    question is waited for no more. `has_own_channel`: it goes through an account of the clinic.
    `money` is there for messages about money.
    """

    kind: Kind
    channel: Channel
    planned_revision: int
    not_after: datetime
    revision: int | None
    status: AppointmentStatus | None
    address: str | None
    blocked: Skipped | None
    is_gone: bool
    zone: str
    preferences: Preferences
    is_over: bool = False
    has_own_channel: bool = False
    money: MoneyDue | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """It may go."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """It is not true any more."""


@dataclass(frozen=True, slots=True)
class Skip:
    """It will not go; `falls_back`: something may go through another channel."""

    reason: Skipped
    falls_back: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before an instant (UTC)."""

    until: datetime


Verdict = Send | Withdraw | Skip | Wait


def verdict_on(due: Due, *, now: datetime, channels: Collection[Channel]) -> Verdict:
    """Judge; `channels` are those that this installation has."""
    if not _is_true(due):
        return Withdraw()
    if now >= due.not_after:
        return Skip(Skipped.TOO_LATE, falls_back=False)
    if (about_money := _told_otherwise(due, now)) is not None:
        return about_money
    reason = _reason_against(due, channels)
    if reason is not None:
        return Skip(reason, falls_back=reason in FALLS_BACK and _is_for_patient(due))
    return _waiting(due, now) or Send()


def stays_true(due: Due, *, revision: int, status: AppointmentStatus) -> bool:
    """Say whether a message that was judged is still true of its appointment, as that is now.

    Another state alone is no reason: who is checked in meanwhile still gets the confirmation.
    """
    if due.kind in ALWAYS_TRUE or _is_true_in_any_state(due.kind):
        return True
    return revision == due.revision and status in EXPECTS[due.kind]


def _is_true_in_any_state(kind: Kind) -> bool:
    """Say whether a message stays true also when its appointment changes."""
    return kind in OF_ONE_CAUSE and EXPECTS[kind] == frozenset(AppointmentStatus)


def against_accounts(blocks: Iterable[Block]) -> Skipped | None:
    """Return which of the blocks of an address holds for a mail of its account as well.

    Nobody unsubscribes from those, and a mail that came back yesterday may come through today.
    """
    lasting = (
        block.reason
        for block in blocks
        if block.reason is not Skipped.OPTED_OUT
        and not (block.reason is Skipped.BOUNCED and block.has_end)
    )
    return next(lasting, None)


def _is_true(due: Due) -> bool:
    if due.kind in ACCOUNTS:
        return not due.is_over
    if due.is_over:
        return False
    if due.kind in ALWAYS_TRUE:
        return True
    if due.money is not None and not due.money.makes_true(due.kind):
        return False
    is_present = due.kind in OF_ONE_CAUSE or due.revision == due.planned_revision
    return is_present and due.status in EXPECTS[due.kind]


def _told_otherwise(due: Due, now: datetime) -> Wait | Skip | None:
    """One message where one does: money that is about to come has its own, and a receipt none.

    Nobody is asked for what a provider is taking, and what confirmed an appointment stands in its
    confirmation.
    """
    if due.money is None:
        return None
    if due.kind in ASKING_FOR_MONEY and due.money.is_on_its_way:
        return Wait(now + LOOKED_AGAIN)
    if due.kind is not Kind.PAYMENT_RECEIPT:
        return None
    if due.money.confirmation in SENT:
        return Skip(Skipped.TOLD_WITH_CONFIRMATION, falls_back=False)
    return Wait(now + LOOKED_AGAIN) if due.money.confirmation in UNDER_WAY else None


def _reason_against(due: Due, channels: Collection[Channel]) -> Skipped | None:
    if due.is_gone:
        return Skipped.RECIPIENT_GONE
    if due.channel not in channels and not due.has_own_channel:
        return Skipped.NO_CHANNEL
    if due.address is None:
        return Skipped.NO_ADDRESS
    if _is_for_patient(due) and not due.preferences.allow(due.channel):
        return Skipped.NOT_WANTED
    if due.kind in REMINDING and not due.preferences.reminders:
        return Skipped.NOT_WANTED
    return due.blocked


def _is_for_patient(due: Due) -> bool:
    """Say whether wishes about channels hold for it; who has just written is answered there."""
    return due.kind not in ACCOUNTS | TO_CLINIC | ANSWERS


def _waiting(due: Due, now: datetime) -> Wait | Skip | None:
    """A reminder that is late does not wake anybody up."""
    quiet = due.preferences.quiet
    if due.kind not in REMINDING or not quiet.has(now, due.zone):
        return None
    until = quiet.end_after(now, due.zone)
    if until >= due.not_after:
        return Skip(Skipped.QUIET_HOURS, falls_back=False)
    return Wait(until)
