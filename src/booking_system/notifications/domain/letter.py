"""Messages as a provider gets them: written, addressed, ready to go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

MOST_DOCUMENTS: Final = 5
"""Of one mail. Two are usual at most: a deposit, and the rest."""
MOST_DOCUMENT_BYTES: Final = 128 * 1024
"""Of all documents of one mail, before they are encoded. A receipt has about ten thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An e-mail address, with the name to show beside it."""

    address: str
    name: str | None = None


class CalendarMethod(StrEnum):
    """What a calendar does with its part of a mail (RFC 5546, section 1.4)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPart:
    """An iCalendar object (RFC 5545) in UTF-8 with lines that end in CRLF.

    Its METHOD is `method`, and the part's MIME type says the same (RFC 6047, section 2.4).
    """

    method: CalendarMethod
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFile:
    """A document that goes with a mail; its `filename` is plain ASCII (`2027-000042.pdf`)."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One e-mail to one person.

    `id` is the ledger's and stays the same when the mail is sent again: it is the `Message-ID`, and
    what the provider's reports are matched by. `unsubscribe_url` takes a POST without more
    (RFC 8058); mails of accounts have none. `documents` are at most `MOST_DOCUMENTS`, and together
    not above `MOST_DOCUMENT_BYTES`.
    """

    id: UUID
    sender: Mailbox
    reply_to: Mailbox | None
    to: Mailbox
    subject: str
    text: str
    html: str
    calendar: CalendarPart | None = None
    unsubscribe_url: str | None = None
    documents: Sequence[PdfFile] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """One SMS to a number in E.164 form (`+493012345678`), of no use from `not_after` (UTC) on."""

    id: UUID
    to: str
    text: str
    not_after: datetime
