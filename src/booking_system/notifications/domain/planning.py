"""Which messages an appointment calls for: one function, from the appointment as it is now.

Two moves within a second make one message of a change: the first one's revision is not the present
one any more when somebody looks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from booking_system.booking.domain.lifecycle import OPEN, AppointmentStatus
from booking_system.booking.domain.money_first import GRACE
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.preferences import Preferences
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId

SOON = timedelta(hours=24)
"""What changes so shortly before the appointment is told through every channel."""
LAST_CALL = timedelta(minutes=10)
"""So long before the start a reminder is of use."""
TIME_TO_GET_UP = timedelta(minutes=60)
"""So long before the start a reminder that waits for the end of quiet hours comes at the latest."""
BEFORE_QUIET = timedelta(minutes=5)
STILL_WORTH_KNOWING = timedelta(hours=2)
"""So long behind the start it is still told that an appointment does not take place."""

TIME_TO_PAY = timedelta(minutes=3)
"""So long somebody who has just booked is let pay before they are asked to: at most, and at most
a fifth of their time."""
LONG_ENOUGH = timedelta(hours=1)
"""A time to pay that is shorter has no reminder: the first message is not old yet."""
LAST_MINUTES = timedelta(minutes=15)
LAST_HOURS = timedelta(hours=3)
"""So long before the time to pay is over its reminder comes: a quarter of it, between these two."""
MONEY_MAY_COME = timedelta(minutes=2)
"""So long behind its end it is not told yet: late money may take the appointment back."""

PATIENT = "patient"
CLINIC = "clinic"


class Lane(IntEnum):
    """Queues that do not wait for each other."""

    ACCOUNTS = 0
    CHANGES = 1
    REMINDERS = 2


class Skipped(StrEnum):
    """Why a message is not sent, although its time came."""

    DUE_BEFORE_BOOKING = "due_before_booking"
    OVERTAKEN = "overtaken_by_next_reminder"
    QUIET_HOURS = "quiet_hours"
    TOO_LATE = "too_late"
    NO_ADDRESS = "no_address"
    NOT_WANTED = "not_wanted"
    OPTED_OUT = "opted_out"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNUSABLE = "unusable"
    NO_CHANNEL = "no_channel"
    WINDOW_TOO_SHORT = "window_too_short"
    TOLD_WITH_CONFIRMATION = "told_with_confirmation"
    RECIPIENT_GONE = "recipient_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An appointment, as far as messages go; times in UTC.

    `agreed_at`: when this revision came to be. `zone` is the patient's, else the clinic's.
    `offsets` are the clinic's, in minutes before the start. `tells_clinic`: the patient did it, and
    the clinic has an address. `pay_by` is there while it waits for money, `expired_at` where it was
    not paid in time.
    """

    appointment_id: AppointmentId
    clinic_id: ClinicId
    revision: int
    status: AppointmentStatus
    starts_at: datetime
    agreed_at: datetime
    zone: str
    offsets: Sequence[int]
    tells_clinic: bool
    preferences: Preferences = field(default_factory=Preferences)
    pay_by: datetime | None = None
    expired_at: datetime | None = None

    @property
    def kind(self) -> Kind | None:
        """What the present revision is told as; None: by nothing."""
        if self.status is AppointmentStatus.CANCELLED:
            return Kind.CANCELLATION
        if self.status not in OPEN:
            return None
        return Kind.CONFIRMATION if self.revision == 1 else Kind.CHANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One message of an appointment; `skipped` says why it will never be sent.

    `offset_minutes` is a reminder's, 0 for others. It goes from `due_at` on, until `not_after`.
    """

    kind: Kind
    channel: Channel
    recipient: str
    lane: Lane
    due_at: datetime
    not_after: datetime
    offset_minutes: int = 0
    skipped: Skipped | None = None


def plan(standing: Standing) -> Sequence[Planned]:
    """Return all messages of the present revision."""
    return [
        *_word(standing),
        *_reminders(standing),
        *_notice(standing),
        *_asking_for_money(standing),
        *_too_late_to_pay(standing),
    ]


def _word(standing: Standing) -> Iterator[Planned]:
    """Tell the patient what has just happened."""
    if standing.kind is None:
        return
    is_cancelled = standing.kind is Kind.CANCELLATION
    not_after = standing.starts_at + (STILL_WORTH_KNOWING if is_cancelled else timedelta(0))
    if not_after <= standing.agreed_at:
        return
    for channel in _channels_of_word(standing):
        yield Planned(
            kind=standing.kind,
            channel=channel,
            recipient=PATIENT,
            lane=Lane.CHANGES,
            due_at=standing.agreed_at,
            not_after=not_after,
        )


def _channels_of_word(standing: Standing) -> Sequence[Channel]:
    """A mail, and both where a mail may be read too late."""
    is_news = standing.kind is not Kind.CONFIRMATION
    is_soon = standing.starts_at - standing.agreed_at < SOON
    return _wanted(standing, both=is_news and is_soon)


def _wanted(standing: Standing, *, both: bool = False) -> Sequence[Channel]:
    wanted = [one for one in Channel if standing.preferences.allow(one)]
    return wanted if both else wanted[:1]


def _reminders(standing: Standing) -> Iterator[Planned]:
    """Remind of what will take place; when the next reminder is due, one is too late."""
    if standing.status is not AppointmentStatus.CONFIRMED or not standing.preferences.reminders:
        return
    channel = next((one for one in reversed(Channel) if standing.preferences.allow(one)), None)
    if channel is None or standing.starts_at <= standing.agreed_at:
        return
    following: datetime = standing.starts_at - LAST_CALL
    found: list[Planned] = []
    for offset in sorted(set(standing.offsets)):
        due_at, skipped = _due(standing, timedelta(minutes=offset))
        if skipped is None and due_at >= following:
            skipped = Skipped.OVERTAKEN
        found.append(
            Planned(
                kind=Kind.REMINDER,
                channel=channel,
                recipient=PATIENT,
                lane=Lane.REMINDERS,
                due_at=due_at,
                not_after=max(following, due_at),
                offset_minutes=offset,
                skipped=skipped,
            )
        )
        following = due_at if skipped is None else following
    yield from found


def _due(standing: Standing, offset: timedelta) -> tuple[datetime, Skipped | None]:
    """Return when the reminder is due, outside of quiet hours; offsets are time gone by."""
    due_at = standing.starts_at - offset
    if due_at <= standing.agreed_at:
        return due_at, Skipped.DUE_BEFORE_BOOKING
    return _awake(standing, due_at, latest=standing.starts_at - TIME_TO_GET_UP)


def _awake(
    standing: Standing, due_at: datetime, *, latest: datetime
) -> tuple[datetime, Skipped | None]:
    """Move it out of quiet hours: to their end, if that is not behind `latest`, else before."""
    quiet, zone = standing.preferences.quiet, standing.zone
    if not quiet.has(due_at, zone):
        return due_at, None
    later = quiet.end_after(due_at, zone)
    if later <= latest:
        return later, None
    earlier = quiet.start_before(due_at, zone) - BEFORE_QUIET
    if earlier <= standing.agreed_at or quiet.has(earlier, zone):
        return due_at, Skipped.QUIET_HOURS
    return earlier, None


def _notice(standing: Standing) -> Iterator[Planned]:
    """Tell the clinic what a patient did."""
    if standing.kind is None or not standing.tells_clinic:
        return
    yield Planned(
        kind=Kind.STAFF_NOTICE,
        channel=Channel.EMAIL,
        recipient=CLINIC,
        lane=Lane.CHANGES,
        due_at=standing.agreed_at,
        not_after=standing.agreed_at + SOON,
    )


def _asking_for_money(standing: Standing) -> Iterator[Planned]:
    """Ask the patient to pay what their appointment waits for, and remind them if there is time."""
    if standing.status is not AppointmentStatus.PENDING_PAYMENT or standing.pay_by is None:
        return
    over_at = standing.pay_by - GRACE
    window = over_at - standing.agreed_at
    if window <= timedelta(0):
        return
    for channel in _wanted(standing):
        yield Planned(
            kind=Kind.PAYMENT_REQUEST,
            channel=channel,
            recipient=PATIENT,
            lane=Lane.CHANGES,
            due_at=standing.agreed_at + min(window / 5, TIME_TO_PAY),
            not_after=over_at,
        )
    yield from _payment_reminder(standing, over_at, window)


def _payment_reminder(
    standing: Standing, over_at: datetime, window: timedelta
) -> Iterator[Planned]:
    channel = next((one for one in reversed(Channel) if standing.preferences.allow(one)), None)
    if channel is None or not standing.preferences.reminders:
        return
    due_at = over_at - min(max(window / 4, LAST_MINUTES), LAST_HOURS, window * 3 / 4)
    skipped: Skipped | None = Skipped.WINDOW_TOO_SHORT
    if window >= LONG_ENOUGH:
        due_at, skipped = _awake(standing, due_at, latest=over_at - LAST_MINUTES)
    yield Planned(
        kind=Kind.PAYMENT_REMINDER,
        channel=channel,
        recipient=PATIENT,
        lane=Lane.CHANGES,
        due_at=due_at,
        not_after=over_at,
        skipped=skipped,
    )


def _too_late_to_pay(standing: Standing) -> Iterator[Planned]:
    """Tell the patient that their time was not kept any longer."""
    if standing.status is not AppointmentStatus.EXPIRED or standing.expired_at is None:
        return
    due_at = standing.expired_at + MONEY_MAY_COME
    not_after = standing.starts_at + STILL_WORTH_KNOWING
    if not_after <= due_at:
        return
    is_soon = standing.starts_at - standing.expired_at < SOON
    for channel in _wanted(standing, both=is_soon):
        yield Planned(
            kind=Kind.PAYMENT_EXPIRED,
            channel=channel,
            recipient=PATIENT,
            lane=Lane.CHANGES,
            due_at=due_at,
            not_after=not_after,
        )
