"""What sending needs from the words: templates in the recipient's language."""

from dataclasses import dataclass
from typing import Protocol

from booking_system.notifications.domain.facts import AccountMessage, AppointmentMessage
from booking_system.notifications.domain.letter import CalendarPart


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
