"""What sending needs from a provider; the same for all of them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from booking_system.notifications.domain.letter import Email, Sms
from booking_system.notifications.domain.sending import Report, SmsReply
from booking_system.shared_kernel.identifiers import ClinicId


class Handover(Protocol):
    """A message before an open connection: everything is ready but its last bytes.

    All three steps raise `NotSentError` where the provider surely did not take it.
    """

    async def write(self) -> None:
        """Give the message to the connection; a matter of a millisecond, at most of 250.

        When this returns or raises `OutcomeUnknownError`, the provider may have it.
        """
        ...

    async def answer(self) -> str | None:
        """Return the provider's id of the message, where it gives one.

        Raises `OutcomeUnknownError` when no answer comes in time.
        """
        ...


class EmailCarrier(Protocol):
    """Brings e-mails; one provider, or an SMTP server."""

    @property
    def name(self) -> str:
        """The provider's name in the ledger, such as `smtp`."""
        ...

    def opened(self, email: Email) -> AbstractAsyncContextManager[Handover]:
        """Connect, sign in and prepare; leaving the block closes or gives back what was opened.

        Raises `NotSentError`.
        """
        ...


class SmsCarrier(Protocol):
    """Brings SMS; one provider."""

    @property
    def name(self) -> str:
        """The provider's name in the ledger, such as `twilio`."""
        ...

    def opened(self, sms: Sms) -> AbstractAsyncContextManager[Handover]:
        """As an `EmailCarrier` does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSms:
    """An SMS that a provider took from us, by its own id."""

    provider_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenList:
    """What a provider took for a number; where it is not `is_complete`, some may be missing."""

    messages: Sequence[TakenSms]
    is_complete: bool


@runtime_checkable
class AnswerableSmsCarrier(SmsCarrier, Protocol):
    """A carrier that can be asked later what it took."""

    async def taken_for(self, number: str, *, since: datetime) -> TakenList:
        """Return what it took from us for a number since an instant (UTC), the newest first.

        Raises `NoWordError`.
        """
        ...


class ReportSink(Protocol):
    """Takes what providers tell; the same event again changes nothing."""

    async def __call__(
        self, told: Sequence[Report | SmsReply], *, clinic_id: ClinicId | None = None
    ) -> None:
        """Store it and draw the consequences, or raise: the provider then tells it again.

        What the account of a clinic has told counts for this clinic's messages only.
        """
        ...
