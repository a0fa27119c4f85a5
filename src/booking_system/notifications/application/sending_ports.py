"""What sending needs from a provider; the same for all of them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

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


class ReportSink(Protocol):
    """Takes what providers tell; the same event again changes nothing."""

    async def __call__(
        self, told: Sequence[Report | SmsReply], *, clinic_id: ClinicId | None = None
    ) -> None:
        """Store it and draw the consequences, or raise: the provider then tells it again.

        What the account of a clinic has told counts for this clinic's messages only.
        """
        ...
