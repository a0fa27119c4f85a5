"""A delivery: one event on its way to one endpoint, and how an attempt ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, NewType
from uuid import UUID

from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.webhooks.domain.endpoint import EndpointId

DeliveryId = NewType("DeliveryId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPinged(DomainEvent):
    """An owner asked for a sign of life; it is told to their endpoint only, and in no feed."""

    name: ClassVar[str] = "webhook.ping"
    is_in_feed: ClassVar[bool] = False

    webhook_endpoint_id: UUID


class DeliveryState(StrEnum):
    """Where a delivery stands; `paused` ones wait until somebody has them replayed."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One as its owner sees it. Times in UTC.

    `event_seq` is the event's number in the feed, None for a ping. `answer` is the beginning of
    what the receiver answered last, `error_code` why it gave no answer, or not a good one.
    """

    id: DeliveryId
    endpoint_id: EndpointId
    event_seq: int | None
    event_id: UUID
    name: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    attempted_at: datetime | None
    ended_at: datetime | None
    stored_at: datetime
    last_status: int | None
    error_code: str | None
    answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that is ours for half a minute; `token` is the fence, drawn for this claim.

    `attempts` counts this one. `former_secret` is good until the secret that took its place is
    known everywhere; both are sealed.
    """

    id: DeliveryId
    token: int
    attempts: int
    endpoint_id: EndpointId
    url: str
    secret: bytes
    former_secret: bytes | None
    event_seq: int | None
    event_id: UUID
    name: str
    occurred_at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver answered; `excerpt` is the beginning of its body."""

    status: int
    again_after: timedelta | None
    excerpt: str

    @property
    def is_success(self) -> bool:
        """Only 2xx is: a redirection is never followed."""
        return 200 <= self.status < 300


class NotAnsweredError(Exception):
    """No answer came."""

    def __init__(self, code: str) -> None:
        """`code` says why: `blocked_address`, `dns`, `connection`, `tls`, `timeout`, `protocol`."""
        super().__init__(code)
        self.code = code
