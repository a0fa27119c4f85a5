"""How an attempt to send ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from booking_system.notifications.domain.message import Channel


class Fault(StrEnum):
    """Why a provider did not take, or did not bring, a message; each has one consequence.

    `temporary`: later again. `recipient`: the address or number is no use, the desk is told.
    `opted_out`: the recipient wants nothing from this sender. `policy`: the provider will not send
    this one. `refused`: the provider refuses all of ours, for a key or an account.
    """

    TEMPORARY = "temporary"
    RECIPIENT = "recipient"
    OPTED_OUT = "opted_out"
    POLICY = "policy"
    REFUSED = "refused"


class NotSentError(Exception):
    """The provider surely did not take the message."""

    def __init__(self, fault: Fault, code: str, *, again_after: timedelta | None = None) -> None:
        """`code` is the provider's own, such as `550 5.1.1` or `21610`: never its sentence.

        `again_after` is how long the provider asks to be left alone.
        """
        super().__init__(f"{fault}: {code}")
        self.fault = fault
        self.code = code
        self.again_after = again_after


class OutcomeUnknownError(Exception):
    """The message went out, and no answer came: perhaps it was taken."""

    def __init__(self, code: str) -> None:
        """`code` says what came instead of an answer, such as `timeout` or `connection_lost`."""
        super().__init__(code)
        self.code = code


class NoWordError(Exception):
    """A provider was asked what it had taken, and did not say."""


class Reported(StrEnum):
    """What a provider tells of a message later, or of its recipient."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing that a provider tells; told twice it has the same `event_id`.

    `message_id` is ours, where the provider gives it back; `provider_id` is the provider's own.
    `recipient` is the address or number it is about, `sender` the number that wrote to it: an
    opt-out by SMS is towards that one only. `fault` and `code` say why a message was not brought.
    """

    provider: str
    event_id: str
    channel: Channel
    reported: Reported
    at: datetime
    message_id: UUID | None = None
    provider_id: str | None = None
    recipient: str | None = None
    sender: str | None = None
    fault: Fault | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsReply:
    """A person answered an SMS; `text` is what they wrote, `to` the sender that they answered.

    `was_answered`: it is a word of the provider's own, such as STOP, and the provider did answer.
    """

    provider: str
    event_id: str
    sender: str
    to: str
    text: str
    at: datetime
    was_answered: bool = False
