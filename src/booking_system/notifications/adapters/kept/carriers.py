"""Carriers that keep what they are given: what a developer has instead of a provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from booking_system.notifications.application.kept_ports import KeptMessages
from booking_system.notifications.application.sending_ports import Handover
from booking_system.notifications.domain.kept import KeptMessage
from booking_system.notifications.domain.letter import Email, Mailbox, Sms
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from booking_system.platform.postgres.faults import OutcomeUnknown
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Transient, Unavailable
from booking_system.shared_kernel.identifiers import Identities

NAME: Final = "outbox"


@dataclass(slots=True, kw_only=True)
class _KeptHandover:
    """Keeps the message when it is written."""

    kept: KeptMessages
    message: KeptMessage

    async def write(self) -> None:
        """Store it: inside of a whole of the database with that, else by itself."""
        try:
            await self.kept.add(self.message)
        except OutcomeUnknown:
            raise OutcomeUnknownError("commit_unanswered") from None
        except (Unavailable, Transient):
            raise NotSentError(Fault.TEMPORARY, "not_stored") from None

    async def answer(self) -> str | None:
        """Return the id of this copy."""
        return str(self.message.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEmails:
    """An `EmailCarrier` that brings nothing anywhere."""

    kept: KeptMessages
    clock: Clock
    identities: Identities

    @property
    def name(self) -> str:
        """The name in the ledger."""
        return NAME

    @asynccontextmanager
    async def opened(self, email: Email) -> AsyncIterator[Handover]:
        """There is nothing to connect to."""
        message = KeptMessage(
            id=self.identities.new(),
            message_id=email.id,
            channel=Channel.EMAIL,
            to=email.to,
            sender=email.sender,
            reply_to=email.reply_to,
            subject=_storable(email.subject),
            text=_storable(email.text),
            html=_storable(email.html),
            calendar=email.calendar,
            unsubscribe_url=email.unsubscribe_url,
            documents=email.documents,
            kept_at=self.clock.now(),
        )
        yield _KeptHandover(kept=self.kept, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSms:
    """An `SmsCarrier` that brings nothing anywhere."""

    kept: KeptMessages
    clock: Clock
    identities: Identities

    @property
    def name(self) -> str:
        """The name in the ledger."""
        return NAME

    @asynccontextmanager
    async def opened(self, sms: Sms) -> AsyncIterator[Handover]:
        """There is nothing to connect to."""
        message = KeptMessage(
            id=self.identities.new(),
            message_id=sms.id,
            channel=Channel.SMS,
            to=Mailbox(address=sms.to),
            text=_storable(sms.text),
            kept_at=self.clock.now(),
        )
        yield _KeptHandover(kept=self.kept, message=message)


def _storable(text: str) -> str:
    # PostgreSQL stores every character but this one.
    return text.replace("\x00", "")
