"""Messages about money: what they are about, and how that stands when they are to go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.notifications.domain.message import Channel, Kind, State
from booking_system.notifications.domain.planning import (
    CLINIC,
    PATIENT,
    Lane,
    Planned,
    Standing,
)
from booking_system.payments.domain.events import (
    PaymentDisputed,
    PaymentRefunded,
    PaymentSucceeded,
    RefundFailed,
)
from booking_system.payments.domain.refunds import RefundState
from booking_system.payments.domain.standing import Dispute

OF_NO_REVISION = 0
"""Stands in the place of the revision where a message is of one cause."""
WORTH_KNOWING = timedelta(days=7)
"""So long behind its event a message about money is of use."""
SEPARATOR = ":"


class Cause(NamedTuple):
    """Which payment, refund or matter a message is about; `more` says what of it."""

    id: UUID
    more: str | None = None


def recipient_of(part: str, cause: Cause) -> str:
    """Return what the recipient of a message of one cause is called by in the ledger."""
    return SEPARATOR.join([part, str(cause.id), *([] if cause.more is None else [cause.more])])


def cause_of(recipient: str) -> Cause | None:
    """Return what the message is about; None: it is of a revision."""
    _, _, rest = recipient.partition(SEPARATOR)
    if not rest:
        return None
    identity, _, more = rest.partition(SEPARATOR)
    return Cause(UUID(identity), more or None)


def part_of(recipient: str) -> str:
    """Return the recipient's part: `patient` or `clinic`."""
    return recipient.partition(SEPARATOR)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyDue:
    """How that stands, when a message is to go, which it is about.

    `is_on_its_way`: a provider has a payer's word, and the money comes or fails later. `has_come`:
    the payment in question has brought money. `dispute` is its present one, `told_dispute` the one
    to be told. `is_open`: the matter is. `confirmation`: how far the confirmation is that tells of
    the same payment, None: none does. `is_told_late`: that money came too late is a message of its
    own.
    """

    is_on_its_way: bool = False
    has_come: bool = False
    refund: RefundState | None = None
    dispute: Dispute | None = None
    told_dispute: Dispute | None = None
    is_open: bool = False
    confirmation: State | None = None
    is_told_late: bool = False

    def makes_true(self, kind: Kind) -> bool:
        """Say whether a message of this kind says what is so."""
        is_so = {
            Kind.PAYMENT_EXPIRED: not self.is_told_late,
            Kind.PAYMENT_RECEIPT: self.has_come,
            Kind.PAYMENT_LATE: self.has_come,
            Kind.REFUND: self.refund is RefundState.SETTLED,
            Kind.REFUND_FAILED: self.refund is RefundState.FAILED,
            Kind.DISPUTE_NOTICE: self.dispute is not None and self.dispute is self.told_dispute,
            Kind.MATTER_NOTICE: self.is_open,
        }
        return is_so.get(kind, True)


def plan_for_payment(
    name: str, data: Mapping[str, Any], at: datetime, standing: Standing
) -> Planned | None:
    """Return the message that an event of a payment calls for; None: it calls for none.

    It happened `at` (UTC) to the appointment that stands so now.
    """
    kind, key = {
        PaymentSucceeded.name: (Kind.PAYMENT_RECEIPT, "payment_id"),
        PaymentRefunded.name: (Kind.REFUND, "refund_id"),
        RefundFailed.name: (Kind.REFUND_FAILED, "refund_id"),
        PaymentDisputed.name: (Kind.DISPUTE_NOTICE, "payment_id"),
    }.get(name, (None, ""))
    if kind is None:
        return None
    cause = Cause(UUID(data[key]))
    if kind is Kind.DISPUTE_NOTICE:
        return _of_cause(kind, CLINIC, cause._replace(more=data["dispute"]), Channel.EMAIL, at)
    if kind is Kind.PAYMENT_RECEIPT and standing.status is AppointmentStatus.EXPIRED:
        kind = Kind.PAYMENT_LATE
    channel = next((one for one in Channel if standing.preferences.allow(one)), None)
    return None if channel is None else _of_cause(kind, PATIENT, cause, channel, at)


def plan_for_matter(matter_id: UUID, found_at: datetime) -> Planned:
    """Return the notice of what staff have to see to, since an instant (UTC)."""
    return _of_cause(Kind.MATTER_NOTICE, CLINIC, Cause(matter_id), Channel.EMAIL, found_at)


def _of_cause(kind: Kind, part: str, cause: Cause, channel: Channel, at: datetime) -> Planned:
    return Planned(
        kind=kind,
        channel=channel,
        recipient=recipient_of(part, cause),
        lane=Lane.CHANGES,
        due_at=at,
        not_after=at + WORTH_KNOWING,
    )
