"""Kinds of files, told by their bytes; what anybody says about them decides nothing."""

import re
from dataclasses import dataclass
from enum import StrEnum

HEAD_BYTES = 1024
"""How much of the beginning, and of the end, is looked at."""

_PDF = re.compile(rb"%PDF-[12]\.\d[\r\n ]")
_PDF_END = re.compile(rb"%%EOF[\r\n\t\f\0 ]*\Z")
_PAGE = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|\?xml)", re.IGNORECASE)
"""What a browser would take for a page, where it guesses."""


class MediaKind(StrEnum):
    """What is stored at all."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"

    @property
    def is_picture(self) -> bool:
        """Say whether it is decoded and written anew."""
        return self in PICTURES

    @property
    def endings(self) -> tuple[str, ...]:
        """How names of such files end; the first is what is added where none of them is there."""
        return ENDINGS[self]


PICTURES = frozenset({MediaKind.JPEG, MediaKind.PNG, MediaKind.WEBP})
ENDINGS = {
    MediaKind.JPEG: (".jpg", ".jpeg"),
    MediaKind.PNG: (".png",),
    MediaKind.WEBP: (".webp",),
    MediaKind.PDF: (".pdf",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The first and the last bytes of a file, at most `HEAD_BYTES` each."""

    head: bytes
    tail: bytes


def kind_of(edges: Edges) -> MediaKind | None:
    """Return what it is; None: nothing that is stored here, or two things at once."""
    head = edges.head
    if head.startswith(b"\xff\xd8\xff"):
        return MediaKind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaKind.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return MediaKind.WEBP
    # What is no picture is stored as it came: it begins and ends as its kind, with no page inside.
    is_pdf = _PDF.match(head) and _PDF_END.search(edges.tail) and not _PAGE.search(head)
    return MediaKind.PDF if is_pdf else None
