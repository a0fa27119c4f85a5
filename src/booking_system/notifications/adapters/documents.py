"""Receipts and corrections as files that go with mails: read and printed just before sending."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from booking_system.notifications.application.ledger_ports import Found
from booking_system.notifications.domain.facts import ReceiptFacts
from booking_system.notifications.domain.letter import (
    MOST_DOCUMENT_BYTES,
    MOST_DOCUMENTS,
    PdfFile,
)
from booking_system.payments.application.show_documents import PdfPrinter
from booking_system.payments.domain.receipts import Document, DocumentId

SECONDS = 4.0
"""For all documents of a mail: with the time to connect less than the lease of a message."""

log = structlog.get_logger("booking_system.messages")


class NotOfItError(Exception):
    """The document is of another appointment than the message."""


class TooLargeError(Exception):
    """There is no more room in the mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedDocuments:
    """A mail goes without what is not there in time, and the log says which document that is.

    `show` reads a document that was issued and never changes.
    """

    show: Callable[[DocumentId], Awaitable[Document]]
    printer: PdfPrinter
    seconds: float = field(default_factory=lambda: SECONDS)

    async def of(self, message_id: UUID, found: Found) -> Sequence[PdfFile]:
        """Print those that the facts name, in the language of the recipient."""
        files: list[PdfFile] = []
        named = () if found.money is None else found.money.documents
        for one in named[MOST_DOCUMENTS:]:
            _left_out(message_id, one, "too_many")
        missing = list(named[:MOST_DOCUMENTS])
        try:
            async with asyncio.timeout(self.seconds):
                while missing:
                    await self._add(files, message_id, found, missing[0])
                    missing.pop(0)
        except TimeoutError:
            for one in missing:
                _left_out(message_id, one, "too_slow")
        return files

    async def _add(
        self, files: list[PdfFile], message_id: UUID, found: Found, named: ReceiptFacts
    ) -> None:
        try:
            room = MOST_DOCUMENT_BYTES - sum(len(one.content) for one in files)
            files.append(await self._printed(found, named, room))
        except Exception as error:  # noqa: BLE001  (any fault of it: the mail goes)
            _left_out(message_id, named, type(error).__name__)

    async def _printed(self, found: Found, named: ReceiptFacts, room: int) -> PdfFile:
        document = await self.show(named.id)
        if document.appointment_id != found.appointment.id:
            raise NotOfItError
        content = await self.printer.pdf(document, language=found.recipient_locale)
        if len(content) > room:
            raise TooLargeError
        return PdfFile(filename=f"{document.name}.pdf", content=content)


def _left_out(message_id: UUID, named: ReceiptFacts, reason: str) -> None:
    log.warning(
        "document_not_attached",
        message_id=str(message_id),
        document_id=str(named.id),
        reason=reason,
    )
