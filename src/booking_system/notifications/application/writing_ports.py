"""What sending needs to write: words and documents in the recipient's language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from booking_system.notifications.application.ledger_ports import Found
from booking_system.notifications.domain.facts import AccountMessage, AppointmentMessage
from booking_system.notifications.domain.letter import CalendarPart, PdfFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A mail's words."""

    subject: str
    text: str
    html: str
    calendar: CalendarPart | None


class Writer(Protocol):
    """Finds the words for a message; the same facts give the same words."""

    def email(self, message: AppointmentMessage | AccountMessage) -> Written:
        """Write the mail, with a calendar part where a patient's calendar is to change."""
        ...

    def sms(self, message: AppointmentMessage | AccountMessage) -> str:
        """Write the SMS: short, nothing of medicine in it."""
        ...


class Documents(Protocol):
    """Prints what goes with a mail about money."""

    async def of(self, message_id: UUID, found: Found) -> Sequence[PdfFile]:
        """Return the files that are to go with it, within the bounds of an `Email`.

        No document stops a mail: what cannot be read or printed in a few seconds is left out, and
        nothing is raised.
        """
        ...
