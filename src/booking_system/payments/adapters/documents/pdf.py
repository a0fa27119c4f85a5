"""A document as PDF. The same document gives the same bytes: its date is that of issue."""

import logging
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from booking_system.payments.adapters.documents.letters import Letters, letters_for
from booking_system.payments.adapters.documents.sheet import Sheet

for name in ("fpdf", "fontTools"):
    # They tell of letters, which are of names.
    logging.getLogger(name).setLevel(logging.CRITICAL)

MARGIN: Final = 20.0
LABELS: Final = 52.0
"""Millimetres, as all lengths here."""
BIG, TITLE, USUAL, SMALL = 13, 20, 10.5, 8.5
"""Points."""
DARK, LIGHT = 0, 110
LINE: Final = 5.6


def pdf_of(sheet: Sheet) -> bytes:
    """Return the PDF: A4, with the letters that it has and no others, so that it looks the same.

    Takes about a tenth of a second, with Chinese letters half a second more: call it in a thread.
    """
    letters = letters_for(_texts(sheet))
    with TemporaryDirectory() as folder:
        # Read until the end.
        return _written(sheet, letters, letters.subset_into(Path(folder)))


def _written(sheet: Sheet, letters: Letters, fonts: Sequence[Path]) -> bytes:
    paper = _Paper(format="A4", unit="mm")
    paper.set_creation_date(sheet.issued_at)
    paper.set_lang(sheet.language)
    paper.set_title(f"{sheet.title} {sheet.number}")
    paper.set_margin(MARGIN)
    paper.c_margin = 0
    paper.set_auto_page_break(auto=True, margin=MARGIN)
    for path in fonts:
        paper.add_font(path.stem, fname=path)
    paper.set_fallback_fonts([path.stem for path in fonts[1:]])
    # It takes time, and what has no need of it is copied and found better without.
    paper.set_text_shaping(use_shaping_engine=not letters.are_plain)
    paper.set_font(fonts[0].stem, size=USUAL)
    paper.add_page()
    paper.text_line(letters.written(sheet.issuer), size=BIG)
    for line in sheet.address:
        paper.text_line(letters.written(line), size=SMALL, grey=LIGHT)
    paper.ln(12)
    paper.text_line(letters.written(sheet.title), size=TITLE)
    paper.ln(4)
    for label, text in sheet.facts:
        paper.pair(letters.written(label), letters.written(text))
    paper.ln(6)
    for one in sheet.amounts:
        paper.rule()
        size = BIG if one.is_main else USUAL
        paper.pair(letters.written(one.label), letters.written(one.text), size=size, is_sum=True)
    paper.rule()
    paper.ln(8)
    for note in sheet.notes:
        paper.text_line(letters.written(note), size=SMALL, grey=LIGHT)
    return bytes(paper.output())


def _texts(sheet: Sheet) -> list[str]:
    facts = [text for pair in sheet.facts for text in pair]
    amounts = [text for one in sheet.amounts for text in (one.label, one.text)]
    return [sheet.issuer, sheet.title, *sheet.address, *facts, *amounts, *sheet.notes]


class _Paper(FPDF):
    """Writes from top to bottom; what is too long goes on in the next line, or on a new page."""

    def text_line(self, text: str, *, size: float, grey: int = DARK) -> None:
        """Write over the whole width."""
        self._write(self.epw, text, size=size, grey=grey)

    def pair(self, label: str, text: str, *, size: float = USUAL, is_sum: bool = False) -> None:
        """Write a label, and what it stands for beside it; sums end at the right."""
        page, top = self.page, self.get_y()
        self._write(LABELS, label, size=size, grey=DARK if is_sum else LIGHT)
        bottom = self.get_y() if self.page == page else top
        self.page, self.y = page, top
        self.set_x(MARGIN + LABELS)
        align = Align.R if is_sum else Align.L
        self._write(self.epw - LABELS, text, size=size, align=align)
        if self.page == page:
            self.set_y(max(self.get_y(), bottom))

    def rule(self) -> None:
        """Draw a thin line over the whole width."""
        self.set_draw_color(200)
        self.line(MARGIN, self.get_y() + 1, MARGIN + self.epw, self.get_y() + 1)
        self.ln(2)

    def _write(
        self, width: float, text: str, *, size: float, grey: int = DARK, align: Align = Align.L
    ) -> None:
        self.set_font_size(size)
        self.set_text_color(grey)
        height = LINE * size / USUAL
        self.multi_cell(
            width, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT, padding=0
        )
