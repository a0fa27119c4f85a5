"""Documents as people read them, and the ledger for other programs."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from booking_system.identity.domain.actor import Actor
from booking_system.payments.application.ports import PaymentsReader
from booking_system.payments.application.read_payments import of_staff
from booking_system.payments.domain.export import MOST_LINES, Entry, days_between
from booking_system.payments.domain.receipts import Document, DocumentId
from booking_system.payments.domain.refusals import ReceiptNotFound
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId

PAGE = 500


class PdfPrinter(Protocol):
    """Makes of a document a file, in its own language unless another is wished for.

    It needs nothing but the document, and of the same one it makes the same.
    """

    async def pdf(self, document: Document, *, language: str | None = None) -> bytes:
        """Return it as PDF."""
        ...


class DocumentPrinter(PdfPrinter, Protocol):
    """Makes a page of it as well."""

    def page(self, document: Document, *, language: str | None = None) -> str:
        """Return it as HTML."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDocument:
    """One document. The caller asks whether the actor may see its appointment."""

    reader: PaymentsReader

    async def __call__(self, document_id: DocumentId) -> Document:
        """Return it. Raises `ReceiptNotFound`."""
        document = await self.reader.document(document_id)
        if document is None:
            raise ReceiptNotFound
        return document


@dataclass(frozen=True, slots=True)
class Export:
    """A clinic's entries of some days, and the zone of its wall clock."""

    time_zone: str
    pages: AsyncIterator[Sequence[Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLedger:
    """The lines that settled on some days of a clinic's wall clock, for its staff."""

    reader: PaymentsReader
    clock: Clock
    page: int = PAGE
    most: int = MOST_LINES

    async def __call__(
        self, clinic_id: ClinicId, first: date | None, until: date | None, actor: Actor
    ) -> Export:
        """Return them in time order, page by page. None: from today on, for one day.

        Raises `NotFound`, `NotPermitted`, `Invalid`; this also later, where there are too many.
        """
        issuer = await of_staff(self.reader, clinic_id, actor)
        zone = issuer.time_zone
        first = first or wall_clock(self.clock.now(), zone).date()
        period = days_between(first, until or first + timedelta(days=1), zone)

        async def pages() -> AsyncIterator[Sequence[Entry]]:
            last, count = None, 0
            while True:
                found = await self.reader.entries(clinic_id, period, after=last, most=self.page)
                count += len(found)
                if count > self.most:
                    detail = f"more than {self.most} lines: ask for fewer days"
                    raise Invalid.field("/to", detail, "too_long")
                yield found
                if len(found) < self.page:
                    return
                last = found[-1]

        return Export(zone, pages())
