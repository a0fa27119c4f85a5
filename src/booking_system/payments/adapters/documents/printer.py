"""Prints documents beside the event loop: a PDF takes longer than requests may wait for it.

What prints is slow to load, and loaded with the first document.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from booking_system.payments.domain.receipts import Document

KEPT: Final = 128
"""PDFs, of some ten thousand bytes each: they never change."""
Key = tuple[Document, str | None]


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints one PDF at a time, so that the processor is left to others."""

    _one: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    _kept: OrderedDict[Key, bytes] = field(default_factory=OrderedDict)

    def page(self, document: Document, *, language: str | None = None) -> str:
        """Return it as HTML, which takes less than a thousandth of a second."""
        from booking_system.payments.adapters.documents import page, sheet  # noqa: PLC0415

        return page.page_of(sheet.sheet_of(document, language))

    async def pdf(self, document: Document, *, language: str | None = None) -> bytes:
        """Return it as PDF."""
        key = (document, language)
        async with self._one:
            if (known := self._kept.get(key)) is None:
                known = await asyncio.to_thread(_printed, document, language)
                self._kept[key] = known
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        return known


def _printed(document: Document, language: str | None) -> bytes:
    from booking_system.payments.adapters.documents import pdf, sheet  # noqa: PLC0415

    return pdf.pdf_of(sheet.sheet_of(document, language))
