"""A message that was kept to be looked at, instead of being sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking_system.notifications.domain.letter import CalendarPart, Mailbox, PdfFile
from booking_system.notifications.domain.message import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """An e-mail or an SMS as a provider would have got it.

    `id` is of this copy, `message_id` the ledger's: a message that is sent twice is here twice. An
    SMS has a number for an address, a text, and nothing else.
    """

    id: UUID
    message_id: UUID
    channel: Channel
    to: Mailbox
    text: str
    kept_at: datetime
    sender: Mailbox | None = None
    reply_to: Mailbox | None = None
    subject: str | None = None
    html: str | None = None
    calendar: CalendarPart | None = None
    unsubscribe_url: str | None = None
    documents: Sequence[PdfFile] = ()
