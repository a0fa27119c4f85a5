"""Messages that carriers are given."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from booking_system.notifications.adapters.carriers.waits import Waits
from booking_system.notifications.application.sending_ports import Handover
from booking_system.notifications.domain.letter import (
    CalendarMethod,
    CalendarPart,
    Email,
    Mailbox,
    PdfFile,
    Sms,
)
from tests.patience import PATIENCE

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ID = UUID("01957b2e-7b7c-7000-8000-00000000abcd")
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
    "SUMMARY:Sprechstunde bei Dr. Jörg Müller\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
).encode()
PDF = PdfFile(filename="2027-000042.pdf", content=b"%PDF-1.7\n\x00\xff.\r\n.\r\n")
OTHER_PDF = PdfFile(filename="2027-000043.pdf", content=b"%PDF-1.7\nanother")
UNSUBSCRIBE = f"https://booking.example.com/unsubscribe/{'a' * 90}"
QUICK = Waits(opening=0.5, writing=0.25, answer=0.4, goodbye=0.2)
"""For providers that are silent from the first."""
PATIENT = Waits(opening=PATIENCE, writing=PATIENCE, answer=PATIENCE)
"""For providers that answer."""
UNANSWERED = Waits(opening=PATIENCE, writing=PATIENCE, answer=0.4)
"""For providers that take a message and say nothing."""


class Frozen:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def an_email(**other: Any) -> Email:
    given: dict[str, Any] = {
        "id": ID,
        "sender": Mailbox(address="termine@praxis.example", name="Praxis Müller"),
        "reply_to": Mailbox(address="desk@praxis.example"),
        "to": Mailbox(address="joerg@example.org", name="Jörg"),
        "subject": "Ihr Termin am Montag, 1. März 2027, um 09:00 Uhr bei Frau Dr. Müller",
        "text": "Guten Tag Jörg\n.hidden\n" + "Wort " * 300 + "\n",
        "html": "<p>Guten Tag Jörg</p>\n",
        "calendar": CalendarPart(method=CalendarMethod.REQUEST, content=CALENDAR),
        "unsubscribe_url": UNSUBSCRIBE,
    }
    return Email(**{**given, **other})


def an_sms(**other: Any) -> Sms:
    given: dict[str, Any] = {
        "id": ID,
        "to": "+4915112345678",
        "text": "Praxis Müller & Co: Termin am 1.3. um 09:00 + Ausweis",
        "not_after": NOW + timedelta(hours=2),
    }
    return Sms(**{**given, **other})


async def sent(opened: AbstractAsyncContextManager[Handover]) -> str | None:
    """Go through all three steps."""
    async with opened as handover:
        await handover.write()
        return await handover.answer()
